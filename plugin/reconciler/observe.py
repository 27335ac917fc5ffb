"""Looks at Matrix until a plan needs nothing more: the first two steps of a reconciliation.

A plan says what must be read before it can be believed; here it is read, and planned again.
Nothing is written, but that the bot joins a room which took over from one of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..config.active import CurrentConfig
from ..matrix.api import NoAnswer
from ..matrix.client import Matrix
from ..planner.plan import Plan, Rules, make_plan
from ..topology.model import Status, Topology
from ..topology.routes import Routes
from ..topology.scope import Scope
from ..topology.snapshot import Snapshot

# A look can bring up rooms that call for another one; a world that keeps changing must not hold
# a run for ever, and what is missing then is looked at by the next.
MAX_ROUNDS = 12
# Second looks, where the first saw far less than there was.
MAX_RECHECKS = 3


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


class Observer:
    """Looks at the world of one instance, whole or in part."""

    def __init__(self, matrix: Matrix, config: CurrentConfig, doubt: float) -> None:
        """
        Args:
            matrix: what is looked at.
            config: says where legacy chats belong; read anew for each plan.
            doubt: seconds before a second look, where the first saw far less than there was.
        """
        self.reader, self.writer = matrix.reader, matrix.writer
        self.identity = matrix.identity
        self.config = config
        self.doubt = doubt

    async def observe_all(self, cached: Topology, full: bool) -> RoomSnapshot:
        """Look at everything.

        Args:
            cached: what is known so far; believed only where a look fails.
            thorough: read each chat's own state too, not its mirror in the Space alone.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed.
        """
        snapshot = await self.reader.observe(cached.spaces, full)
        for _ in range(MAX_RECHECKS):
            if not _is_doubtful(snapshot, cached):
                break
            await asyncio.sleep(self.doubt)
            again = await self.reader.observe(cached.spaces, full)
            agreed, snapshot = again.joined == snapshot.joined, again
            if agreed:
                break
        else:
            raise NoAnswer("the list of joined rooms changes from look to look")
        snapshot = await self._confirm(snapshot, cached, self.reader.noted.spaces)
        return RoomSnapshot(*await self._complete(snapshot, cached))

    async def observe_scope(
        self, routes: Routes, scope: Scope, known: FamiliarRooms, full: bool
    ) -> RoomSnapshot:
        """Look at some owners' Spaces and at some rooms, and at joined rooms nobody knows.

        Args:
            routes: what is known so far.
            scope: where to look.
            known: which rooms need no look unless an owner whose they are does.
            thorough: read the owners' chats' own state too.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed.
        """
        joined = await self.reader.joined_rooms()
        unknown = joined - {*routes.chats, *routes.owners, *known.foreign, *known.superseded}
        # What could not be read waits for its own next try, and costs nobody else's run a moment.
        waiting = (unknown & routes.unread) - scope.rooms
        owners = scope.owners
        while True:
            cached = routes.part(owners)
            spaces = cached.spaces.keys() | _owned(known.superseded, owners)
            mine = {*spaces, *cached.chats, *scope.rooms, *unknown}
            bot = self.identity.bot
            snapshot = Snapshot(bot, joined & mine, {}, unread=waiting, full=full)
            snapshot = await self.reader.look(snapshot, joined & {*spaces, *scope.rooms})
            snapshot = await self._confirm(snapshot, cached)
            linked = {link.room_id for room in snapshot.rooms.values() for link in room.links}
            snapshot = attr.evolve(snapshot, joined=snapshot.joined | (joined & linked))
            snapshot, plan = await self._complete(snapshot, cached, joined)
            found = {chat.owner for chat in plan.topology.chats.values()}
            found |= {space.owner for space in plan.topology.spaces.values()}
            found |= _owners_of_predecessors(snapshot, routes)
            if found <= owners:
                return RoomSnapshot(snapshot, plan, owners)
            # A room turned out to be somebody else's: their whole Space belongs in the picture.
            owners |= found

    async def _confirm(
        self, snapshot: Snapshot, cached: Topology, likely: frozenset[RoomID] = frozenset()
    ) -> Snapshot:
        """Ask each known room that the list of joined rooms lacks: one list is soon wrong, and
        only the room's own refusal, or the bot's leave in it, says that it is gone."""
        live = {chat.room_id for chat in cached.chats.values() if chat.status is not Status.LOST}
        missing = (
            {*live, *cached.spaces, *likely}
            - snapshot.joined
            - snapshot.rooms.keys()
            - snapshot.refused_read
        )
        if not missing:
            return snapshot
        asked = await self.reader.look(attr.evolve(snapshot, rooms={}), missing)
        inside = {
            room_id: room
            for room_id, room in asked.rooms.items()
            if room.members.get(snapshot.bot) == "join"
        }
        return attr.evolve(
            snapshot,
            rooms={**snapshot.rooms, **inside},
            joined=snapshot.joined | inside.keys() | (asked.unread & missing),
            refused_read=asked.refused_read | (asked.rooms.keys() - inside.keys()),
            unread=asked.unread,
        )

    async def _complete(
        self, snapshot: Snapshot, cached: Topology, inside: frozenset[RoomID] = frozenset()
    ) -> tuple[Snapshot, Plan]:
        """Read what the plan asks for; `inside` are rooms that need no joining for that."""
        # Of a million chats that takes a minute, for which nothing else must stand still.
        plan = await asyncio.to_thread(make_plan, snapshot, cached, self._rules())
        for _ in range(MAX_ROUNDS):
            if not plan.to_read and not plan.to_join:
                break
            snapshot = attr.evolve(snapshot, joined=snapshot.joined | (plan.to_join & inside))
            for room_id in sorted(plan.to_join - inside):
                snapshot = await self._join(snapshot, room_id)
            snapshot = await self.reader.look(snapshot, plan.to_read)
            plan = await asyncio.to_thread(make_plan, snapshot, cached, self._rules())
        return snapshot, plan

    def _rules(self) -> Rules:
        return Rules(self.identity, self.config.settings.default_platform)

    async def _join(self, snapshot: Snapshot, room_id: RoomID) -> Snapshot:
        """Join a room that took over from one of ours; a refusal is noted and final."""
        try:
            await self.writer.join(room_id)
        except MatrixRequestError:
            return attr.evolve(snapshot, refused_join=snapshot.refused_join | {room_id})
        except NoAnswer:
            # Not joined, not refused: it counts as unread, and the next run tries again.
            return attr.evolve(
                snapshot, joined=snapshot.joined | {room_id}, unread=snapshot.unread | {room_id}
            )
        return attr.evolve(snapshot, joined=snapshot.joined | {room_id})


def _owned(spaces: Mapping[RoomID, UserID], owners: frozenset[UserID]) -> set[RoomID]:
    return {space_id for space_id, owner in spaces.items() if owner in owners}


def _owners_of_predecessors(snapshot: Snapshot, routes: Routes) -> set[UserID]:
    """Whose chats some room that was read says to have taken over from."""
    before = (room.predecessor for room in snapshot.rooms.values())
    chats = (routes.lookup(room_id) for room_id in before if room_id is not None)
    return {chat.owner for chat in chats if chat is not None}


def _is_doubtful(snapshot: Snapshot, cached: Topology) -> bool:
    """Whether most of what was known is gone at once: more likely a fault than the truth."""
    live = {chat.room_id for chat in cached.chats.values() if chat.status is not Status.LOST}
    known = live | cached.spaces.keys()
    return len(known & snapshot.joined) * 2 < len(known)
