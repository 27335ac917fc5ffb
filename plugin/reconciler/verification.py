"""Verification: each chat's own state is read in the background, not only its mirror.

It goes on for as long as the plugin runs, a few owners at a time: each of them again and again,
within a week. The cache keeps who is done, so that a restart goes on from there; what fails of an
owner is tried again for that owner alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Iterator, Mapping

from mautrix.types import RoomID, UserID

from ..cache.topology_store import Store
from ..config.timing import Timing
from ..topology.scope import Scope
from .report import Report
from .work_queue import Retries, Work, WorkQueue

# Rooms in one run: few, so that a change of their owners' waits little for it. With the wait after
# each run, this is the rate: 600 requests a minute with the waits of an operator's instance.
BATCH = 50
# How often owners who are due are looked for in the time that a verification is good for.
PASSES = 144


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

    async def verify_due(self, rooms_of: Mapping[UserID, Collection[RoomID]]) -> None:
        """Queue the owners who are due, a batch at a time with a wait before each; then wait until
        others may be.

        Args:
            rooms_of: everybody's chats.
        """
        waiting = (self.work.queued | self._retries.scope).owners
        due = [owner for owner in rooms_of if owner not in waiting and self._is_due(owner)]
        due.sort(key=lambda owner: (self.store.verified_at(owner), owner))
        for batch, rooms in in_batches((owner, len(rooms_of[owner])) for owner in due):
            self._queue_again(Scope(batch))
            # An owner is read at one go: who has many chats is followed by a longer wait.
            await asyncio.sleep(self.timing.verify * max(1.0, rooms / BATCH))
        await asyncio.sleep(self.timing.verify_again / PASSES)

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

    def _is_due(self, owner: UserID) -> bool:
        # A clock that was set back makes everybody due.
        age = time.time() - self.store.verified_at(owner)
        return not 0 <= age < self.timing.verify_again

    def _queue_again(self, scope: Scope) -> None:
        self.queue.add(self.work, scope)


def in_batches(owners: Iterable[tuple[UserID, int]]) -> Iterator[tuple[frozenset[UserID], int]]:
    """Owners in batches of at most `BATCH` rooms, or of one owner who has more.

    Args:
        owners: the owners, each with the number of their chats.

    Returns:
        Each batch with the number of its rooms, the Spaces included.
    """
    batch: set[UserID] = set()
    rooms = 0
    for owner, chats in owners:
        if batch and rooms + chats + 1 > BATCH:
            yield frozenset(batch), rooms
            batch, rooms = set(), 0
        batch.add(owner)
        rooms += chats + 1
    if batch:
        yield frozenset(batch), rooms
