"""How often something can be done: Synapse's `rc_invites.per_user`, or rooms made by one user.

Only `/invite` counts as an invitation; those that come with createRoom are free.
"""

from __future__ import annotations

import time

from .rooms import Refusal


class RateLimit:
    """A bucket for each person, which leaks so many a second."""

    def __init__(self, per_second: float, burst: int) -> None:
        """
        Args:
            per_second: how many a second there can be in the long run.
            burst: how many at once.
        """
        self.per_second = per_second
        self.burst = burst
        self._levels: dict[str, tuple[float, float]] = {}

    def count(self, person: str) -> None:
        """Count one more; raises Refusal with the milliseconds to wait if it is one too many.

        A refused one is not counted, so that asking too early does not make the wait longer.
        """
        now = time.monotonic()
        level, counted_at = self._levels.get(person, (0.0, now))
        level = max(0.0, level - (now - counted_at) * self.per_second) + 1
        if level > self.burst:
            wait = int((level - self.burst) / self.per_second * 1000) + 1
            raise Refusal(429, "M_LIMIT_EXCEEDED", "Too Many Requests", retry_after_ms=wait)
        self._levels[person] = (level, now)
