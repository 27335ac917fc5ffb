"""Links that every client understands, with people's own words in them."""

from __future__ import annotations

from html import escape

import pytest
from mautrix.types import RoomID, UserID

from plugin.markup.html import to_html
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
    "name",
    [
        "[x](javascript:y)",
        "*bold*",
        "1. list",
        "# head",
        "a_b_c",
        "<b>",
        "`code`",
        "x|y",
        "AT&amp;T",
        "[a_b] and [c=d]",
        "(a) (b)",
        "$a$ and $$b$$",
        "||a||",
        "1) list",
        "[^1]: note",
        "[ ] task",
        "<br>",
    ],
)
def test_a_name_stands_in_a_message_as_it_was_chosen(name: str) -> None:
    shown = escape(name)
    linked = f'<a href="https://test/">{shown}</a>'

    assert to_html(plain(name), 1.0).strip() == f"<p>{shown}</p>"
    assert to_html(link(name, "https://test/"), 1.0).strip() == f"<p>{linked}</p>"


@pytest.mark.parametrize("name", ["x" * 60_000, "x" * 101, " \n" * 5_000 + "x" * 101])
def test_a_name_takes_one_line_however_long_it_is(name: str) -> None:
    assert len(plain(name)) <= 100
    assert plain(name).endswith("…")


def test_a_name_that_fits_is_not_cut() -> None:
    assert plain("x" * 100) == "x" * 100
    assert plain("two\nlines") == "two lines"
