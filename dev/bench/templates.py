"""What the rooms of the simulated homeserver say: full states with a hole for the Space's number.

Made of the plugin's own contents, so that a start finds nothing to repair; the rest is as long
as what Synapse sends.
"""

from __future__ import annotations

from typing import Any

from mautrix.types import UserID

from plugin.topology.contents import child_content, parent_content
from plugin.topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Binding,
    Identity,
    Marker,
)

from ..stack import INSTANCE
from ..synapse import Login

LOGIN = Login("@spacekeeper:example.org", "BENCH", "token", "")
HOLE = "########"
# A room's id is as long as in version 12.
PAD = "x" * 30
CREATED = 1_700_000_000_000


def room_id(space: int | str, part: str) -> Any:
    """The id of a Space's room: `s000` is the Space itself, `c001` its first chat, `f000` its
    owner's control room."""
    number = space if isinstance(space, str) else f"{space:08d}"
    return f"!{number}{part}{PAD}"


BOT: Any = LOGIN.user_id
OWNER: Any = f"@user-{HOLE}:example.org"
SPACE: Any = room_id(HOLE, "s000")


def owner_of(space: int) -> UserID:
    """The user id of a Space's owner."""
    return UserID(OWNER.replace(HOLE, f"{space:08d}"))


def space_state(chats: int) -> list[dict[str, Any]]:
    """A Space's full state as Synapse sends it, with a hole for its number."""
    identity = Identity(BOT, INSTANCE)
    links = [
        (CHILD_TYPE, room_id(HOLE, f"c{number:03d}"), child_content(_binding(number), identity))
        for number in range(1, chats + 1)
    ]
    marker = (MARKER_TYPE, "", Marker(OWNER).content(INSTANCE))
    return _events({"type": "m.space", "room_version": "12"}, [marker, *links])


def chat_state(number: int) -> list[dict[str, Any]]:
    """A chat's full state, with a hole for its Space's number."""
    binding = (BINDING_TYPE, "", _binding(number).content(INSTANCE))
    parent = (PARENT_TYPE, SPACE, parent_content(BOT, OWNER))
    return _events({"room_version": "12"}, [binding, parent])


def control_room_state() -> list[dict[str, Any]]:
    """A full state that the bot has no part in, with a hole for the owner's number."""
    return [{**event, "sender": OWNER} for event in _events({"room_version": "12"}, [])]


def _binding(number: int) -> Binding:
    conversation = f"00000000-0000-4000-8000-{HOLE}{number:04d}"
    return Binding(f"C{number}", SPACE, OWNER, "echo", conversation)


def _events(
    create_content: dict[str, Any], marks: list[tuple[str, str, dict[str, Any]]]
) -> list[dict[str, Any]]:
    contents = [
        ("m.room.create", "", create_content),
        ("m.room.member", BOT, {"membership": "join", "displayname": "spacekeeper"}),
        ("m.room.member", OWNER, {"membership": "join", "displayname": f"user-{HOLE}"}),
        ("m.room.power_levels", "", {"users": {OWNER: 50}, "events_default": 100}),
        ("m.room.join_rules", "", {"join_rule": "invite"}),
        ("m.room.history_visibility", "", {"history_visibility": "shared"}),
        ("m.room.guest_access", "", {"guest_access": "can_join"}),
        ("m.room.name", "", {"name": f"user-{HOLE}'s room"}),
        *marks,
    ]
    return [
        state_event(kind, key, content, place)
        for place, (kind, key, content) in enumerate(contents)
    ]


def state_event(kind: str, key: str, content: dict[str, Any], place: int) -> dict[str, Any]:
    """A state event of the bot's as Synapse sends it, with a hole for the Space's number.

    Args:
        kind: its type.
        key: its state key.
        content: its content.
        place: its position in the room's history.
    """
    return {
        "type": kind,
        "room_id": SPACE,
        "sender": BOT,
        "content": content,
        "state_key": key,
        "origin_server_ts": CREATED + place,
        "unsigned": {"age": 86_400_000, "membership": "join"},
        "event_id": f"${HOLE}e{place:03d}{PAD}",
        "user_id": BOT,
        "age": 86_400_000,
    }
