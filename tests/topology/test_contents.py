"""The events that tie a Space and its chats together."""

from __future__ import annotations

import pytest
from mautrix.types import RoomID, UserID

from plugin.topology.contents import (
    backfilled_id,
    child_content,
    parent_content,
    removed_child_content,
    server_of,
    via_servers,
)
from plugin.topology.model import BINDING_TYPE, Marker

from ..planner.snapshots import ALICE, BOB, BOT, IDENTITY, SPACE, bind


def test_the_bots_server_and_the_owners_lead_to_a_room() -> None:
    assert via_servers(BOT, BOB) == ["one.test", "two.test"]
    assert via_servers(BOT, ALICE) == ["one.test"]


def test_a_servers_name_may_have_a_port() -> None:
    assert server_of(UserID("@bob:two.test:8448")) == "two.test:8448"


def test_a_link_names_servers_order_and_binding() -> None:
    assert child_content(bind(12), IDENTITY) == {
        "via": ["one.test"],
        "suggested": True,
        "order": "000012",
        BINDING_TYPE: bind(12).content("main"),
    }


def test_ten_comes_after_nine() -> None:
    orders = [child_content(bind(number), IDENTITY)["order"] for number in (9, 10)]

    assert orders == sorted(orders)


def test_what_the_owner_set_is_kept() -> None:
    standing = {"via": ["two.test"], "order": "a", "suggested": False, "org.example": 1}

    content = child_content(bind(1), IDENTITY, standing)

    assert content == {**standing, BINDING_TYPE: bind(1).content("main")}
    assert BINDING_TYPE not in standing


@pytest.mark.parametrize("via", [None, "two.test", [], [7]])
def test_a_via_that_leads_nowhere_is_mended(via: object) -> None:
    assert child_content(bind(1), IDENTITY, {"via": via})["via"] == ["one.test"]


def test_a_chat_taken_out_keeps_its_mirror() -> None:
    content = removed_child_content(child_content(bind(1), IDENTITY))

    assert "via" not in content
    assert content[BINDING_TYPE] == bind(1).content("main")


def test_a_chat_points_back_to_its_space() -> None:
    assert parent_content(BOT, BOB) == {"via": ["one.test", "two.test"], "canonical": True}


def test_a_binding_says_who_wrote_it() -> None:
    assert bind(1).content("main") == {
        "v": 1,
        "instance": "main",
        "room_type": "chat",
        "chat_id": "C1",
        "space_id": SPACE,
        "matrix_user_id": ALICE,
        "platform": "echo",
        "platform_chat_id": "ali-1",
    }


def test_a_marker_names_the_space_that_supersedes_it_only_if_there_is_one() -> None:
    plain = {"v": 1, "instance": "main", "matrix_user_id": ALICE}

    assert Marker(ALICE).content("main") == plain
    assert Marker(ALICE, SPACE).content("main") == {**plain, "superseded_by": SPACE}


def test_a_backfilled_conversation_is_the_same_for_ever() -> None:
    """Chats out there are bound to these: whoever changes the rule cuts them off."""
    assert backfilled_id(RoomID("!chat:one.test")) == "7d80ec02-7c6f-5449-85c0-833ff1416cdf"
