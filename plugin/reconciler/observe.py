"""Looks at Matrix until a plan needs nothing more: the first two steps of a reconciliation.

A plan says what must be read before it can be believed; here it is read, and planned again.
Nothing is written, but that the bot joins a room which took over from one of its own.
"""

from __future__ import annotations

import asyncio

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID

from ..config.active import CurrentConfig
from ..matrix.api import NoAnswer
from ..matrix.client import Matrix
from ..planner.plan import Plan, Rules, make_plan
from ..topology.model import Topology
from ..topology.routes import Routes
from ..topology.scope import Scope
from ..topology.snapshot import Snapshot
from .looks import (
    MAX_RECHECKS,
    RoomSnapshot,
    RunRequest,
    is_doubtful,
    linked_rooms,
    live_chats,
    owners_of_predecessors,
    unknown_rooms,
)
from .non_chats import NonChats
from .unknown_links import UnknownLinks

# What is read can name further rooms to read. Rooms that keep changing must not keep a run from
# ending: what is missing then is read by the next one.
MAX_ROUNDS = 12


class Observer:
    """Reads all rooms of one instance, or those of some owners."""

    def __init__(self, matrix: Matrix, config: CurrentConfig, doubt: float) -> None:
        """
        Args:
            matrix: what is looked at.
            config: says where legacy chats belong; read anew for each plan.
            doubt: seconds before a second look, where the first saw far less than there was.
        """
        self.reader, self.writer = matrix.reader, matrix.writer
        self.account_data = matrix.account_data
        self.identity = matrix.identity
        self.config = config
        self.doubt = doubt
        self._unknown_links = UnknownLinks(self.identity.bot)

    async def observe_all(self, cached: Topology, full: bool) -> RoomSnapshot:
        """Look at everything.

        Args:
            cached: what is known so far; believed only where a look fails.
            full: read each chat's own state too, not only its mirror in the Space.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed.
        """
        snapshot = await self.reader.observe(cached.spaces, full)
        for _ in range(MAX_RECHECKS):
            if not is_doubtful(snapshot, cached):
                break
            await asyncio.sleep(self.doubt)
            again = await self.reader.observe(cached.spaces, full)
            agreed, snapshot = again.joined == snapshot.joined, again
            if agreed:
                break
        else:
            raise NoAnswer("the list of joined rooms changes from look to look")
        snapshot = await self._confirm(snapshot, cached, self.account_data.index.spaces)
        return RoomSnapshot(*await self._complete(snapshot, cached, snapshot.joined), cached)

    async def observe_scope(
        self, request: RunRequest, routes: Routes, non_chats: NonChats
    ) -> RoomSnapshot:
        """Look at some owners' Spaces and at some rooms.

        Args:
            request: where to look, and how.
            routes: what is known so far.
            non_chats: rooms that need not be read, but for these owners' superseded Spaces.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed.
        """
        listed = await self.reader.joined_rooms() if request.search else None
        scope = request.scope or Scope()
        owners = scope.owners
        while True:
            cached = routes.part(owners)
            wanted = frozenset({*cached.spaces, *non_chats.superseded_of(owners), *scope.rooms})
            snapshot = Snapshot(self.identity.bot, frozenset(), {}, gently=request.gently)
            if listed is None:
                snapshot = await self._look_directly(snapshot, cached, wanted)
            else:
                # Of a million chats that takes a while, for which nothing else must stand still.
                unknown = await asyncio.to_thread(unknown_rooms, listed, routes, non_chats)
                joined = listed & {*wanted, *cached.chats, *unknown}
                snapshot = attr.evolve(snapshot, joined=joined)
                snapshot = await self.reader.look(snapshot, listed & wanted)
                snapshot = await self._confirm(snapshot, cached)
                linked = listed & linked_rooms(snapshot)
                snapshot = attr.evolve(snapshot, joined=snapshot.joined | linked)
            snapshot, plan = await self._complete(snapshot, cached, listed)
            found = {chat.owner for chat in plan.topology.chats.values()}
            found |= {space.owner for space in plan.topology.spaces.values()}
            found |= owners_of_predecessors(snapshot, routes)
            if found <= owners:
                return RoomSnapshot(snapshot, plan, cached, owners)
            # A room turned out to be somebody else's: their whole Space must be read.
            owners |= found

    async def _look_directly(
        self, snapshot: Snapshot, cached: Topology, wanted: frozenset[RoomID]
    ) -> Snapshot:
        """Look without a list of the joined rooms, which is as long as there are chats: these
        owners' chats count as joined for as long as nothing says otherwise."""
        snapshot = attr.evolve(snapshot, joined=live_chats(cached))
        snapshot = await self._ask(snapshot, wanted)
        unknown = self._unknown_links.choose(snapshot, cached.chats.keys() | wanted)
        snapshot = await self._ask(snapshot, unknown)
        self._unknown_links.note((unknown | wanted) & snapshot.refused_read)
        return snapshot

    async def _confirm(
        self, snapshot: Snapshot, cached: Topology, likely: frozenset[RoomID] = frozenset()
    ) -> Snapshot:
        """Ask each known room that the list of joined rooms lacks: one list is soon wrong."""
        missing = live_chats(cached) | cached.spaces.keys() | likely
        missing -= snapshot.joined | snapshot.rooms.keys() | snapshot.refused_read
        return await self._ask(snapshot, missing) if missing else snapshot

    async def _ask(self, snapshot: Snapshot, room_ids: frozenset[RoomID]) -> Snapshot:
        """Read rooms of which it is not certain that the bot is in them: only the room's own
        refusal, or the bot's leave in it, says that it is not."""
        asked = await self.reader.look(snapshot, room_ids)
        left = frozenset(
            room_id
            for room_id in room_ids & asked.rooms.keys()
            if asked.rooms[room_id].members.get(snapshot.bot) != "join"
        )
        return attr.evolve(
            asked,
            rooms={key: room for key, room in asked.rooms.items() if key not in left},
            joined=(snapshot.joined | room_ids) - asked.refused_read - left,
            refused_read=asked.refused_read | left,
        )

    async def _complete(
        self, snapshot: Snapshot, cached: Topology, listed: frozenset[RoomID] | None
    ) -> tuple[Snapshot, Plan]:
        """Read what the plan asks for; `listed` are the rooms that need no joining for that, None
        if they were not listed."""
        inside = listed or frozenset()
        # Of a million chats that takes a minute, for which nothing else must stand still.
        plan = await asyncio.to_thread(make_plan, snapshot, cached, self._rules())
        for _ in range(MAX_ROUNDS):
            if not plan.to_read and not plan.to_join:
                break
            snapshot = attr.evolve(snapshot, joined=snapshot.joined | (plan.to_join & inside))
            for room_id in sorted(plan.to_join - inside):
                snapshot = await self._join(snapshot, room_id)
            look = self._ask if listed is None else self.reader.look
            snapshot = await look(snapshot, plan.to_read)
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
