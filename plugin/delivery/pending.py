"""Messages on their way to their answers: what is open, what is set aside, and how each goes on.

A message is kept in the inbox before anything is done about it and leaves when it is answered or
given up, so that whatever is stopped or killed in between, the next start goes on from there.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from mautrix.types import EventID, RoomID, UserID

from ..cache.inbox import Inbox, PendingMessage, State
from ..failpoints import failpoint
from ..matrix.api import NoAnswer
from ..matrix.retry import Backoff
from ..message import IncomingMessage
from ..platforms.protocol import PlatformError
from .error_boundary import ErrorBoundary
from .room_queues import RoomQueues

Handle = Callable[[PendingMessage], Awaitable[None]]


class PendingMessages:
    """All of them. `open` ones wait for their turn or have it; those set `aside`, by room, wait
    for their owner."""

    def __init__(
        self, inbox: Inbox, queues: RoomQueues, boundary: ErrorBoundary, backoff: Backoff
    ) -> None:
        self.inbox = inbox
        self.queues = queues
        self.boundary = boundary
        self.sender = boundary.sender
        self.backoff = backoff
        self.open: dict[EventID, PendingMessage] = {}
        self.aside: dict[RoomID, dict[EventID, PendingMessage]] = defaultdict(dict)
        self._handle: Handle
        self._waiting: Counter[UserID] = Counter()
        self._unsaved: dict[EventID, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, handle: Handle) -> None:
        """Say what is done with a message when its turn comes."""
        self._handle = handle

    @property
    def saved(self) -> bool:
        """Whether every message is kept in the inbox, or done with."""
        return not self._unsaved

    async def save(self) -> bool:
        """Wait until what came so far was written; whether all of it is in the inbox."""
        unsaved = dict(self._unsaved)
        if unsaved:
            await asyncio.wait(unsaved.values())
        return not unsaved.keys() & self._unsaved.keys()

    def waiting(self, sender: UserID) -> int:
        """How many messages of this person are open."""
        return self._waiting[sender]

    def begin(self, message: IncomingMessage, at_once: bool = False) -> None:
        """Keep a message, and answer it when its turn comes, or without waiting for a turn."""
        kept = self._unsaved[message.event_id] = self.spawn(self._keep(message))
        if at_once:
            pending = PendingMessage(message)
            self._open(pending)
            self.spawn(self._process(pending, kept))
        else:
            self.queue(PendingMessage(message), kept)

    def queue(self, pending: PendingMessage, kept: asyncio.Task[None] | None = None) -> None:
        """Answer a message when its turn comes.

        Args:
            case: the message.
            kept: puts it into the inbox; None if it is there.
        """
        self._open(pending)
        self.queues.put(pending.message.room_id, partial(self._process, pending, kept))

    async def set_aside(self, messages: Iterable[IncomingMessage]) -> None:
        """Keep messages until their owner asks for them."""
        messages = list(messages)
        for message in messages:
            self.aside[message.room_id][message.event_id] = PendingMessage(message)
        await self.inbox.put(messages, State.SET_ASIDE)

    def set_aside_with(self, message: IncomingMessage, notice: str) -> None:
        """The same for one that just came; its sender is told, if it is the room's first."""
        self._unsaved[message.event_id] = self.spawn(self._set_aside_with(message, notice))

    def revise(self, pending: PendingMessage, state: State) -> None:
        """Keep a message as an edit left it."""
        self.spawn(self._keep(pending.message, state))

    async def finish(self, pending: PendingMessage) -> None:
        """Drop a message that is answered or given up."""
        self._close(pending)
        await self.inbox.remove(pending.message.event_id)
        failpoint("noted")

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside the queues."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """End what goes on beside the queues, once what is to be kept is kept."""
        await self.inbox.drain()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _open(self, pending: PendingMessage) -> None:
        self.open[pending.message.event_id] = pending
        self._waiting[pending.message.sender] += 1

    def _close(self, pending: PendingMessage) -> None:
        if self.open.pop(pending.message.event_id, None) is not None:
            self._waiting[pending.message.sender] -= 1
        self._unsaved.pop(pending.message.event_id, None)

    async def _keep(self, message: IncomingMessage, state: State = State.WAITING) -> None:
        if await self.inbox.put([message], state):
            failpoint("stored")
            self._unsaved.pop(message.event_id, None)

    async def _set_aside_with(self, message: IncomingMessage, notice: str) -> None:
        first = not self.aside.get(message.room_id)
        await self.set_aside([message])
        self._unsaved.pop(message.event_id, None)
        if first:
            say = partial(self.sender.notice, message.room_id, notice, message.event_id)
            await self.boundary.run(say, message.room_id)

    async def _process(self, pending: PendingMessage, kept: asyncio.Task[None] | None) -> None:
        if kept is not None:
            await asyncio.wait({kept})
        if pending.message.event_id not in self.open:
            return
        pending.started = True
        for attempt in itertools.count(1):
            work = partial(self._handle, pending)
            try:
                await self.boundary.answer(work, pending.message.room_id, pending.message.event_id)
            except NoAnswer:
                await asyncio.sleep(self.backoff.delay(attempt))
            except PlatformError as error:
                await self._fail(pending, error)
                return
            else:
                await self.finish(pending)
                return

    async def _fail(self, pending: PendingMessage, error: PlatformError) -> None:
        """Set a message aside that the platform has no answer to, and say so."""
        room_id, event_id = pending.message.room_id, pending.message.event_id
        self._close(pending)
        pending.started = False
        self.aside[room_id][event_id] = pending
        await self.inbox.put([pending.message], State.SET_ASIDE)
        text = f"{error.sentence}  \n`!retry` asks again, `!cancel` gives it up."
        await self.boundary.run(partial(self.sender.notice, room_id, text, event_id), room_id)
