"""Verification: each chat's own state is read in the background, not only its mirror.

It goes on for as long as the plugin runs, a few rooms at a time and one run after the other: each
chat again and again, within a week. The cache keeps which owners are done, so that a restart goes
on from there. What a run does is not known here.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator

from mautrix.types import RoomID, UserID

from ..config.timing import Timing
from ..topology.scope import Scope
from .report import Report
from .run import Runner

# How often owners who are due are looked for in the time that a verification is good for.
PASSES = 144


class Verification:
    """Verifies one instance's chats."""

    def __init__(
        self,
        run: Callable[[Scope], Awaitable[Report | None]],
        runs: Runner,
        timing: Timing,
        batch: int,
    ) -> None:
        """
        Args:
            run: reads these owners' Spaces and these chats of theirs; None if that failed.
            runs: has the routes in force, and the cache, which keeps when an owner was verified.
            timing: the wait after each run, and the back-off of what fails.
            batch: rooms in one run, Spaces included.
        """
        self.run = run
        self.routes = runs.routes
        self.store = runs.store
        self.timing = timing
        self.batch = batch
        # The chats of owners who are verified in part that are yet to be read.
        self._left: dict[UserID, set[RoomID]] = {}
        self._failures: Counter[UserID] = Counter()
        # When what failed of an owner's is due again, in the event loop's time.
        self._retry_at: dict[UserID, float] = {}

    async def verify_due(self) -> None:
        """Verify whoever is due, for as long as the next look for others is away."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.timing.verify_again / PASSES
        while (now := loop.time()) < end:
            for scope in in_batches(self._due(now), self.batch):
                await self._verify(scope)
                await asyncio.sleep(self.timing.verify)
                if loop.time() >= end:
                    return
            await asyncio.sleep(max(0.0, min(end, *self._retry_at.values(), end) - loop.time()))

    def _due(self, now: float) -> Iterator[tuple[UserID, Collection[RoomID]]]:
        """The owners who are due, each with the chats to read; who waits longest comes first."""
        rooms_of, seconds = self.routes.rooms_of, time.time()
        due = [owner for owner in rooms_of if self._is_due(owner, seconds)]
        due.sort(key=lambda owner: (self.store.verified_at(owner), owner))
        for owner in due:
            if self._retry_at.get(owner, now) <= now:
                yield owner, self._left.get(owner, rooms_of.get(owner, ()))

    async def _verify(self, scope: Scope) -> None:
        """Read some chats, and note who is done and what failed."""
        for owner in scope.owners - self._left.keys():
            self._left[owner] = set(self.routes.rooms_of.get(owner, ()))
        report = await self.run(scope)
        now, done = asyncio.get_running_loop().time(), []
        for owner in scope.owners:
            self._retry_at.pop(owner, None)
            self._left[owner].intersection_update(self.routes.rooms_of.get(owner, ()))
            asked = self._left[owner] & scope.rooms
            failed = asked & self._failed(owner, scope, report)
            self._left[owner] -= asked - failed
            if failed:
                self._failures[owner] += 1
                pause = self.timing.backoff.delay(self._failures[owner])
                self._retry_at[owner] = now + max(pause, self.timing.recheck)
            elif not self._left[owner]:
                del self._left[owner], self._failures[owner]
                done.append(owner)
        await self.store.put_verified(done, int(time.time()))

    def _failed(self, owner: UserID, scope: Scope, report: Report | None) -> frozenset[RoomID]:
        """The chats of an owner's that a run did not verify. What it saw of somebody who changed
        something meanwhile does not count, but then these rooms are requested again."""
        if report is None:
            return scope.rooms
        space = self.routes.spaces.get(owner)
        if space is not None and space.room_id in report.open.rooms:
            return scope.rooms
        return report.open.rooms

    def _is_due(self, owner: UserID, now: float) -> bool:
        # A clock that was set back makes everybody due.
        return not 0 <= now - self.store.verified_at(owner) < self.timing.verify_again


def in_batches(owners: Iterable[tuple[UserID, Collection[RoomID]]], most: int) -> Iterator[Scope]:
    """Owners and chats in batches; who has many chats is in several.

    Args:
        owners: the owners, each with the chats to read.
        most: rooms in a batch, the owners' Spaces included.
    """
    batch, size = Scope(), 0
    for owner, rooms in owners:
        ordered = sorted(rooms)
        for start in range(0, len(ordered), most - 1):
            some = frozenset(ordered[start : start + most - 1])
            if size + len(some) + 1 > most:
                yield batch
                batch, size = Scope(), 0
            batch |= Scope(frozenset({owner}), some)
            size += len(some) + 1
    if batch:
        yield batch
