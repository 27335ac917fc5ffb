"""What a room's state says: one bad event costs that event alone, and only the bot is believed."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.types import RoomID

from plugin.topology.contents import child_content, parent_content
from plugin.topology.decode import decode_room
from plugin.topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Marker,
    Reason,
)
from plugin.topology.snapshot import Room

from ..planner.snapshots import ALICE, BOB, BOT, CHAT, IDENTITY, MALLORY, SPACE, bind, event

CREATE = event("m.room.create", {}, at=10)
CREATE_SPACE = event("m.room.create", {"type": "m.space"}, at=1)
BINDING = bind(1)
CONTENT = BINDING.content("main")
LINK = event(CHILD_TYPE, child_content(BINDING, IDENTITY), CHAT)


def decode(*events: Any, room_id: RoomID = CHAT) -> Room:
    room = decode_room(room_id, events, IDENTITY)
    assert room is not None
    return room


def reasons(room: Room) -> list[Reason]:
    return [problem.reason for problem in room.problems]


def test_a_chat_is_read_whole() -> None:
    room = decode(
        CREATE,
        event(BINDING_TYPE, CONTENT),
        event(PARENT_TYPE, parent_content(BOT, ALICE), SPACE),
        event("m.room.name", {"name": "Holidays"}),
        event("m.room.member", {"membership": "invite"}, ALICE),
    )

    assert room == Room(
        CHAT,
        BOT,
        10,
        name="Holidays",
        members={ALICE: "invite"},
        binding=BINDING,
        parents=frozenset({SPACE}),
    )


def test_a_space_is_read_whole() -> None:
    room = decode(
        CREATE_SPACE, event(MARKER_TYPE, Marker(ALICE).content("main")), LINK, room_id=SPACE
    )

    assert room.is_space
    assert room.marker == Marker(ALICE)
    assert [(link.room_id, link.mirror) for link in room.links] == [(CHAT, BINDING)]


def test_without_a_create_event_it_is_no_room_state() -> None:
    """A proxy's empty list, say: nothing may be concluded from it."""
    assert decode_room(CHAT, [event(BINDING_TYPE, CONTENT)], IDENTITY) is None


@pytest.mark.parametrize(
    "malformed",
    [
        "text",
        None,
        7,
        [],
        event("m.room.name", "no object", sender=MALLORY),
        event("m.room.name", None, sender=MALLORY),
        {**event("m.room.name", {}), "sender": 7},
        {**event("m.room.name", {}), "state_key": None},
        event("m.room.member", {"membership": "hovering"}, BOB),
        event("m.room.member", {"membership": ["join"]}, BOB),
        event("m.room.member", {"membership": {"join": 1}}, BOB),
        event("m.room.member", {"membership": "half"}, BOB),
        event("m.room.member", {}, BOB),
        event(CHILD_TYPE, {"via": "one.test"}, "!x:one.test"),
        event(CHILD_TYPE, {"via": ["one.test", 7]}, "!x:one.test"),
        event(CHILD_TYPE, {"via": {"one.test": 1}}, "!x:one.test"),
        event(MARKER_TYPE, {"v": 1, "matrix_user_id": "nobody"}),
        event(MARKER_TYPE, {"v": 1, "matrix_user_id": ALICE, "superseded_by": 7}),
    ],
)
def test_a_malformed_event_is_left_out_and_reported_and_the_rest_is_used(malformed: Any) -> None:
    room = decode(malformed, CREATE, event(BINDING_TYPE, CONTENT))

    assert room.binding == BINDING
    assert (room.name, room.members, room.links, room.marker) == ("", {}, (), None)
    assert reasons(room) == [Reason.MALFORMED]


@pytest.mark.parametrize(
    "ignored",
    [
        {},
        {"type": None, "content": {}},
        {"type": ["m.room.name"], "content": {}},
        event("org.example.other", "whatever"),
        event("m.room.name", {"name": ["a", "list"]}),
        event(PARENT_TYPE, {"via": "one.test"}, SPACE),
        event(BINDING_TYPE, CONTENT, "some state key"),
        event(BINDING_TYPE, {}, "some state key"),
        event(MARKER_TYPE, {}),
    ],
)
def test_events_of_no_interest_are_ignored_and_not_reported(ignored: Any) -> None:
    assert decode(CREATE, ignored) == decode(CREATE)


@pytest.mark.parametrize(
    "change",
    [
        {"chat_id": 1},
        {"chat_id": ""},
        {"chat_id": "C0"},
        {"chat_id": "C01"},
        {"chat_id": "c1"},
        {"chat_id": "C1\n"},
        {"chat_id": "C1234567890"},
        {"room_type": "thread"},
        {"space_id": None},
        {"matrix_user_id": "alice"},
        {"platform": []},
        {"platform_chat_id": ""},
    ],
)
def test_a_binding_with_a_part_missing_or_garbled_is_none(change: dict[str, Any]) -> None:
    room = decode(CREATE, event(BINDING_TYPE, CONTENT | change))

    assert room.binding is None
    assert reasons(room) == [Reason.MALFORMED]


@pytest.mark.parametrize("sender", [ALICE, MALLORY, "@keeper:three.test"])
def test_a_binding_that_the_bot_did_not_send_is_none(sender: str) -> None:
    room = decode(CREATE, event(BINDING_TYPE, CONTENT, sender=sender))

    assert room.binding is None
    assert reasons(room) == [Reason.FOREIGN]


def test_a_marker_that_the_bot_did_not_send_is_none() -> None:
    marker = event(MARKER_TYPE, Marker(MALLORY).content("main"), sender=MALLORY)

    room = decode(CREATE_SPACE, marker, room_id=SPACE)

    assert room.marker is None
    assert reasons(room) == [Reason.FOREIGN]


def test_a_mirror_that_passed_through_the_owners_hands_is_not_believed() -> None:
    """The link itself counts: which chats are in their Space is theirs to say."""
    room = decode(CREATE_SPACE, LINK | {"sender": ALICE}, room_id=SPACE)

    assert room.links[0].mirror is None
    assert not room.links[0].removed


@pytest.mark.parametrize("content", [{}, {"via": []}, {"order": "a"}])
def test_a_link_without_servers_is_a_removed_one(content: dict[str, Any]) -> None:
    room = decode(CREATE_SPACE, event(CHILD_TYPE, content, CHAT), room_id=SPACE)

    assert room.links[0].removed


def test_a_space_that_somebody_else_made_is_never_ours() -> None:
    create = CREATE_SPACE | {"sender": MALLORY}

    room = decode(create, event(MARKER_TYPE, Marker(ALICE).content("main")), room_id=SPACE)

    assert room.marker is None


@pytest.mark.parametrize("elsewhere", [{"instance": "other"}, {"v": 2}, {"v": 2, "chat_id": []}])
def test_what_another_instance_or_a_newer_version_wrote_is_left_alone(
    elsewhere: dict[str, Any],
) -> None:
    content = CONTENT | elsewhere

    chat = decode(CREATE, event(BINDING_TYPE, content))
    space = decode(CREATE_SPACE, event(MARKER_TYPE, content), room_id=SPACE)
    link = decode(CREATE_SPACE, event(CHILD_TYPE, {"via": ["a"], BINDING_TYPE: content}, CHAT))

    assert (chat.binding, chat.bound_elsewhere) == (None, True)
    assert (space.marker, space.bound_elsewhere) == (None, True)
    assert link.links[0].mirror is None
    assert chat.problems == space.problems == link.problems == ()


@pytest.mark.parametrize("time", [None, "10", True, 1.5])
def test_a_create_event_without_a_usable_time_counts_as_the_oldest(time: Any) -> None:
    assert decode(CREATE | {"origin_server_ts": time}).created_at == 0


def test_closed_rooms_name_their_replacement_and_new_ones_what_was_before() -> None:
    create = event("m.room.create", {"predecessor": {"room_id": "!old:one.test"}})

    room = decode(create, event("m.room.tombstone", {"replacement_room": "!new"}, sender=ALICE))

    assert room.tombstone is not None
    assert (room.tombstone.sender, room.tombstone.replacement) == (ALICE, "!new")
    assert room.predecessor == "!old:one.test"
