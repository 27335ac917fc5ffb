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
class RunRequest:
    """What one run is for.

    Attributes:
        reason: why there is one, for the log.
        scope: where to look; nowhere in particular means everywhere.
        cached: what is believed where a look fails, if not the routes in force.
        full: read each chat's own state too, not its mirror in the Space alone.
        search: look through the joined rooms as well, for ones that nobody knows.
    """

    reason: str
    scope: Scope
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
        return RoomSnapshot(*await self._complete(snapshot, cached, snapshot.joined))

    async def observe_scope(
        self, request: RunRequest, routes: Routes, known: FamiliarRooms
    ) -> RoomSnapshot:
        """Look at some owners' Spaces and at some rooms.

        Args:
            request: where to look, and how.
            routes: what is known so far.
            known: which rooms need no look unless an owner whose they are does.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed.
        """
        listed = await self.reader.joined_rooms() if request.search else None
        owners = request.scope.owners
        while True:
            cached = routes.part(owners)
            wanted = frozenset(
                {*cached.spaces, *_owned(known.superseded, owners), *request.scope.rooms}
            )
            snapshot = Snapshot(self.identity.bot, frozenset(), {}, full=request.full)
            if listed is None:
                snapshot = await self._look_directly(snapshot, cached, wanted)
            else:
                unread = routes.unread - request.scope.rooms
                unknown = listed - {*routes.chats, *routes.owners, *unread}
                unknown -= known.foreign | known.superseded.keys()
                joined = listed & {*wanted, *cached.chats, *unknown}
                snapshot = attr.evolve(snapshot, joined=joined)
                snapshot = await self.reader.look(snapshot, listed & wanted)
                snapshot = await self._confirm(snapshot, cached)
                snapshot = attr.evolve(snapshot, joined=joined | (listed & _linked(snapshot)))
            snapshot, plan = await self._complete(snapshot, cached, listed)
            found = {chat.owner for chat in plan.topology.chats.values()}
            found |= {space.owner for space in plan.topology.spaces.values()}
            found |= _owners_of_predecessors(snapshot, routes)
            if found <= owners:
                return RoomSnapshot(snapshot, plan, owners)
            # A room turned out to be somebody else's: their whole Space belongs in the picture.
            owners |= found

    async def _look_directly(
        self, snapshot: Snapshot, cached: Topology, wanted: frozenset[RoomID]
    ) -> Snapshot:
        """Look without a list of the joined rooms, which is as long as there are chats: these
        owners' chats count as joined for as long as nothing says otherwise."""
        snapshot = attr.evolve(snapshot, joined=_live(cached))
        snapshot = await self._ask(snapshot, wanted)
        return await self._ask(snapshot, _linked(snapshot) - cached.chats.keys() - wanted)

    async def _confirm(
        self, snapshot: Snapshot, cached: Topology, likely: frozenset[RoomID] = frozenset()
    ) -> Snapshot:
        """Ask each known room that the list of joined rooms lacks: one list is soon wrong."""
        missing = _live(cached) | cached.spaces.keys() | likely
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


def _live(cached: Topology) -> frozenset[RoomID]:
    """The chats that the bot is in, as far as was known."""
    chats = cached.chats.values()
    return frozenset(chat.room_id for chat in chats if chat.status is not Status.LOST)


def _linked(snapshot: Snapshot) -> frozenset[RoomID]:
    """The rooms that a Space which was read links, or did."""
    return frozenset(link.room_id for room in snapshot.rooms.values() for link in room.links)


def _owned(spaces: Mapping[RoomID, UserID], owners: frozenset[UserID]) -> set[RoomID]:
    return {space_id for space_id, owner in spaces.items() if owner in owners}


def _owners_of_predecessors(snapshot: Snapshot, routes: Routes) -> set[UserID]:
    """Whose chats some room that was read says to have taken over from."""
    before = (room.predecessor for room in snapshot.rooms.values())
    chats = (routes.lookup(room_id) for room_id in before if room_id is not None)
    return {chat.owner for chat in chats if chat is not None}


def _is_doubtful(snapshot: Snapshot, cached: Topology) -> bool:
    """Whether most of what was known is gone at once: more likely a fault than the truth."""
    known = _live(cached) | cached.spaces.keys()
    return len(known & snapshot.joined) * 2 < len(known)
