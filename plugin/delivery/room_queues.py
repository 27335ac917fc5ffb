"""One queue for each room: what happens in a room is handled in its order, rooms independently.

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

    def __init__(self, grace: float) -> None:
        """
        Args:
            grace: seconds that work which has begun gets to end by itself when this is closed.
        """
        self._grace = grace
        self._waiting: dict[RoomID, deque[Work]] = {}
        self._current: dict[RoomID, asyncio.Task[None]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._closed = False

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

    def interrupt(self, room_id: RoomID) -> set[asyncio.Task[None]]:
        """End what goes on in a room; what waits there goes on.

        Returns:
            What is about to end.
        """
        current = self._current.get(room_id)
        if current is None:
            return set()
        current.cancel()
        return {current}

    async def close(self) -> None:
        """Take no more work, and let what has begun end if it does so soon."""
        self._closed = True
        for queue in self._waiting.values():
            queue.clear()
        if self._workers:
            await asyncio.wait(self._workers, timeout=self._grace)
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, room_id: RoomID) -> None:
        queue = self._waiting[room_id]
        try:
            while queue:
                current = asyncio.ensure_future(queue.popleft()())
                self._current[room_id] = current
                await asyncio.wait({current})
        except asyncio.CancelledError:
            self._current[room_id].cancel()
            await asyncio.wait({self._current[room_id]})
            raise
        finally:
            self._current.pop(room_id, None)
            self._waiting.pop(room_id, None)
