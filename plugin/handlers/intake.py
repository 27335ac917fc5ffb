"""Takes messages in, once each, and sees each through to its answer.

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

import attr
from mautrix.types import EventID, RoomID, UserID

from ..cache.inbox import Inbox, Kept, State
from ..crash import crash_point
from ..letter import Letter
from ..matrix.api import NoAnswer
from ..matrix.retry import wait_before
from ..matrix.sender import Sender
from ..platforms.protocol import PlatformError
from .boundary import Boundary
from .queues import RoomQueues

# Messages of one person that may wait; what comes beyond is set aside, not lost.
LONGEST_QUEUE = 100
# A message may come twice, soon after one another, while a start is caught up with.
REMEMBERED = 10_000
LONGEST_PAUSE = 60.0


@attr.define(eq=False)
class Case:
    """A message on its way to its answer.

    Attributes:
        letter: the message, as its last edit left it.
        answer: the platform's answer, once it was had: it is not asked for twice.
        sent: how many of the messages that the answer takes stand in Matrix.
        begun: its turn has come.
    """

    letter: Letter
    answer: str | None = None
    sent: int = 0
    begun: bool = False


Handle = Callable[[Case], Awaitable[None]]


class Intake:
    """The way of every message, from its arrival to its answer."""

    def __init__(
        self, inbox: Inbox, queues: RoomQueues, boundary: Boundary, sender: Sender
    ) -> None:
        self.inbox = inbox
        self.queues = queues
        self.boundary = boundary
        self.sender = sender
        self._handle: Handle
        self._open: dict[EventID, Case] = {}
        self._aside: dict[RoomID, dict[EventID, Case]] = defaultdict(dict)
        self._seen: dict[EventID, None] = {}
        self._waiting: Counter[UserID] = Counter()
        self._unsaved: dict[EventID, asyncio.Task[None]] = {}
        self._holds = 0
        self._held: list[tuple[Letter, bool]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, handle: Handle) -> None:
        """Say what is done with a message when its turn comes."""
        self._handle = handle

    @property
    def saved(self) -> bool:
        """Whether every message that was taken in is kept in the inbox, or done with."""
        return not self._unsaved and not self._holds

    @property
    def idle(self) -> bool:
        """Whether no message waits for its answer, but those that were set aside."""
        return not self._open

    async def save(self) -> bool:
        """Wait until what was taken in so far was written; whether all of it is in the inbox."""
        taken_in = dict(self._unsaved)
        if taken_in:
            await asyncio.wait(taken_in.values())
        return not taken_in.keys() & self._unsaved.keys()

    def put(self, letter: Letter, at_once: bool = False) -> None:
        """Take in a message that just came.

        Args:
            letter: the message.
            at_once: it does not wait for its turn in its room.
        """
        if self._holds and not at_once:
            self._held.append((letter, at_once))
        else:
            self._take(letter, at_once)

    def _take(self, letter: Letter, at_once: bool) -> None:
        if letter.event_id in self._seen:
            return
        crash_point("received")
        self._remember(letter.event_id)
        if self._waiting[letter.sender] >= LONGEST_QUEUE and not at_once:
            self._unsaved[letter.event_id] = self._spawn(self._put_beyond(letter))
            return
        kept = self._unsaved[letter.event_id] = self._spawn(self._keep(letter))
        if at_once:
            case = self._open[letter.event_id] = Case(letter)
            self._waiting[letter.sender] += 1
            self._spawn(self._process(case, kept))
        else:
            self._queue(Case(letter), kept)

    def hold(self) -> None:
        """Let messages wait: older ones are about to be read, and come before them."""
        self._holds += 1

    def release(self, older: Iterable[Letter]) -> None:
        """Take in the older messages, and then those that waited for them.

        Args:
            older: what was read meanwhile, in its order; it may hold the others too.
        """
        self._holds -= 1
        waiting, self._held = self._held, []
        for letter in older:
            self._take(letter, at_once=False)
        for letter, at_once in waiting:
            self.put(letter, at_once)

    def resume(self, kept: Kept) -> None:
        """Take up a message that an earlier life kept."""
        letter = kept.letter
        if letter.event_id in self._seen:
            return
        self._remember(letter.event_id)
        if kept.state is State.SET_ASIDE:
            self._aside[letter.room_id][letter.event_id] = Case(letter, kept.answer, kept.sent)
        else:
            self._queue(Case(letter, kept.answer, kept.sent), None)

    def tell_late(self, room_id: RoomID, count: int) -> None:
        """Say that messages in a room were set aside because they are old."""
        text = (
            f"While I was away, {count} message{'s' * (count > 1)} came that I leave unanswered "
            "because of their age. `!retry` takes them up, `!cancel` gives them up."
        )
        say = partial(self.sender.notice, room_id, text)
        self.queues.put(room_id, partial(self.boundary.run, say, room_id))

    def edit(self, letter: Letter) -> None:
        """Let an edit replace a message whose turn has not come; any other edit is none."""
        assert letter.replaces is not None
        waiting = self._open.get(letter.replaces)
        found = waiting or self._aside.get(letter.room_id, {}).get(letter.replaces)
        if found is None or found.begun:
            return
        found.letter = found.letter.edited(letter)
        state = State.SET_ASIDE if waiting is None else State.WAITING
        self._spawn(self._keep(found.letter, state))

    def withdraw(self, room_id: RoomID, event_id: EventID) -> None:
        """Drop a message that was redacted before its turn came."""
        found = self._open.get(event_id) or self._aside.get(room_id, {}).pop(event_id, None)
        if found is not None and not found.begun:
            self._spawn(self._finish(found))

    async def set_aside(self, letters: Iterable[Letter]) -> None:
        """Keep messages until their owner asks for them."""
        letters = list(letters)
        for letter in letters:
            self._remember(letter.event_id)
            self._aside[letter.room_id][letter.event_id] = Case(letter)
        await self.inbox.put(letters, State.SET_ASIDE)

    async def retry(self, room_id: RoomID) -> int:
        """Take up what was set aside in a room, in its order; how many messages that is."""
        again = list(self._aside.pop(room_id, {}).values())
        await self.inbox.put([one.letter for one in again])
        for one in again:
            self._queue(Case(one.letter, one.answer), None)
        return len(again)

    async def give_up(self, room_id: RoomID, keep: EventID) -> list[EventID]:
        """Drop what waits, is set aside or goes on in a room; which messages that is.

        Args:
            room_id: the room.
            keep: the message that asks for it.
        """
        dropped = list(self._aside.pop(room_id, {}).values())
        dropped += [
            one
            for one in self._open.values()
            if one.letter.room_id == room_id and one.letter.event_id != keep
        ]
        if any(one.begun for one in dropped):
            self.queues.interrupt(room_id)
        await asyncio.gather(*(self._finish(one) for one in dropped))
        return [one.letter.event_id for one in dropped]

    def _queue(self, one: Case, kept: asyncio.Task[None] | None) -> None:
        self._open[one.letter.event_id] = one
        self._waiting[one.letter.sender] += 1
        self.queues.put(one.letter.room_id, partial(self._process, one, kept))

    async def _process(self, one: Case, kept: asyncio.Task[None] | None) -> None:
        if kept is not None:
            await asyncio.wait({kept})
        if one.letter.event_id not in self._open:
            return
        one.begun = True
        for attempt in itertools.count(1):
            work = partial(self._handle, one)
            try:
                await self.boundary.answer(work, one.letter.room_id, one.letter.event_id)
            except NoAnswer:
                await asyncio.sleep(wait_before(attempt, LONGEST_PAUSE))
            except PlatformError as error:
                await self._fail(one, error)
                return
            else:
                await self._finish(one)
                return

    async def _fail(self, one: Case, error: PlatformError) -> None:
        """Set a message aside that the platform has no answer to, and say so."""
        room_id = one.letter.room_id
        self._close(one)
        one.begun = False
        self._aside[room_id][one.letter.event_id] = one
        await self.inbox.put([one.letter], State.SET_ASIDE)
        text = f"{error.sentence}  \n`!retry` asks again, `!cancel` gives it up."
        await self.boundary.run(
            partial(self.sender.notice, room_id, text, one.letter.event_id), room_id
        )

    async def _finish(self, one: Case) -> None:
        self._close(one)
        await self.inbox.remove(one.letter.event_id)
        crash_point("noted")

    def _close(self, one: Case) -> None:
        if self._open.pop(one.letter.event_id, None) is not None:
            self._waiting[one.letter.sender] -= 1
        self._unsaved.pop(one.letter.event_id, None)

    async def _keep(self, letter: Letter, state: State = State.WAITING) -> None:
        if await self.inbox.put([letter], state):
            crash_point("stored")
            self._unsaved.pop(letter.event_id, None)

    async def _put_beyond(self, letter: Letter) -> None:
        """Set a message aside that came when too many were waiting; its sender is told once."""
        first = not self._aside.get(letter.room_id)
        await self.set_aside([letter])
        self._unsaved.pop(letter.event_id, None)
        if first:
            text = (
                f"{LONGEST_QUEUE} of your messages wait for an answer. I set aside what you "
                "write until then; `!retry` takes it up."
            )
            say = partial(self.sender.notice, letter.room_id, text, letter.event_id)
            await self.boundary.run(say, letter.room_id)

    async def close(self) -> None:
        """End what goes on beside the queues, once what is to be kept is kept."""
        await self.inbox.drain()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _remember(self, event_id: EventID) -> None:
        self._seen[event_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.pop(next(iter(self._seen)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
