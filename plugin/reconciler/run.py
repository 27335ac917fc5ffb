"""One run: observe, plan, apply, swap, and keep what came of it.

What a run was told only says where to look. Runs go on side by side: none waits for another one's
reads. When there is a run, and what follows from one that failed, is for loop.py to say.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable

import attr
from mautrix.types import UserID

from ..cache.topology_store import Store
from ..planner.plan import Plan
from ..topology.current_routes import Claims
from ..topology.routes import Routes
from ..topology.scope import Scope
from .apply import Applier, Outcome
from .everywhere import Everywhere
from .looks import RoomSnapshot, RunRequest
from .observe import Observer
from .report import ProblemLog, Report, make_report

DealWith = Callable[[RunRequest], Awaitable[tuple[RoomSnapshot, Report]]]


class Runner:
    """The runs of one instance."""

    def __init__(
        self, observer: Observer, applier: Applier, everywhere: Everywhere, store: Store
    ) -> None:
        """
        Args:
            observer: looks at Matrix.
            applier: writes to Matrix, and puts routes in force.
            everywhere: says what there is to look at.
            store: the cache.
        """
        self.log = store.log
        self.observer = observer
        self.applier = applier
        self.everywhere = everywhere
        self.known_rooms = everywhere.known_rooms
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
        started = time.monotonic()
        self._running += 1
        try:
            report = await self._in_parts(request, self._run_part)
        finally:
            self._running -= 1
        self.last = attr.evolve(
            report,
            run=next(self._numbers),
            at=time.time(),
            reason=request.reason,
            seconds=time.monotonic() - started,
        )
        self.last.log_to(self.routes, self.log)
        return self.last

    async def rehearse(self, request: RunRequest) -> Report:
        """What a run would come to if everything could be written; nothing is."""
        return await self._in_parts(request, self._rehearse_part)

    async def _in_parts(self, request: RunRequest, deal_with: DealWith) -> Report:
        """Deal with a look at everything part by part; with any other one at once."""
        if request.scope is not None or request.cached is not None:
            return (await deal_with(request))[1]
        survey, whole = await self.everywhere.survey(), Report()
        for scope in survey.parts(self.everywhere.part, request.full):
            part = attr.evolve(request, scope=scope, gently=request.full)
            observed, report = await deal_with(part)
            survey.note(observed.snapshot)
            whole += report
        return whole

    async def _rehearse_part(self, request: RunRequest) -> tuple[RoomSnapshot, Report]:
        observed = await self._see(request)
        return observed, make_report(observed, Outcome(), saved=True)

    async def _run_part(self, request: RunRequest) -> tuple[RoomSnapshot, Report]:
        claims = Claims(self.routes)
        observed = await self._see(request)
        outcome = await self.applier.apply(observed.plan, claims, request.hurry)
        written = frozenset(write.room_id for write in observed.plan.writes)
        unknown = {one for one in written if self.routes.lookup(one) is None}
        changed_meanwhile = await self.applier.swap(observed, outcome.failed, claims)
        if observed.owners is None:
            saved = await self.store.save(self.routes)
        else:
            saved = await self.store.put_part(observed.owners, self.routes.part(observed.owners))
        await self.known_rooms.note(observed, changed_meanwhile)
        self._problem_log.note(observed.plan.problems, observed.snapshot.rooms)
        to_repeat = _to_repeat(request, observed.plan, changed_meanwhile)
        if observed.owners is not None:
            # What happened in a room while nobody knew that it would be a chat was told to no run.
            made = frozenset(one for one in unknown if self.routes.lookup(one) is not None)
            to_repeat |= Scope(frozenset(), made)
        report = make_report(observed, outcome, saved)
        return observed, attr.evolve(report, changed_meanwhile=to_repeat)

    async def _see(self, request: RunRequest) -> RoomSnapshot:
        routes = self.routes
        if request.cached is not None:
            return await self.observer.observe_all(request.cached, request.full)
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
    return await asyncio.to_thread(_is_taken, new, owners, routes)


def _is_taken(new: set[str], owners: frozenset[UserID], routes: Routes) -> bool:
    chats = (routes.lookup(room_id) for room_id in list(routes.chats))
    return any(
        chat is not None and chat.platform_chat_id in new and chat.owner not in owners
        for chat in chats
    )
