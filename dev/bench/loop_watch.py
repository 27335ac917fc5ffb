"""How long the event loop was held: for how long nothing else in the process could run."""

from __future__ import annotations

import asyncio
import contextlib
import time
from types import TracebackType

# Seconds; a time that is shorter is not seen.
TICK = 0.002


class LoopWatch:
    """Watches the loop for as long as the block lasts.

    It wakes up at short intervals; what comes too late says how long the loop was held.
    """

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []

    async def __aenter__(self) -> LoopWatch:
        self._task = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def longest(self, since: float = 0.0) -> float:
        """The longest time in seconds.

        Args:
            since: what ended before this does not count, in seconds of `time.perf_counter`.
        """
        return max((late for end, late in self._late if end >= since), default=0.0)

    async def _watch(self) -> None:
        while True:
            started = time.perf_counter()
            try:
                await asyncio.sleep(TICK)
            finally:
                # Cancelled at the end of the block: it may have been held until then.
                end = time.perf_counter()
                if end - started > 2 * TICK:
                    self._late.append((end, end - started - TICK))
