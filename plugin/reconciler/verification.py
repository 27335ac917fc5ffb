"""Verification: each chat's own state is read in the background, not only its mirror.

It is done a few owners at a time while people are served. The cache keeps who is done, so that a
restart goes on from there; what fails of an owner is tried again for that owner alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from mautrix.types import UserID

from ..cache.topology_store import Store
from ..config.timing import Timing
from ..topology.scope import Scope
from .report import Report
from .work_queue import Retries, Work, WorkQueue

# Owners in one run: few, so that a change of theirs waits little for it.
BATCH = 20


class Verification:
    """Verifies one instance's chats."""

    def __init__(self, queue: WorkQueue, work: Work, store: Store, timing: Timing) -> None:
        """
        Args:
            queue: starts the runs.
            work: what of the queue is verification.
            store: keeps when each owner was verified.
            timing: the wait before each batch, and the back-off of what fails.
        """
        self.queue = queue
        self.work = work
        self.store = store
        self.timing = timing
        self._retries = Retries(timing, self._queue_again)

    async def schedule(self, owners: Iterable[UserID]) -> None:
        """Queue these owners, a batch at a time with a wait before each."""
        waiting = sorted(owners)
        for start in range(0, len(waiting), BATCH):
            await asyncio.sleep(self.timing.verify)
            self._queue_again(Scope(frozenset(waiting[start : start + BATCH])))

    async def note(self, scope: Scope, report: Report | None) -> None:
        """Keep what came of a run.

        Args:
            scope: what it was to verify.
            report: what it came to; None if it failed.
        """
        failed = scope if report is None else Scope(scope.owners & report.open.owners)
        self._retries.succeed(scope - failed)
        self._retries.fail(failed)
        await self.store.put_verified(scope.owners - failed.owners, int(time.time()))

    def close(self) -> None:
        """Try nothing again."""
        self._retries.close()

    def _queue_again(self, scope: Scope) -> None:
        self.queue.add(self.work, scope)
