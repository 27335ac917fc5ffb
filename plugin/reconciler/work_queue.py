"""A queue of owners and rooms to read again: each by one run at a time, none waiting for another.

Adding a key that is queued already changes nothing, and one that a run is reading waits for the
end of that run. What a run does, and what follows from its outcome, is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import attr

from ..topology.scope import Scope
from .looks import RunRequest

# Runs at the same time: one of them may be waiting for rooms that do not answer.
MAX_RUNS = 16


@attr.define(eq=False)
class Work:
    """What is read for one reason, and what of it is queued.

    Attributes:
        reason: why, for the log.
        full: each chat's own state is read, not only its mirror in the Space.
        queued: the owners and rooms that no run has begun to read.
    """

    reason: str
    full: bool = False
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
        self._reading: dict[asyncio.Future[None], Scope] = {}

    @property
    def reading(self) -> Scope:
        """What runs of this queue are reading now."""
        reading = Scope()
        for scope in self._reading.values():
            reading |= scope
        return reading

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
        if not ready or len(self._reading) >= MAX_RUNS:
            return
        work.queued -= ready
        run = asyncio.ensure_future(self.run(RunRequest(work.reason, ready, full=work.full)))
        self._reading[run] = ready
        run.add_done_callback(self._end_run)

    def _end_run(self, run: asyncio.Future[None]) -> None:
        del self._reading[run]
        self._woken.set()
