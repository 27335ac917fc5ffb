"""What a `/sync` said, taken apart: invitations, messages, and where the topology changed.

Read tolerantly, as everything that other servers and clients wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import attr
from mautrix.types import RoomID, UserID

from ..topology.routes import Routes
from ..topology.scope import Scope, affected_by

Event = dict[str, Any]


@attr.frozen
class Invitation:
    """A room the bot is invited to, and by whom."""

    room_id: RoomID
    sender: UserID


def invitations_in(sync: Event, bot: UserID) -> list[Invitation]:
    """The invitations of the bot, by room."""
    found = []
    for room_id, room in rooms_in(sync, "invite"):
        sender = _inviter(room, bot)
        if sender is not None:
            found.append(Invitation(room_id, sender))
    return found


def joined_in(sync: Event, bot: UserID) -> list[RoomID]:
    """The rooms that the bot came to, by whatever way; a new name of the bot's is none."""
    found = []
    for room_id, room in rooms_in(sync, "join"):
        for event in (*_events(room, "state"), *_events(room, "timeline")):
            if event.get("type") != "m.room.member" or event.get("state_key") != bot:
                continue
            if _membership(event) == "join" and _membership_before(event) != "join":
                found.append(room_id)
                break
    return found


def scope_of(sync: Event, routes: Routes, bot: UserID) -> Scope:
    """Where the topology may have changed; rooms that the bot joined and nobody knows too."""
    owners: set[UserID] = set()
    rooms: set[RoomID] = set()
    for section in ("join", "leave"):
        for room_id, room in rooms_in(sync, section):
            for event in (*_events(room, "state"), *_events(room, "timeline")):
                if "state_key" not in event:
                    continue
                scope = affected_by(event, room_id, routes, bot)
                owners |= scope.owners
                rooms |= scope.rooms
                known = routes.lookup(room_id) is not None or routes.owner_of(room_id)
                if section == "join" and not known and event["state_key"] == bot:
                    rooms.add(room_id)
    return Scope(frozenset(owners), frozenset(rooms))


def rooms_in(sync: Event, section: str) -> Iterator[tuple[RoomID, Event]]:
    """The rooms in a section of a sync: `join`, `invite` or `leave`."""
    rooms = sync.get("rooms")
    found = rooms.get(section) if isinstance(rooms, dict) else None
    rooms_by_id = found.items() if isinstance(found, dict) else ()
    usable = [one for one in rooms_by_id if isinstance(one[0], str) and isinstance(one[1], dict)]
    for room_id, room in sorted(usable, key=itemgetter(0)):
        yield RoomID(room_id), room


def _events(room: Event, section: str) -> Iterator[Event]:
    part = room.get(section)
    events = part.get("events") if isinstance(part, dict) else None
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict):
            yield event


def _membership(event: Event) -> Any:
    content = event.get("content")
    return content.get("membership") if isinstance(content, dict) else None


def _membership_before(event: Event) -> Any:
    unsigned = event.get("unsigned")
    before = unsigned.get("prev_content") if isinstance(unsigned, dict) else None
    return before.get("membership") if isinstance(before, dict) else None


def _inviter(room: Event, bot: UserID) -> UserID | None:
    for event in _events(room, "invite_state"):
        if event.get("type") == "m.room.member" and event.get("state_key") == bot:
            sender = event.get("sender")
            return UserID(sender) if isinstance(sender, str) else None
    return None
