"""Shows people that their message was read and is being answered, where that takes a while.

An answer that comes at once says so by itself: it must not wait behind notices that tell no more
than it does, so there a receipt follows it, one at a time over all rooms.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from mautrix.types import EventID, RoomID

from ..config.timing import Timing
from ..matrix.sender import Sender


class TypingNotice:
    """Typing notices and read receipts, for whatever is being answered."""

    def __init__(self, sender: Sender, timing: Timing) -> None:
        """
        Args:
            sender: sends them.
            timing: how long an answer may take before any are sent, and how often they are.
        """
        self._sender = sender
        self._after = timing.typing
        self._again = timing.typing_again
        # The last message of each room whose receipt is due.
        self._unread: dict[RoomID, EventID] = {}
        self._marking: asyncio.Task[None] | None = None
        # A task that nobody holds may be collected while it runs.
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.contextmanager
    def answering(self, room_id: RoomID, event_id: EventID) -> Iterator[Callable[[], None]]:
        """Show that a message is being answered, for as long as the block lasts; no answer waits
        for that.

        Args:
            room_id: the chat.
            event_id: the message.

        Returns:
            What to call when the answer is there and has to be sent only. If no typing was shown
            by then, none will be: a homeserver that is slow needs no more to do.
        """
        done = asyncio.Event()
        showing = asyncio.get_running_loop().call_later(
            self._after, self._show, room_id, event_id, done
        )
        try:
            yield showing.cancel
        finally:
            showing.cancel()
            done.set()
            self._unread[room_id] = event_id
            if self._marking is None or self._marking.done():
                self._marking = asyncio.create_task(self._mark_read())

    async def _mark_read(self) -> None:
        while self._unread:
            # Those before it in the room are read with it (client-server API, section 11.6).
            await self._sender.mark_read(*self._unread.popitem())

    def _show(self, room_id: RoomID, event_id: EventID, done: asyncio.Event) -> None:
        task = asyncio.create_task(self._show_until(room_id, event_id, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _show_until(self, room_id: RoomID, event_id: EventID, done: asyncio.Event) -> None:
        await self._sender.mark_read(room_id, event_id)
        if done.is_set():
            return
        while not done.is_set():
            await self._sender.typing(room_id, True)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(done.wait(), self._again)
            # Clients take the notice down after five seconds without news, and Synapse passes
            # on what changes alone: it is taken back so that it is news again.
            await self._sender.typing(room_id, False)
