"""One queue for each room: what happens in a room is seen to in its order, rooms independently.

maubot starts a task for every event and never waits for one, so order is kept here or nowhere.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from mautrix.types import RoomID

Work = Callable[[], Awaitable[None]]


class RoomQueues:
    """Runs work room by room; a room without work costs nothing."""

    def __init__(self) -> None:
        self._waiting: dict[RoomID, deque[Work]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def idle(self) -> bool:
        """Nothing waits, and nothing goes on."""
        return not self._waiting

    def put(self, room_id: RoomID, work: Work) -> None:
        """Add work to a room's queue. It must not raise, and is dropped once this is closed."""
        if self._closed:
            return
        queue = self._waiting.get(room_id)
        if queue is not None:
            queue.append(work)
            return
        self._waiting[room_id] = deque([work])
        worker = asyncio.create_task(self._work(room_id))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def close(self) -> None:
        """Take no more work and end what goes on."""
        self._closed = True
        self._waiting.clear()
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, room_id: RoomID) -> None:
        queue = self._waiting[room_id]
        try:
            while queue:
                await queue.popleft()()
        finally:
            self._waiting.pop(room_id, None)
