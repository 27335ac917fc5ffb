"""What createRoom is asked for: whole from the first event on, and with the right powers."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.types import RoomID, UserID

from plugin.matrix.create_room import RoomSpec, chat_request, space_request
from plugin.topology.model import Binding, Identity

BOT = UserID("@keeper:one.test")
ALICE = UserID("@alice:two.test")
SPACE = RoomID("!space:one.test")
IDENTITY = Identity(BOT, "main")
BINDING = Binding("C1", SPACE, ALICE, "echo", "conversation")
VERSIONS = ["1", "7", "8", "9", "10", "11", "12", "13", "org.matrix.msc9999"]


def chat(version: str = "12") -> dict[str, Any]:
    return chat_request(RoomSpec(ALICE, "Chat", version), BINDING, IDENTITY)


def space(version: str = "12") -> dict[str, Any]:
    return space_request(RoomSpec(ALICE, "Alice", version), IDENTITY)


def initial(request: dict[str, Any], event_type: str) -> dict[str, Any] | None:
    found = [one for one in request["initial_state"] if one["type"] == event_type]
    return found[0] if found else None


@pytest.mark.parametrize("request_for", [chat, space])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_room_is_private_named_and_its_owner_invited(request_for: Any, version: str) -> None:
    request = request_for(version)

    assert request["preset"] == "private_chat"
    assert request["visibility"] == "private"
    assert request["room_version"] == version
    assert request["invite"] == [ALICE]
    assert request["name"]


@pytest.mark.parametrize("request_for", [chat, space])
@pytest.mark.parametrize(("version", "listed"), [("1", True), ("11", True), ("12", False)])
def test_the_creator_is_listed_only_where_it_must_be(
    request_for: Any, version: str, listed: bool
) -> None:
    users = request_for(version)["power_level_content_override"]["users"]

    assert users[ALICE] == 50
    assert users.get(BOT) == (100 if listed else None)


@pytest.mark.parametrize("request_for", [chat, space])
def test_owners_may_rename_and_cannot_forge(request_for: Any) -> None:
    powers = request_for()["power_level_content_override"]

    assert powers["state_default"] <= 50
    for event_type in (
        "chat.spacekeeper.room",
        "chat.spacekeeper.space",
        "m.space.parent",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.tombstone",
    ):
        assert powers["events"][event_type] == 100
    assert "m.space.child" not in powers["events"]


@pytest.mark.parametrize("request_for", [chat_request, space_request])
@pytest.mark.parametrize(("can_decrypt", "power"), [(False, 100), (True, 50)])
def test_encryption_is_turned_on_by_an_owner_only_where_the_bot_can_go_on(
    request_for: Any, can_decrypt: bool, power: int
) -> None:
    spec = RoomSpec(ALICE, "Chat", "10", can_decrypt)
    more = (BINDING,) if request_for is chat_request else ()
    powers = request_for(spec, *more, IDENTITY)["power_level_content_override"]

    assert powers["events"].get("m.room.encryption", powers["state_default"]) == power


def test_an_owner_invites_to_a_chat_and_nobody_to_the_space() -> None:
    """Whoever is in the Space can enter every chat in it."""
    assert chat()["power_level_content_override"]["invite"] == 50
    assert space()["power_level_content_override"]["invite"] == 100


def test_nobody_writes_in_the_space_itself() -> None:
    assert space()["power_level_content_override"]["events_default"] == 100
    assert chat()["power_level_content_override"]["events_default"] == 0


def test_a_space_says_whose_it_is() -> None:
    request = space()

    assert request["creation_content"] == {"type": "m.space"}
    assert initial(request, "chat.spacekeeper.space") == {
        "type": "chat.spacekeeper.space",
        "state_key": "",
        "content": {"v": 1, "instance": "main", "matrix_user_id": ALICE},
    }


def test_a_chat_says_what_it_is_and_where_it_belongs() -> None:
    request = chat()
    binding, parent = initial(request, "chat.spacekeeper.room"), initial(request, "m.space.parent")

    assert binding is not None
    assert parent is not None
    assert binding["content"] == BINDING.content("main")
    assert parent["state_key"] == SPACE
    assert parent["content"] == {"via": ["one.test", "two.test"], "canonical": True}
    assert "creation_content" not in request


@pytest.mark.parametrize("version", VERSIONS)
def test_whoever_is_in_the_space_may_come_back_where_the_version_knows_how(version: str) -> None:
    rules = initial(chat(version), "m.room.join_rules")

    if version in ("1", "7"):
        assert rules is None
    else:
        assert rules is not None
        assert rules["content"]["join_rule"] == "restricted"
        assert [one["room_id"] for one in rules["content"]["allow"]] == [SPACE]
