"""What a look at Matrix is for and what came of it, as values, and what is read off them.

Nothing is read from Matrix here and nothing is planned.
"""

from __future__ import annotations

from collections.abc import Iterable

import attr
from mautrix.types import RoomID, UserID

from ..planner.plan import Plan
from ..planner.writes import Write
from ..topology.model import BINDING_TYPE, Status, Topology
from ..topology.routes import Routes
from ..topology.scope import Scope
from ..topology.snapshot import Snapshot
from .non_chats import NonChats

# Second looks, where the first saw far less than there was.
MAX_RECHECKS = 3


@attr.frozen
class RunRequest:
    """What one run is for.

    Attributes:
        reason: why there is one, for the log.
        scope: where to look; None means everywhere.
        cached: what is believed where a look fails, if not the routes in force: a start that has
            none looks at everything at once.
        full: read each chat's own state too, not its mirror in the Space alone.
        search: look through the joined rooms as well, for ones that nobody knows.
        gently: read few rooms at the same time, for nobody waits.
        hurry: somebody waits for the end of it: writes that take long are left to another run.
    """

    reason: str
    scope: Scope | None
    cached: Topology | None = None
    full: bool = False
    search: bool = False
    gently: bool = False
    hurry: bool = False


@attr.frozen
class RoomSnapshot:
    """What was seen, and what is to be done about it.

    `owners` are those whom it is about; None means everybody. `cached` is what was known of them.
    """

    snapshot: Snapshot
    plan: Plan
    cached: Topology
    owners: frozenset[UserID] | None = None


def live_chats(cached: Topology) -> frozenset[RoomID]:
    """The chats that the bot is in, as far as was known."""
    chats = cached.chats.values()
    return frozenset(chat.room_id for chat in chats if chat.status is not Status.LOST)


def linked_rooms(snapshot: Snapshot) -> frozenset[RoomID]:
    """The rooms that a Space which was read links, or did."""
    return frozenset(link.room_id for room in snapshot.rooms.values() for link in room.links)


def unknown_rooms(listed: frozenset[RoomID], routes: Routes, non_chats: NonChats) -> list[RoomID]:
    """The joined rooms that were never read; those whose read failed are retried apart from
    these.

    Args:
        listed: the joined rooms.
        routes: the routes in force.
        non_chats: the rooms known to be no chats.
    """
    known = (routes.chats, routes.owners, routes.unread)
    return [
        room_id
        for room_id in listed
        if non_chats.reason(room_id) is None and not any(room_id in one for one in known)
    ]


def owners_of_predecessors(snapshot: Snapshot, routes: Routes) -> set[UserID]:
    """Whose chats some room that was read says to have taken over from."""
    before = (room.predecessor for room in snapshot.rooms.values())
    chats = (routes.lookup(room_id) for room_id in before if room_id is not None)
    return {chat.owner for chat in chats if chat is not None}


def is_doubtful(snapshot: Snapshot, cached: Topology) -> bool:
    """Whether most of what was known is gone at once: more likely a fault than the truth."""
    known = live_chats(cached) | cached.spaces.keys()
    return len(known & snapshot.joined) * 2 < len(known)


def without_unwritten(
    observed: RoomSnapshot, failed: Iterable[Write]
) -> tuple[Topology, frozenset[RoomID]]:
    """What of a plan may be put in force although some of its writes failed.

    Args:
        observed: what was seen, and the plan.
        failed: the writes that Matrix did not take.

    Returns:
        The topology, and the rooms that wait for their bindings. A chat that was known by the same
        conversation goes on in it, so that the cache does not lose what it alone may know of it.
    """
    topology, known = observed.plan.topology, observed.cached.chats
    unwritten = {
        write.room_id
        for write in failed
        if write.chat == write.room_id and write.event_type == BINDING_TYPE
    }
    if not unwritten:
        return topology, frozenset()
    chats, waiting = dict(topology.chats), set()
    for room_id in unwritten:
        chat, before = chats.pop(room_id), known.get(room_id)
        if before is not None and before.platform_chat_id == chat.platform_chat_id:
            chats[room_id] = chat._replace(stale=True)
        else:
            waiting.add(room_id)
    return attr.evolve(topology, chats=chats), frozenset(waiting)
