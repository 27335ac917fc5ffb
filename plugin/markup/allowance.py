"""How much time of the processor a computation in a thread may take.

Nothing can stop a thread from outside, so it looks at the clock itself, and lets the event loop
go first while it goes on.
"""

from __future__ import annotations

import time

# Steps between two looks at the clock.
STEPS = 64
# Seconds of work until others get their turn, and for how long.
TURN, PAUSE = 0.004, 0.001


class TooComplex(Exception):
    """The text takes more time, or nests deeper, than a message is worth."""


class Allowance:
    """How much time of the processor one rendering may take."""

    def __init__(self, seconds: float) -> None:
        now = time.thread_time()
        self._end = now + seconds
        self._turn = now + TURN
        self._steps = 0

    def step(self) -> None:
        """Count a step.

        Raises:
            TooComplex: the time is used up.
        """
        self._steps += 1
        if self._steps % STEPS == 0:
            self.look()

    def look(self) -> None:
        """Look at the clock, and let the event loop go first now and then."""
        now = time.thread_time()
        if now > self._end:
            raise TooComplex
        if now > self._turn:
            time.sleep(PAUSE)
            self._turn = now + TURN
