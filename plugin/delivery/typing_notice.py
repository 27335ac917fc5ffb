"""Shows people that their message was seen and is being answered, where that takes a while.

An answer that comes at once says both by itself. It must not wait behind notices that tell no
more than it does, so for such a one nothing is sent but a receipt, when nobody waits any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from mautrix.types import EventID, RoomID

from ..config.timing import Timing
from ..matrix.sender import TYPING_MS, Sender


class ActivityIndicator:
    """Typing notices and read receipts, for whatever is being answered."""

    def __init__(self, sender: Sender, timing: Timing) -> None:
        self.sender = sender
        self.timing = timing
        self._at_work = 0
        self._unread: dict[RoomID, EventID] = {}
        self._quiet: asyncio.TimerHandle | None = None
        # A task that nobody holds may be collected while it runs.
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.contextmanager
    def on(self, room_id: RoomID, event_id: EventID) -> Iterator[Callable[[], None]]:
        """Show that a message is being answered, for as long as the block lasts; no answer waits
        for that.

        Args:
            room_id: the chat.
            event_id: the message.

        Returns:
            What to call when the answer is there and has to be sent only. If nothing was shown by
            then, nothing will be: a homeserver that is slow needs no more to do.
        """
        self._launch()
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        # Those before it in the room are read with it (client-server API, section 11.6).
        self._unread[room_id] = event_id
        showing = loop.call_later(self.timing.typing, self._show, room_id, event_id, done)
        try:
            yield showing.cancel
        finally:
            showing.cancel()
            done.set()
            self._end()

    def close(self) -> None:
        """Send no receipts any more; nothing is being answered."""
        if self._quiet is not None:
            self._quiet.cancel()

    def _launch(self) -> None:
        self._at_work += 1
        if self._quiet is not None:
            self._quiet.cancel()

    def _end(self) -> None:
        self._at_work -= 1
        if self._at_work == 0:
            self._quiet = asyncio.get_running_loop().call_later(
                self.timing.receipts, self._catch_up
            )

    def _show(self, room_id: RoomID, event_id: EventID, done: asyncio.Event) -> None:
        self._unread.pop(room_id, None)
        self._spawn(self._show_work(room_id, event_id, done))

    def _catch_up(self) -> None:
        unread, self._unread = self._unread, {}
        self._spawn(self._mark_read(unread))

    async def _show_work(self, room_id: RoomID, event_id: EventID, done: asyncio.Event) -> None:
        await self.sender.mark_read(room_id, event_id)
        if done.is_set():
            return
        while not done.is_set():
            await self.sender.typing(room_id, True)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(done.wait(), TYPING_MS / 1000 * 0.8)
        await self.sender.typing(room_id, False)

    async def _mark_read(self, unread: dict[RoomID, EventID]) -> None:
        for room_id, event_id in unread.items():
            await self.sender.mark_read(room_id, event_id)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
