"""What a look at Matrix is for and what came of it, as values, and what is read off them.

Nothing is read from Matrix here and nothing is planned.
"""

from __future__ import annotations

from collections.abc import Mapping

import attr
from mautrix.types import RoomID, UserID

from ..planner.plan import Plan
from ..topology.model import Status, Topology
from ..topology.routes import Routes
from ..topology.scope import Scope
from ..topology.snapshot import Snapshot


@attr.frozen
class RunRequest:
    """What one run is for.

    Attributes:
        reason: why there is one, for the log.
        scope: where to look; None means everywhere.
        cached: what is believed where a look fails, if not the routes in force.
        full: read each chat's own state too, not its mirror in the Space alone.
        search: look through the joined rooms as well, for ones that nobody knows.
    """

    reason: str
    scope: Scope | None
    cached: Topology | None = None
    full: bool = False
    search: bool = False


@attr.frozen
class RoomSnapshot:
    """What was seen, and what is to be done about it.

    `owners` are those whom it is about; None means everybody.
    """

    snapshot: Snapshot
    plan: Plan
    owners: frozenset[UserID] | None = None


@attr.frozen
class FamiliarRooms:
    """Joined rooms that need no look of their own: `foreign` are none of ours, `passed_over` are
    Spaces that another one took the place of, with their owners."""

    foreign: frozenset[RoomID] = frozenset()
    superseded: Mapping[RoomID, UserID] = attr.field(factory=dict)


def live_chats(cached: Topology) -> frozenset[RoomID]:
    """The chats that the bot is in, as far as was known."""
    chats = cached.chats.values()
    return frozenset(chat.room_id for chat in chats if chat.status is not Status.LOST)


def linked_rooms(snapshot: Snapshot) -> frozenset[RoomID]:
    """The rooms that a Space which was read links, or did."""
    return frozenset(link.room_id for room in snapshot.rooms.values() for link in room.links)


def unknown_rooms(listed: frozenset[RoomID], routes: Routes, known: FamiliarRooms) -> list[RoomID]:
    """The joined rooms that nobody has looked at; those that could not be read wait for a look of
    their own."""
    where = (routes.chats, routes.owners, routes.unread, known.foreign, known.superseded)
    return [room_id for room_id in listed if not any(room_id in one for one in where)]


def owned_spaces(spaces: Mapping[RoomID, UserID], owners: frozenset[UserID]) -> set[RoomID]:
    return {space_id for space_id, owner in spaces.items() if owner in owners}


def owners_of_predecessors(snapshot: Snapshot, routes: Routes) -> set[UserID]:
    """Whose chats some room that was read says to have taken over from."""
    before = (room.predecessor for room in snapshot.rooms.values())
    chats = (routes.lookup(room_id) for room_id in before if room_id is not None)
    return {chat.owner for chat in chats if chat is not None}


def is_doubtful(snapshot: Snapshot, cached: Topology) -> bool:
    """Whether most of what was known is gone at once: more likely a fault than the truth."""
    known = live_chats(cached) | cached.spaces.keys()
    return len(known & snapshot.joined) * 2 < len(known)
