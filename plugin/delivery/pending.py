"""Messages that are not answered yet: each room's, in its order, and those set aside.

A message is kept in the inbox before anything is done about it and leaves when it is answered or
given up, so that whatever is stopped or killed in between, the next start goes on from there.
Who answers takes the messages from here, one room at a time; who that is, is not known here.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Collection, Coroutine, Iterable
from typing import Any

from mautrix.types import EventID, RoomID, UserID

from ..cache.inbox import Inbox, PendingMessage, State
from ..failpoints import failpoint
from ..message import IncomingMessage


class PendingMessages:
    """The messages of one instance.

    Attributes:
        open: those that wait for their turn or have it.
        aside: those that wait for their writer's `!retry`, by room.
    """

    def __init__(self, inbox: Inbox, longest_queue: int) -> None:
        """
        Args:
            inbox: keeps them.
            longest_queue: messages of one person that may wait; what comes beyond is set aside.
        """
        self.inbox = inbox
        self.longest_queue = longest_queue
        self.open: dict[EventID, PendingMessage] = {}
        self.aside: dict[RoomID, dict[EventID, PendingMessage]] = defaultdict(dict)
        self._queues: dict[RoomID, deque[PendingMessage]] = {}
        self._waiting: Counter[UserID] = Counter()
        self._unsaved: dict[EventID, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def of(self, room_id: RoomID) -> AsyncIterator[PendingMessage]:
        """A room's messages as their turn comes, until there are none; one loop a room.

        A message is in the inbox, or the database failed, before it is given out. Whoever takes
        it says what became of it, with `complete` or `set_aside`, before taking the next.
        """
        while queue := self._queues.get(room_id):
            pending = queue[0]
            if (saving := self._unsaved.get(pending.message.event_id)) is not None:
                await asyncio.wait({saving})
            queue.popleft()
            # It may have been taken back while it waited.
            if pending.message.event_id in self.open:
                pending.started = True
                yield pending
        self._queues.pop(room_id, None)

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

    def add(self, pending: PendingMessage) -> None:
        """Put a message that is in the inbox at the end of its room's queue."""
        self._open(pending)
        self._queues.setdefault(pending.message.room_id, deque()).append(pending)

    def accept(self, message: IncomingMessage) -> asyncio.Task[None] | None:
        """Keep a message that just came, and put it at the end of its room's queue.

        Returns:
            None if it waits there; where too many of its sender's do, it is set aside, as
            `set_aside` says.
        """
        pending = PendingMessage(message)
        if self._waiting[message.sender] >= self.longest_queue:
            return self.set_aside(pending)
        self._save(message, State.WAITING)
        self.add(pending)
        return None

    def accept_urgent(self, message: IncomingMessage) -> PendingMessage:
        """Keep a message that just came and does not wait for its turn."""
        self._save(message, State.WAITING)
        return self.add_urgent(PendingMessage(message))

    def add_urgent(self, pending: PendingMessage) -> PendingMessage:
        """Take up a message that is in the inbox and does not wait for its turn."""
        pending.started = pending.at_once = True
        self._open(pending)
        return pending

    def is_full(self, sender: UserID) -> bool:
        """Whether as many of a person's messages wait as may."""
        return self._waiting[sender] >= self.longest_queue

    def set_aside(self, pending: PendingMessage) -> asyncio.Task[None]:
        """Let a message wait until its writer asks for it.

        Returns:
            What ends when that is kept in the inbox, or the database failed.
        """
        message = pending.message
        self._close(pending)
        pending.started, pending.state = False, State.SET_ASIDE
        self.aside[message.room_id][message.event_id] = pending
        return self._save(message, State.SET_ASIDE)

    async def take_up_again(
        self, messages: Iterable[PendingMessage], asked: PendingMessage, answer: str
    ) -> None:
        """Put messages that were set aside at the end of their rooms' queues, and keep the answer
        to the message that asks for it: neither is in the inbox without the other."""
        again = list(messages)
        # Ordered at the same moment, so they are in one transaction.
        await asyncio.gather(
            self.inbox.put([one.message for one in again]), self.keep_answer(asked, answer)
        )
        for one in again:
            self.add(PendingMessage(one.message, answer=one.answer))

    async def give_up(
        self, messages: Collection[PendingMessage], asked: PendingMessage, answer: str
    ) -> None:
        """Let go of messages, and keep the answer to the message that asks for it; they leave the
        inbox with that one."""
        given_up = [one.message for one in messages]
        for one in messages:
            self._close(one)
            self._unsaved.pop(one.message.event_id, None)
        asked.settles = tuple(one.event_id for one in given_up)
        # As above.
        await asyncio.gather(
            self.inbox.put(given_up, State.GIVEN_UP), self.keep_answer(asked, answer)
        )

    def keep_answer(self, pending: PendingMessage, answer: str) -> Awaitable[bool]:
        """Keep the answer to a message until it stands in Matrix."""
        pending.answer = answer
        return self.inbox.put_answer(pending.message.event_id, answer)

    def revise(self, pending: PendingMessage) -> None:
        """Keep a message as an edit left it."""
        self.spawn(self._keep(pending.message, pending.state))

    async def complete(self, pending: PendingMessage) -> None:
        """Drop a message that is answered or given up."""
        self._close(pending)
        self._unsaved.pop(pending.message.event_id, None)
        done = (*pending.settles, pending.message.event_id)
        await asyncio.gather(*map(self.inbox.remove, done))
        failpoint("removed")

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

    def _save(self, message: IncomingMessage, state: State) -> asyncio.Task[None]:
        saving = self._unsaved[message.event_id] = self.spawn(self._keep(message, state))
        return saving

    async def _keep(self, message: IncomingMessage, state: State) -> None:
        if await self.inbox.put([message], state):
            failpoint("stored")
            self._unsaved.pop(message.event_id, None)
