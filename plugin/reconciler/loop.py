"""The reconciler: when Matrix is read again, and what follows from a run that failed.

Whatever happens elsewhere only says where something may have changed. What could not be read is
tried again by itself, each owner and each room after a back-off of its own. Nothing here knows
commands or messages.
"""

from __future__ import annotations

import asyncio
from functools import partial

from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..config.timing import Limits, Timing
from ..matrix.api import NoAnswer
from ..topology.model import Topology
from ..topology.routes import Routes
from ..topology.scope import Scope
from .cache_writes import CacheWrites
from .looks import RunRequest
from .report import Report
from .run import Runner
from .verification import Verification
from .work_queue import Retries, Work, WorkQueue

# Runs at the same time, of each kind: one of them may be waiting for rooms that do not answer.
# Those of what failed before leave the others places to read.
MAX_CHANGES = 16
MAX_REPEATS = 3
# Runs in a row for owners of whom something changes during each of them.
MAX_RUNS_IN_A_ROW = 5


class Reconciler:
    """Reconciles one instance."""

    def __init__(self, runs: Runner, timing: Timing, limits: Limits) -> None:
        """
        Args:
            runs: carries out one run.
            timing: waits and back-offs.
            limits: how much is verified at once.
        """
        self.runs = runs
        self.timing = timing
        self.reader = runs.reader
        self.known_rooms = runs.known_rooms
        self.store = runs.store
        self.routes = runs.routes
        self.log = runs.log
        # Apart from each other, so that what fails again and again delays no change.
        self._changes = Work("something changed", MAX_CHANGES)
        self._repeats = Work("another try", MAX_REPEATS)
        works = (self._changes, self._repeats)
        self._queue = WorkQueue(works, self._run_queued, timing.debounce)
        self._retries = Retries(timing, partial(self._queue.add, self._repeats))
        self._verification = Verification(self._verify, runs, timing, limits.verified_at_once)
        self._cache = CacheWrites(self.store, self.routes, timing)

    async def start_cold(self, cached: Topology) -> Report:
        """The first run without a usable cache: read everything, and believe what the cache holds
        only where a read fails. Raises what `run` does."""
        return await self._run(RunRequest("start", None, cached, hurry=True))

    async def start_warm(self, cached: Routes, changed: Scope) -> Report | None:
        """The first run with a usable cache: put it in force, and read what changed since;
        there is no report if nothing did."""
        self.routes.fill(cached)
        return await self._run(RunRequest("start", changed, hurry=True)) if changed else None

    async def run(self, reason: str, full: bool = False) -> Report:
        """Read everything, and make cache and routes agree with it.

        Args:
            reason: why, for the log.
            full: read each chat's own state too, not only its mirror in the Space.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed; nothing changed.
        """
        return await self._run(RunRequest(reason, None, full=full))

    async def run_for(self, scope: Scope, reason: str, search: bool = False) -> Report:
        """Read some owners' rooms, again if something of theirs changed meanwhile.

        Args:
            scope: the owners, and rooms whose owners are not known.
            reason: why, for the log.
            search: read joined rooms too that were never read.

        Raises:
            NoAnswer, MatrixRequestError: not listed, or something changed during every run.
        """
        for _ in range(MAX_RUNS_IN_A_ROW):
            request = RunRequest(reason, scope, search=search, hurry=True)
            report = await self._run(request)
            if not report.changed_meanwhile.owners & scope.owners:
                return report
        raise NoAnswer("something changes during every run")

    async def save(self, owner: UserID) -> None:
        """Write what is routed for an owner into the cache; if the database fails, later."""
        await self._cache.put_owner(owner)

    async def rehearse(self, scope: Scope | None) -> Report:
        """What a run would come to if everything could be written; nothing is.

        Args:
            scope: where to read; None means everywhere, each chat's own state included.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed.
        """
        return await self.runs.rehearse(RunRequest("a question", scope, full=scope is None))

    @property
    def last(self) -> Report | None:
        """The last run's report."""
        return self.runs.last

    def request(self, scope: Scope) -> None:
        """Have these owners and rooms read soon: something may have changed there."""
        self._queue.add(self._changes, scope)

    @property
    def unsettled(self) -> Scope:
        """What was requested, is tried again or is being read; the next start must read it."""
        queued = self._changes.queued | self._repeats.queued
        return queued | self._retries.scope | self._queue.reading

    @property
    def idle(self) -> bool:
        """Nothing is requested or waits for another try, and no run is going on."""
        return not (self.unsettled or self.runs.busy or self.store.out_of_sync)

    def is_looking_at(self, owner: UserID) -> bool:
        """Whether it is about to be known, or just being read, what an owner changed."""
        return self._queue.is_open(owner)

    async def seen(self, owner: UserID) -> None:
        """Wait until what an owner changed by now has been read, or could not be."""
        await self._queue.done_with(owner)

    def mark_foreign(self, room_id: RoomID) -> None:
        """Note that a joined room that is no chat needs to be read by no later start."""
        if not self.known_rooms.mark_foreign(room_id):
            self.request(Scope(rooms=frozenset({room_id})))

    async def serve(self) -> None:
        """Read whatever is requested, until cancelled."""
        await self._queue.serve()

    def close(self) -> None:
        """Try nothing again."""
        self._retries.close()
        self._cache.close()

    async def keep_verifying(self) -> None:
        """Have the own state of everybody's chats read within each week, and rooms that are gone
        noticed, until cancelled."""
        while True:
            await asyncio.sleep(self.timing.verify)
            self.request(await self.runs.everywhere.owners_missing_rooms())
            await self._verification.verify_due()

    async def _run_queued(self, request: RunRequest) -> None:
        if await self._try(request) is None:
            self._retries.fail(request.scope or Scope())

    async def _verify(self, scope: Scope) -> Report | None:
        return await self._try(RunRequest("verification", scope, gently=True))

    async def _try(self, request: RunRequest) -> Report | None:
        try:
            return await self._run(request)
        except (NoAnswer, MatrixRequestError) as error:
            self.log.warning("A look at Matrix failed (%s): %s", request.reason, error)
        except Exception:
            self.log.exception("A reconciliation broke down (%s)", request.reason)
        return None

    async def _run(self, request: RunRequest) -> Report:
        report = await self.runs.run(request)
        self.request(report.changed_meanwhile | report.left)
        if request.scope is None:
            self._retries.succeed_but(report.open)
        else:
            self._retries.succeed(request.scope - report.open)
        self._retries.fail(report.open)
        if self.store.out_of_sync:
            self._cache.retry_if_behind()
        return report
