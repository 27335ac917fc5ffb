"""How long to wait before a call to the homeserver is tried again, and how many run at once.

mautrix retries neither a 429 nor a broken answer and drops `retry_after_ms`, so the discipline
stands here, once, for every call. Calls of one kind share a lane: what the homeserver says to
one of them holds for the others, while a slow lane leaves the rest alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import attr


@attr.frozen
class RetryPolicy:
    """What a kind of call may cost.

    Attributes:
        in_flight: calls of this kind at the same time.
        attempt: seconds to wait for one answer.
        total: seconds after which no further try is begun; 0 means a single try.
    """

    in_flight: int
    attempt: float
    total: float


READ = RetryPolicy(in_flight=8, attempt=60, total=60)
WRITE = RetryPolicy(in_flight=8, attempt=30, total=300)
# Many at once cost a homeserver less than one after the other: whoever waits for several is told
# of them in one sync.
MESSAGE = RetryPolicy(in_flight=96, attempt=30, total=300)
# The homeserver may have made the room although it said otherwise: trying again is up to
# whoever can look whether it did.
CREATE = RetryPolicy(in_flight=2, attempt=120, total=0)
# Typing notices and receipts are worth nothing late.
BEST_EFFORT = RetryPolicy(in_flight=4, attempt=10, total=0)

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0


class Throttle:
    """Calls of one kind, and when the next of them may set off."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.policy = policy
        self._free = asyncio.Semaphore(policy.in_flight)
        self._closed_until = 0.0

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a place, and for the end of any pause the homeserver asked for."""
        async with self._free:
            loop = asyncio.get_running_loop()
            # Asked again after each wait: another call may have been told to wait longer.
            while (wait := self._closed_until - loop.time()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(wait)
            yield

    def pause(self, seconds: float) -> None:
        """Let nothing set off in this lane for so many seconds."""
        until = asyncio.get_running_loop().time() + seconds
        self._closed_until = max(self._closed_until, until)


def wait_before(attempt: int, ceiling: float = LONGEST_WAIT) -> float:
    """Seconds to wait before a further try: exponential, with jitter.

    Args:
        attempt: how many tries have failed, from 1.
        ceiling: the longest wait in seconds.
    """
    longest = min(ceiling, FIRST_WAIT * 2 ** min(attempt, 16))
    return random.uniform(longest / 2, longest)  # noqa: S311 (spreads load, keeps no secret)
