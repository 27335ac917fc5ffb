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

import attr
from mautrix.types import EventID, RoomID, UserID

from ..cache.inbox import Inbox, State
from ..failpoints import crash_point
from ..matrix.api import NoAnswer
from ..matrix.sender import Sender
from ..matrix.throttle import wait_before
from ..message import Letter
from ..platforms.protocol import PlatformError
from .error_boundary import Boundary
from .room_queues import RoomQueues

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


class Cases:
    """All of them. `open` ones wait for their turn or have it; those set `aside`, by room, wait
    for their owner."""

    def __init__(
        self, inbox: Inbox, queues: RoomQueues, boundary: Boundary, sender: Sender
    ) -> None:
        self.inbox = inbox
        self.queues = queues
        self.boundary = boundary
        self.sender = sender
        self.open: dict[EventID, Case] = {}
        self.aside: dict[RoomID, dict[EventID, Case]] = defaultdict(dict)
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

    def begin(self, letter: Letter, at_once: bool = False) -> None:
        """Keep a message, and answer it when its turn comes, or without waiting for a turn."""
        kept = self._unsaved[letter.event_id] = self.spawn(self._keep(letter))
        if at_once:
            case = Case(letter)
            self._open(case)
            self.spawn(self._process(case, kept))
        else:
            self.queue(Case(letter), kept)

    def queue(self, case: Case, kept: asyncio.Task[None] | None = None) -> None:
        """Answer a message when its turn comes.

        Args:
            case: the message.
            kept: puts it into the inbox; None if it is there.
        """
        self._open(case)
        self.queues.put(case.letter.room_id, partial(self._process, case, kept))

    async def set_aside(self, letters: Iterable[Letter]) -> None:
        """Keep messages until their owner asks for them."""
        letters = list(letters)
        for letter in letters:
            self.aside[letter.room_id][letter.event_id] = Case(letter)
        await self.inbox.put(letters, State.SET_ASIDE)

    def set_aside_with(self, letter: Letter, notice: str) -> None:
        """The same for one that just came; its sender is told, if it is the room's first."""
        self._unsaved[letter.event_id] = self.spawn(self._set_aside_with(letter, notice))

    def revise(self, case: Case, state: State) -> None:
        """Keep a message as an edit left it."""
        self.spawn(self._keep(case.letter, state))

    async def finish(self, case: Case) -> None:
        """Drop a message that is answered or given up."""
        self._close(case)
        await self.inbox.remove(case.letter.event_id)
        crash_point("noted")

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

    def _open(self, case: Case) -> None:
        self.open[case.letter.event_id] = case
        self._waiting[case.letter.sender] += 1

    def _close(self, case: Case) -> None:
        if self.open.pop(case.letter.event_id, None) is not None:
            self._waiting[case.letter.sender] -= 1
        self._unsaved.pop(case.letter.event_id, None)

    async def _keep(self, letter: Letter, state: State = State.WAITING) -> None:
        if await self.inbox.put([letter], state):
            crash_point("stored")
            self._unsaved.pop(letter.event_id, None)

    async def _set_aside_with(self, letter: Letter, notice: str) -> None:
        first = not self.aside.get(letter.room_id)
        await self.set_aside([letter])
        self._unsaved.pop(letter.event_id, None)
        if first:
            say = partial(self.sender.notice, letter.room_id, notice, letter.event_id)
            await self.boundary.run(say, letter.room_id)

    async def _process(self, case: Case, kept: asyncio.Task[None] | None) -> None:
        if kept is not None:
            await asyncio.wait({kept})
        if case.letter.event_id not in self.open:
            return
        case.begun = True
        for attempt in itertools.count(1):
            work = partial(self._handle, case)
            try:
                await self.boundary.answer(work, case.letter.room_id, case.letter.event_id)
            except NoAnswer:
                await asyncio.sleep(wait_before(attempt, LONGEST_PAUSE))
            except PlatformError as error:
                await self._fail(case, error)
                return
            else:
                await self.finish(case)
                return

    async def _fail(self, case: Case, error: PlatformError) -> None:
        """Set a message aside that the platform has no answer to, and say so."""
        room_id, event_id = case.letter.room_id, case.letter.event_id
        self._close(case)
        case.begun = False
        self.aside[room_id][event_id] = case
        await self.inbox.put([case.letter], State.SET_ASIDE)
        text = f"{error.sentence}  \n`!retry` asks again, `!cancel` gives it up."
        await self.boundary.run(partial(self.sender.notice, room_id, text, event_id), room_id)
