"""What is answered beside the rooms' queues, because it needs no turn there.

Kept by room, for what must not overtake it. A message that waits for its turn has no place here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from mautrix.types import RoomID

from .pending import PendingMessages


class UrgentCommands:
    """Work that goes on in rooms, in no order."""

    def __init__(self, pending: PendingMessages) -> None:
        """
        Args:
            pending: runs the work, and ends it when the plugin stops.
        """
        self._pending = pending
        self._rooms: dict[asyncio.Task[None], RoomID] = {}

    def put(self, room_id: RoomID, work: Coroutine[Any, Any, None]) -> None:
        """Begin some work in a room; it must not raise."""
        task = self._pending.spawn(work)
        self._rooms[task] = room_id
        task.add_done_callback(self._rooms.pop)

    async def wait(self, room_id: RoomID, most: float) -> None:
        """Wait until the work in a room that has begun by now is done, for so many seconds at
        most."""
        tasks = [task for task, where in self._rooms.items() if where == room_id]
        if tasks:
            await asyncio.wait(tasks, timeout=most)
