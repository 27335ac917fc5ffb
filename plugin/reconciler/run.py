"""One run: observe, plan, apply, swap, and keep what came of it.

What a run was told only says where to look. Runs go on side by side: none waits for another one's
reads. When there is a run, and what follows from one that failed, is for loop.py to say.
"""

from __future__ import annotations

import asyncio
import itertools
import time

import attr
from mautrix.types import UserID

from ..cache.topology_store import Store
from ..planner.plan import Plan
from ..topology.current_routes import Claims
from ..topology.model import Chat
from ..topology.routes import Routes
from ..topology.scope import Scope
from .apply import Applier
from .known_rooms import KnownRooms
from .looks import RoomSnapshot, RunRequest
from .observe import Observer
from .report import ProblemLog, Report, make_report


class Runner:
    """The runs of one instance."""

    def __init__(
        self, observer: Observer, applier: Applier, known_rooms: KnownRooms, store: Store
    ) -> None:
        """
        Args:
            observer: looks at Matrix.
            applier: writes to Matrix, and puts routes in force.
            known_rooms: told of the rooms that are no chats.
            store: the cache.
        """
        self.log = store.log
        self.observer = observer
        self.applier = applier
        self.known_rooms = known_rooms
        self.reader = observer.reader
        self.store = store
        self.routes = applier.routes
        self.last: Report | None = None
        self._problem_log = ProblemLog(self.log)
        self._numbers = itertools.count(1)
        self._running = 0

    @property
    def busy(self) -> bool:
        """A run goes on."""
        return self._running > 0

    async def run(self, request: RunRequest) -> Report:
        """Look, and make everything else agree with what is seen.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed; nothing changed.
        """
        self._running += 1
        try:
            return await self._run(request)
        finally:
            self._running -= 1

    async def plan(self, request: RunRequest) -> Plan:
        """What a run would do, without doing it."""
        return (await self._see(request)).plan

    async def _run(self, request: RunRequest) -> Report:
        started, claims = time.monotonic(), Claims(self.routes)
        observed = await self._see(request)
        outcome = await self.applier.apply(observed.plan, claims, request.hurry)
        changed_meanwhile = await self.applier.swap(observed, outcome.failed, claims)
        if observed.owners is None:
            saved = await self.store.save(self.routes)
        else:
            saved = await self.store.put_part(observed.owners, self.routes.part(observed.owners))
        await self.known_rooms.note(observed, changed_meanwhile)
        self.last = attr.evolve(
            make_report(observed, outcome, saved),
            run=next(self._numbers),
            reason=request.reason,
            changed_meanwhile=_to_repeat(request, observed.plan, changed_meanwhile),
            seconds=time.monotonic() - started,
        )
        self._problem_log.note(self.last.problems, observed.snapshot.rooms)
        self.last.log_to(self.routes, self.log)
        return self.last

    async def _see(self, request: RunRequest) -> RoomSnapshot:
        routes = self.routes
        if request.scope is None:
            cached = routes.topology() if request.cached is None else request.cached
            return await self.observer.observe_all(cached, request.full)
        non_chats = await self.known_rooms.non_chats()
        observed = await self.observer.observe_scope(request, routes, non_chats)
        if await _collides(observed, routes):
            # Two owners' chats claim one conversation: only a run over all rooms settles that.
            return await self.observer.observe_all(routes.topology(), request.full)
        return observed


def _to_repeat(request: RunRequest, plan: Plan, changed: frozenset[UserID]) -> Scope:
    """What must be read again because these owners changed something while a run read it.

    Their Spaces are named as rooms too: one that was found by this run is in no register, and
    nobody would read it again.
    """
    if not changed:
        return Scope()
    spaces = {space.room_id: space.owner for space in plan.topology.spaces.values()}
    found = {**spaces, **plan.superseded}
    rooms = frozenset(room_id for room_id, owner in found.items() if owner in changed)
    return Scope(changed, rooms | (request.scope.rooms if request.scope else frozenset()))


async def _collides(observed: RoomSnapshot, routes: Routes) -> bool:
    """Whether a chat that was seen has a conversation that a chat of somebody else has too."""
    assert observed.owners is not None
    owners = observed.owners
    new = {
        chat.platform_chat_id
        for room_id, chat in observed.plan.topology.chats.items()
        if (before := routes.lookup(room_id)) is None or before.binding != chat.binding
    }
    if not new:
        return False
    # Of a million chats that takes a while, for which nothing else must stand still.
    return await asyncio.to_thread(_is_taken, new, owners, list(routes.chats.values()))


def _is_taken(new: set[str], owners: frozenset[UserID], chats: list[Chat]) -> bool:
    return any(chat.platform_chat_id in new and chat.owner not in owners for chat in chats)
