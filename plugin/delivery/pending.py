"""Messages that are not answered yet: each room's, in its order, and those set aside.

A message is kept in the inbox before anything is done about it and leaves when it is answered or
given up, so that whatever is stopped or killed in between, the next start goes on from there.
Who answers takes the messages from here, one room at a time; who that is, is not known here.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Coroutine
from typing import Any

from mautrix.types import EventID, RoomID, UserID

from ..cache.inbox import Inbox
from ..cache.pending_message import PendingMessage, State
from ..failpoints import failpoint
from ..message import IncomingMessage
from ..topology.standing_answer import WHOLE, Ending
from .set_aside import SetAside


class PendingMessages:
    """The messages of one instance.

    Attributes:
        open: those that wait for their turn or have it.
        waiting: how many of these each person has.
        aside: those that wait for their writer's `!retry`.
    """

    def __init__(self, inbox: Inbox, aside: SetAside, longest_queue: int) -> None:
        """
        Args:
            inbox: keeps them.
            aside: where those are that are set aside.
            longest_queue: messages of one person that may wait; what comes beyond is set aside.
        """
        self.inbox = inbox
        self.longest_queue = longest_queue
        self.open: dict[EventID, PendingMessage] = {}
        self.waiting: Counter[UserID] = Counter()
        self.aside = aside
        self._queues: dict[RoomID, deque[PendingMessage]] = {}
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
        """Take up a message that is in the inbox: at the end of its room's queue, if it needs a
        turn."""
        self.open[pending.message.event_id] = pending
        self.waiting[pending.message.sender] += 1
        if pending.at_once:
            pending.started = True
        else:
            self._queues.setdefault(pending.message.room_id, deque()).append(pending)

    def accept(self, pending: PendingMessage) -> asyncio.Task[None] | None:
        """Keep a message that just came, and put it at the end of its room's queue.

        Returns:
            None if it waits there; where too many of its sender's do, it is set aside, as
            `set_aside` says.
        """
        if self.waiting[pending.message.sender] >= self.longest_queue:
            return self.set_aside(pending)
        self._save(pending.message, State.WAITING)
        self.add(pending)
        return None

    def accept_urgent(self, message: IncomingMessage) -> PendingMessage:
        """Keep a message that just came and does not wait for its turn."""
        pending = PendingMessage(message, at_once=True)
        self._save(message, State.WAITING)
        self.add(pending)
        return pending

    def is_full(self, sender: UserID, spare: int = 0) -> bool:
        """Whether as many of a person's messages wait as may, and so many more."""
        return self.waiting[sender] >= self.longest_queue + spare

    def is_half_empty(self, sender: UserID) -> bool:
        """Whether no more than half as many of a person's messages wait as may."""
        return self.waiting[sender] <= self.longest_queue // 2

    def set_aside(self, pending: PendingMessage) -> asyncio.Task[None]:
        """Let a message wait until its writer asks for it.

        Returns:
            What ends when that is kept in the inbox, or the database failed.
        """
        self._close(pending)
        pending.set_aside_at = 0
        self.restore_aside(pending)
        return self._save(pending.message, State.SET_ASIDE)

    def restore_aside(self, pending: PendingMessage) -> None:
        """Take up a message that is in the inbox, and set aside."""
        if (gone := self.aside.add(pending)) is not None:
            self.spawn(self.complete(gone))

    async def drop_expired(self) -> None:
        """Drop what has been set aside for as long as it may be."""
        for one in self.aside.take_expired():
            await self.complete(one)

    def keep_answer(
        self, pending: PendingMessage, answer: str, ending: Ending = WHOLE
    ) -> Awaitable[bool]:
        """Keep the answer to a message until it stands in Matrix."""
        pending.answer, pending.ending = answer, ending
        return self.inbox.put_answer(pending.message.event_id, answer, ending)

    def revise(self, pending: PendingMessage) -> None:
        """Keep a message as an edit left it."""
        self.spawn(self._keep(pending.message, pending.state))

    def let_go(self, pending: PendingMessage) -> None:
        """Have nothing more to do with a message; what is in the inbox stays there."""
        self._close(pending)
        self._unsaved.pop(pending.message.event_id, None)

    async def complete(self, pending: PendingMessage) -> None:
        """Drop a message that is answered or given up."""
        self.let_go(pending)
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

    def _close(self, pending: PendingMessage) -> None:
        if self.open.pop(pending.message.event_id, None) is not None:
            self.waiting[pending.message.sender] -= 1

    def _save(self, message: IncomingMessage, state: State) -> asyncio.Task[None]:
        saving = self._unsaved[message.event_id] = self.spawn(self._keep(message, state))
        return saving

    async def _keep(self, message: IncomingMessage, state: State) -> None:
        if await self.inbox.put([message], state):
            failpoint("stored")
            self._unsaved.pop(message.event_id, None)
            for event_id, saving in list(self._unsaved.items()):
                # The database takes again what it did not take before.
                if saving.done() and (one := self.open.get(event_id) or self.aside.get(event_id)):
                    self._save(one.message, one.state)
