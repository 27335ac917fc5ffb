"""The loop that makes cache and routes agree with Matrix: when there is a run, and where.

Whatever happens elsewhere only says where something may have changed; what is marked during a run
is looked at by the next. This is where a failure is met and
tried again; nothing here knows commands or messages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..config.timing import Timing
from ..matrix.api import NoAnswer
from ..planner.plan import Plan
from ..topology.model import Topology
from ..topology.routes import Routes
from ..topology.scope import NOWHERE, Scope
from .looks import RunRequest
from .report import Report
from .run import Runner

# Owners whose chats are verified in one run: few, so that what people do meanwhile waits little.
BATCH = 20
# Looks in a row at owners who change something during each of them.
MAX_LOOKS = 5


class Reconciler:
    """Reconciles one instance."""

    def __init__(self, runs: Runner, timing: Timing) -> None:
        """
        Args:
            runs: what is done wherever something may have changed.
            timing: how long is waited before what.
        """
        self.runs = runs
        self.timing = timing
        self.reader = runs.reader
        self.store = runs.store
        self.routes = runs.routes
        self.log = runs.log
        self._dirty = NOWHERE
        self._woken = asyncio.Event()
        self._later = NOWHERE
        self._timer: asyncio.Task[None] | None = None
        self._failures = 0
        self._closed = False
        self.on_report: Callable[[Report], Awaitable[None]] | None = None

    async def start_cold(self, cached: Topology) -> Report:
        """The first run: look at everything; what the cache holds helps where a look fails."""
        return await self._run(RunRequest("start", NOWHERE, cached))

    async def start_warm(self, cached: Routes, changed: Scope) -> Report | None:
        """Take the cache for true but where something changed since, and look there: no report
        means that there was nothing to look at."""
        self.routes.fill(cached)
        return await self._run(RunRequest("start", changed)) if changed else None

    async def run(self, reason: str, full: bool = False) -> Report:
        """Look at everything, and make everything else agree with it.

        Args:
            reason: why, for the log.
            thorough: read each chat's own state too, not its mirror in the Space alone.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed; nothing changed.
        """
        return await self._run(RunRequest(reason, NOWHERE, full=full))

    async def run_for(self, scope: Scope, reason: str, search: bool = False) -> Report:
        """Look at some owners and rooms until what was seen of them counts.

        Args:
            scope: where.
            reason: why, for the log.
            search: look through the joined rooms too, for ones that nobody knows.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed, or something was
                changed during every look.
        """
        for _ in range(MAX_LOOKS):
            report = await self._run(RunRequest(reason, scope, search=search))
            if not report.changed_meanwhile & scope.owners:
                return report
        raise NoAnswer("something changes during every look")

    async def save(self, owner: UserID) -> None:
        """Write what is routed for an owner into the cache, later if the database fails."""
        owners = frozenset({owner})
        if not await self.store.put_part(owners, self.routes.part(owners)):
            self._retry_later(NOWHERE)

    async def plan(self, scope: Scope) -> Plan:
        """What a run would do, without doing it; an empty scope means everything."""
        return await self.runs.plan(RunRequest("a question", scope, full=not scope))

    @property
    def last(self) -> Report | None:
        """What the last run came to."""
        return self.runs.last

    def mark(self, scope: Scope) -> None:
        """Something may have changed there; the next run looks."""
        self._dirty |= scope
        self._woken.set()

    @property
    def idle(self) -> bool:
        """Nothing is marked, nothing waits to be looked at again, and no run goes on."""
        waiting = self._dirty or self._later or self.runs.busy
        return not waiting and not self.store.out_of_sync

    async def knows(self, room_id: RoomID) -> bool:
        """Whether a run has seen what this room is, in this life or in an earlier one."""
        return await self.runs.known_rooms.knows(room_id)

    def mark_foreign(self, room_id: RoomID) -> None:
        """A joined room that is no chat was seen to: later starts need not read it again."""
        if not self.runs.known_rooms.mark_foreign(room_id):
            self.mark(Scope(rooms=frozenset({room_id})))

    async def serve(self) -> None:
        """Look wherever something is marked, until cancelled."""
        while True:
            await self._woken.wait()
            await asyncio.sleep(self.timing.debounce)
            self._woken.clear()
            scope, self._dirty = self._dirty, NOWHERE
            if scope:
                await self._try(RunRequest("something changed", scope))

    def close(self) -> None:
        """Look at nothing again."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    async def verify(self, owners: Iterable[UserID]) -> None:
        """Read the own state of these owners' chats, a few owners at a time.

        Args:
            owners: whose chats; who is done is noted, so that a restart goes on from there.
        """
        after = self.timing.verify
        await asyncio.sleep(after)
        self.mark(await self.runs.known_rooms.owners_missing_rooms())
        waiting, failures = sorted(owners), 0
        while waiting:
            pause = self.timing.backoff.delay(failures) if failures else 0.0
            await asyncio.sleep(max(after, pause))
            portion, waiting = frozenset(waiting[:BATCH]), waiting[BATCH:]
            report = await self._try(RunRequest("verification", Scope(portion), full=True))
            open_ends = portion if report is None else portion & report.open.owners
            await self.store.put_verified(portion - open_ends, int(time.time()))
            waiting += sorted(open_ends)
            failures = failures + 1 if open_ends else 0

    async def _try(self, request: RunRequest) -> Report | None:
        """Run once; whatever goes wrong is logged, and the scope looked at again later."""
        try:
            report = await self._run(request)
            if self.on_report is not None:
                await self.on_report(report)
        except (NoAnswer, MatrixRequestError) as error:
            self.log.warning("A look at Matrix failed (%s): %s", request.reason, error)
        except Exception:
            self.log.exception("A reconciliation broke down (%s)", request.reason)
        else:
            return report
        self._retry_later(request.scope)
        return None

    async def _run(self, request: RunRequest) -> Report:
        report = await self.runs.run(request)
        if report.changed_meanwhile:
            # They changed something while it looked: what it found of them did not count.
            self.mark(Scope(report.changed_meanwhile))
        if report.settled:
            self._failures = 0
        else:
            self._retry_later(report.open)
        return report

    def _retry_later(self, scope: Scope) -> None:
        """Mark the scope after a pause that grows with every failure in a row."""
        self._later |= scope
        if self._closed:
            return
        if self._timer is None or self._timer.done():
            self._failures += 1
            pause = self.timing.backoff.delay(self._failures)
            self._timer = asyncio.create_task(self._mark_later(max(pause, self.timing.recheck)))

    async def _mark_later(self, pause: float) -> None:
        await asyncio.sleep(pause)
        scope, self._later = self._later, NOWHERE
        self.mark(scope)
        # From here on there may be another one: if the database fails again, there is.
        self._timer = None
        if self.store.out_of_sync and not await self.store.save(self.routes):
            self._retry_later(NOWHERE)
