"""The loop that makes cache and routes agree with Matrix: when there is a run, and where.

Whatever happens elsewhere only says where something may have changed. Owners and rooms are keys:
each is looked at by one run at a time, waits alone when that fails, and keeps no other waiting.
This is where a failure is met and tried again; nothing here knows commands or messages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..config.timing import Timing
from ..matrix.api import NoAnswer
from ..planner.plan import Plan
from ..topology.model import Topology
from ..topology.routes import Routes
from ..topology.scope import Scope
from .looks import RunRequest
from .report import Report
from .retries import Retries
from .run import Runner

# Owners whose chats are verified in one run: few, so that what people do meanwhile waits little.
BATCH = 20
# Looks in a row at owners who change something during each of them.
MAX_LOOKS = 5
# Runs of the loop at the same time: a run may wait for rooms that do not answer.
MAX_RUNS = 16


@attr.define(eq=False)
class _Cause:
    """Why somewhere is looked at, and where that is due."""

    reason: str
    full: bool = False
    due: Scope = attr.field(factory=Scope)


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
        self._woken = asyncio.Event()
        # Apart from each other, so that what fails again and again keeps no change waiting.
        self._changes = _Cause("something changed")
        self._repeats = _Cause("another try")
        self._verifications = _Cause("verification", full=True)
        self._retries = Retries(timing, self._look_again)
        self._unverified = Retries(timing, self._verify_again)
        self._looking: dict[asyncio.Task[None], Scope] = {}
        self._saving: asyncio.Task[None] | None = None
        self._failed_saves = 0
        self._closed = False
        self.on_report: Callable[[Report], Awaitable[None]] | None = None

    async def start_cold(self, cached: Topology) -> Report:
        """The first run: look at everything; what the cache holds helps where a look fails."""
        return await self._run(RunRequest("start", None, cached))

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
        return await self._run(RunRequest(reason, None, full=full))

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
            self._save_later()

    async def plan(self, scope: Scope | None) -> Plan:
        """What a run would do, without doing it; None means everything."""
        return await self.runs.plan(RunRequest("a question", scope, full=scope is None))

    @property
    def last(self) -> Report | None:
        """What the last run came to."""
        return self.runs.last

    def mark(self, scope: Scope) -> None:
        """Something may have changed there; the next run looks."""
        self._ask(self._changes, scope)

    @property
    def unsettled(self) -> Scope:
        """Everything that is marked, waits for another try or is being looked at just now: the
        next start must look there, whatever else it takes for known."""
        scope = self._changes.due | self._repeats.due | self._retries.scope
        for looking in self._looking.values():
            scope |= looking
        return scope

    @property
    def idle(self) -> bool:
        """Nothing is marked, nothing waits to be looked at again, and no run goes on."""
        return not (self.unsettled or self.runs.busy or self.store.out_of_sync)

    async def knows(self, room_id: RoomID) -> bool:
        """Whether a run has seen what this room is, in this life or in an earlier one."""
        return await self.runs.known_rooms.is_known(room_id)

    def exclude(self, room_id: RoomID) -> None:
        """A room that cannot be read was made by somebody else: nobody waits for it."""
        self.runs.known_rooms.exclude(room_id)

    def mark_foreign(self, room_id: RoomID) -> None:
        """A joined room that is no chat was seen to: later starts need not read it again."""
        if not self.runs.known_rooms.mark_foreign(room_id):
            self.mark(Scope(rooms=frozenset({room_id})))

    async def serve(self) -> None:
        """Look wherever something is marked, until cancelled."""
        try:
            while True:
                await self._woken.wait()
                await asyncio.sleep(self.timing.debounce)
                self._woken.clear()
                for cause in (self._changes, self._repeats, self._verifications):
                    self._start_run(cause)
        finally:
            runs = list(self._looking)
            for run in runs:
                run.cancel()
            await asyncio.gather(*runs, return_exceptions=True)

    def close(self) -> None:
        """Look at nothing again."""
        self._closed = True
        self._retries.close()
        self._unverified.close()
        if self._saving is not None:
            self._saving.cancel()

    async def verify(self, owners: Iterable[UserID]) -> None:
        """Read the own state of these owners' chats, a few owners at a time.

        Who is done is noted, so that a restart goes on from there; who could not be read is
        tried again alone.
        """
        await asyncio.sleep(self.timing.verify)
        self.mark(await self.runs.known_rooms.owners_missing_rooms())
        waiting = sorted(owners)
        for start in range(0, len(waiting), BATCH):
            await asyncio.sleep(self.timing.verify)
            self._ask(self._verifications, Scope(frozenset(waiting[start : start + BATCH])))

    def _ask(self, cause: _Cause, scope: Scope) -> None:
        cause.due |= scope
        if scope:
            self._woken.set()

    def _look_again(self, key: Scope) -> None:
        self._ask(self._repeats, key)

    def _verify_again(self, key: Scope) -> None:
        self._ask(self._verifications, key)

    def _start_run(self, cause: _Cause) -> None:
        """Look where it is due, unless another run looks there: its end wakes the loop."""
        busy = Scope()
        for looking in self._looking.values():
            busy |= looking
        ready = cause.due - busy
        if not ready or len(self._looking) >= MAX_RUNS:
            return
        cause.due -= ready
        run = asyncio.create_task(self._look(RunRequest(cause.reason, ready, full=cause.full)))
        self._looking[run] = ready
        run.add_done_callback(self._end_run)

    def _end_run(self, run: asyncio.Task[None]) -> None:
        del self._looking[run]
        self._woken.set()

    async def _look(self, request: RunRequest) -> None:
        """Run once; whatever goes wrong is logged, and looked at again later."""
        scope = request.scope or Scope()
        report = await self._try(request)
        if request.full:
            failed = scope if report is None else Scope(scope.owners & report.open.owners)
            self._unverified.succeed(scope - failed)
            self._unverified.fail(failed)
            verified = scope.owners - failed.owners
            await self.store.put_verified(verified, int(time.time()))
        elif report is None:
            self._retries.fail(scope)

    async def _try(self, request: RunRequest) -> Report | None:
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
        return None

    async def _run(self, request: RunRequest) -> Report:
        report = await self.runs.run(request)
        if report.changed_meanwhile:
            # They changed something while it looked: what it found of them did not count.
            self.mark(Scope(report.changed_meanwhile))
        if request.scope is None:
            self._retries.succeed_but(report.open)
        else:
            self._retries.succeed(request.scope - report.open)
        self._retries.fail(report.open)
        if self.store.out_of_sync:
            self._save_later()
        return report

    def _save_later(self) -> None:
        """Write the cache again after a pause that grows with every failure in a row."""
        if not self._closed and self._saving is None:
            self._failed_saves += 1
            pause = max(self.timing.backoff.delay(self._failed_saves), self.timing.recheck)
            self._saving = asyncio.create_task(self._save_after(pause))

    async def _save_after(self, pause: float) -> None:
        await asyncio.sleep(pause)
        # From here on there may be another one: if the database fails again, there is.
        self._saving = None
        if self.store.out_of_sync:
            await self.store.save(self.routes)
        if self.store.out_of_sync:
            self._save_later()
        else:
            self._failed_saves = 0
