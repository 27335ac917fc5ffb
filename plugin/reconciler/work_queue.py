"""A queue of owners and rooms to read again: each by one run at a time, none waiting for another.

Adding a key that is queued already changes nothing, and one that a run is reading waits for the
end of that run. A key that fails waits longer each time, and keeps no other waiting. What a run
does, and what follows from its outcome, is not known here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import attr
from mautrix.types import RoomID, UserID

from ..config.timing import Timing
from ..topology.scope import Scope
from .looks import RunRequest


@attr.define(eq=False)
class Work:
    """What is read for one reason, and what of it is queued.

    Attributes:
        reason: why, for the log.
        most: how many runs there may be for it at the same time.
        queued: the owners and rooms that no run has begun to read.
    """

    reason: str
    most: int
    queued: Scope = attr.field(factory=Scope)


class WorkQueue:
    """Starts runs for what is queued."""

    def __init__(
        self,
        works: tuple[Work, ...],
        run: Callable[[RunRequest], Awaitable[None]],
        debounce: float,
    ) -> None:
        """
        Args:
            works: each gets runs of its own, so that none waits for another's failing rooms.
            run: one run; it must not raise.
            debounce: seconds for which keys are gathered before a run begins.
        """
        self.works = works
        self.run = run
        self.debounce = debounce
        self._woken = asyncio.Event()
        self._ended = asyncio.Event()
        self._reading: dict[asyncio.Future[None], tuple[Work, Scope]] = {}

    @property
    def reading(self) -> Scope:
        """What runs of this queue are reading now."""
        reading = Scope()
        for _, scope in self._reading.values():
            reading |= scope
        return reading

    def is_open(self, owner: UserID) -> bool:
        """Whether an owner's rooms are queued, or being read."""
        return any(owner in work.queued.owners for work in self.works) or any(
            owner in scope.owners for _, scope in self._reading.values()
        )

    async def done_with(self, owner: UserID) -> None:
        """Wait until they are neither."""
        while self.is_open(owner):
            self._ended.clear()
            await self._ended.wait()

    def add(self, work: Work, scope: Scope) -> None:
        """Queue owners and rooms."""
        work.queued |= scope
        if scope:
            self._woken.set()

    async def serve(self) -> None:
        """Start runs until cancelled; then the runs are cancelled too."""
        try:
            while True:
                await self._woken.wait()
                await asyncio.sleep(self.debounce)
                self._woken.clear()
                for work in self.works:
                    self._start_run(work)
        finally:
            runs = list(self._reading)
            for run in runs:
                run.cancel()
            await asyncio.gather(*runs, return_exceptions=True)

    def _start_run(self, work: Work) -> None:
        """Read what is queued and not being read: the end of that run wakes the queue again."""
        ready = work.queued - self.reading
        runs = sum(one is work for one, _ in self._reading.values())
        if not ready or runs >= work.most:
            return
        work.queued -= ready
        run = asyncio.ensure_future(self.run(RunRequest(work.reason, ready)))
        self._reading[run] = (work, ready)
        run.add_done_callback(self._end_run)

    def _end_run(self, run: asyncio.Future[None]) -> None:
        work, scope = self._reading.pop(run)
        if run.cancelled():
            # The plugin stops: what was not read to its end is the next start's to read.
            work.queued |= scope
        self._woken.set()
        self._ended.set()


class Retries:
    """Keys that failed, each with a timer of its own."""

    def __init__(self, timing: Timing, due: Callable[[Scope], None]) -> None:
        """
        Args:
            timing: the back-off, and the shortest wait.
            due: called with each key when its wait is over.
        """
        self.timing = timing
        self.due = due
        self._failures: Counter[Scope] = Counter()
        self._timers: dict[Scope, asyncio.Task[None]] = {}
        self._closed = False

    @property
    def scope(self) -> Scope:
        """Everything that waits."""
        return Scope(
            frozenset(owner for key in self._timers for owner in key.owners),
            frozenset(room_id for key in self._timers for room_id in key.rooms),
        )

    def fail(self, scope: Scope) -> None:
        """Let each key wait for another try; one that waits already is left as it is."""
        for key in _keys(scope):
            if self._closed or key in self._timers:
                continue
            self._failures[key] += 1
            pause = self.timing.backoff.delay(self._failures[key])
            wait = self._wait(key, max(pause, self.timing.recheck))
            self._timers[key] = asyncio.create_task(wait)

    def succeed(self, scope: Scope) -> None:
        """Forget these keys: nothing of them is missing."""
        for key in _keys(scope):
            del self._failures[key]
            if (timer := self._timers.pop(key, None)) is not None:
                timer.cancel()

    def succeed_but(self, scope: Scope) -> None:
        """Forget all keys but these, after a look at everything."""
        failing = set(_keys(scope))
        for key in [key for key in self._failures if key not in failing]:
            self.succeed(key)

    def close(self) -> None:
        """Try nothing again."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()

    async def _wait(self, key: Scope, pause: float) -> None:
        await asyncio.sleep(pause)
        del self._timers[key]
        self.due(key)


def _keys(scope: Scope) -> list[Scope]:
    """A scope for each owner and each room."""
    owners: list[UserID] = sorted(scope.owners)
    rooms: list[RoomID] = sorted(scope.rooms)
    return [
        *(Scope(owners=frozenset({owner})) for owner in owners),
        *(Scope(rooms=frozenset({room_id})) for room_id in rooms),
    ]
