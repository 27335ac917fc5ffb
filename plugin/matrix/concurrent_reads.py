"""Reads many rooms at once, and gives up those that do not answer.

A room that hangs must not hold up the others, and a homeserver that is merely slow must be waited
for: only while no room at all answers does the time count. What is read, and what it means that
a room was given up, is not known here.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable

from mautrix.types import RoomID

# The most that a room's time is multiplied by after it was given up again and again: reading a
# large Space may take long.
MAX_FACTOR = 16


class ConcurrentReads:
    """Reads rooms for one instance, and remembers which of them did not answer."""

    def __init__(self, straggler: float) -> None:
        """
        Args:
            straggler: seconds without any answer after which the rooms being read are given up;
                doubled for each time in a row that one of them was given up before.
        """
        self.straggler = straggler
        # How many times in a row a room was given up; it is gone from here once it answers.
        self._timeouts: Counter[RoomID] = Counter()

    async def run(
        self,
        room_ids: Iterable[RoomID],
        read: Callable[[RoomID], Awaitable[None]],
        slots: int,
    ) -> set[RoomID]:
        """Read rooms; those that were given up before come last, so that they delay no other.

        Args:
            room_ids: the rooms.
            read: reads one of them; it is cancelled where the room is given up.
            slots: how many are read at the same time.

        Returns:
            The rooms that were given up.
        """
        waiting = deque(sorted(room_ids, key=lambda room_id: (self._timeouts[room_id], room_id)))
        reading: dict[asyncio.Future[None], RoomID] = {}
        given_up: set[RoomID] = set()
        in_a_row = 0
        try:
            while waiting or reading:
                while waiting and len(reading) < slots:
                    room_id = waiting.popleft()
                    reading[asyncio.ensure_future(read(room_id))] = room_id
                if await self._any_answers(reading):
                    in_a_row = 0
                    continue
                in_a_row += 1
                self._timeouts.update(reading.values())
                given_up.update(reading.values())
                await _cancel(reading)
                if in_a_row > 1:
                    # The homeserver does not answer: asking for the rest would only take longer.
                    given_up.update(waiting)
                    waiting.clear()
        finally:
            await _cancel(reading)
        return given_up

    async def _any_answers(self, reading: dict[asyncio.Future[None], RoomID]) -> bool:
        """Wait for an answer, and take those that came out of `reading`."""
        done, _ = await asyncio.wait(
            reading,
            timeout=self._time_for(reading.values()),
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in done:
            del self._timeouts[reading.pop(task)]
            task.result()
        return bool(done)

    def _time_for(self, room_ids: Iterable[RoomID]) -> float:
        """Seconds to wait for any of these rooms."""
        timeouts = max((self._timeouts[room_id] for room_id in room_ids), default=0)
        return self.straggler * min(2.0**timeouts, MAX_FACTOR)


async def _cancel(reading: dict[asyncio.Future[None], RoomID]) -> None:
    tasks = list(reading)
    reading.clear()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
