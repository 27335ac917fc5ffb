"""Links that every client understands, with people's own words in them."""

from __future__ import annotations

import pytest
from mautrix.types import RoomID, UserID
from mautrix.util import markdown

from plugin.matrix.links import link, plain, room_url

BOT, ALICE = UserID("@bot:test"), UserID("@alice:elsewhere")


@pytest.mark.parametrize(
    ("room_id", "path"),
    [("!r1:test", "!r1:test"), ("!r1", "!r1"), ("!a/b?c:test", "!a%2Fb%3Fc:test")],
)
def test_a_room_is_found_through_both_servers(room_id: str, path: str) -> None:
    url = room_url(RoomID(room_id), BOT, ALICE)

    assert url == f"https://matrix.to/#/{path}?via=test&via=elsewhere"


def test_one_server_is_named_once() -> None:
    assert room_url(RoomID("!r1"), BOT, BOT) == "https://matrix.to/#/!r1?via=test"


@pytest.mark.parametrize(
    "name", ["[x](javascript:y)", "*bold*", "1. list", "# head", "a_b_c", "<b>", "`code`", "x|y"]
)
def test_a_name_stands_in_a_message_as_it_was_chosen(name: str) -> None:
    shown = name.replace("<", "&lt;").replace(">", "&gt;")
    linked = f'<a href="https://test/">{shown}</a>'

    assert markdown.render(plain(name)).strip() == f"<p>{shown}</p>"
    assert markdown.render(link(name, "https://test/")).strip() == f"<p>{linked}</p>"
