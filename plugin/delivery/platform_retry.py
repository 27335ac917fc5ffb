"""Asks a platform, again where that can help, and only so many conversations at a time.

No platform tries a request again by itself: how often, how soon and for how long in all is the
same for each of them. Its places are shared among people first, and among somebody's chats second.
Whoever asks hears the answer as it comes. What it is for is not known here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from mautrix.types import UserID

from ..config.active import CurrentConfig
from ..config.timing import Limits, Timing
from ..message import sanitize
from ..platforms import failures
from ..platforms.protocol import Platform, PlatformError, Prompt
from .askings import Draft


class FairSlots:
    """The places of one platform.

    Somebody gets a further place only while more places are free than they have. So one person
    can have half of them, two can have a third each, and whoever has none finds one free.
    """

    def __init__(self, limit: int) -> None:
        """
        Args:
            limit: how many places there are.
        """
        self._free = limit
        self._held: Counter[UserID] = Counter()
        self._waiting: dict[UserID, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def slot(self, person: UserID) -> AsyncIterator[None]:
        """Wait for a place and hold it: who has the fewest comes first, then who came first."""
        place = None
        if person in self._waiting or self._held[person] >= self._free:
            place = self._queue(person)
        else:
            self._free -= 1
            self._held[person] += 1
        try:
            if place is not None:
                await place
            yield
        finally:
            # A place may be handed out in the moment in which nobody wants it any more.
            if place is None or (place.done() and not place.cancelled()):
                self._free += 1
                self._held[person] -= 1
                if not self._held[person]:
                    del self._held[person]
                if self._waiting:
                    self._hand_out()

    def _queue(self, person: UserID) -> asyncio.Future[None]:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(person, deque()).append(place)
        # Nobody else may be left to do so: those before this one may have given up.
        self._hand_out()
        return place

    def _hand_out(self) -> None:
        while waiting := [one for one in self._waiting if self._held[one] < self._free]:
            person = min(waiting, key=self._held.__getitem__)
            # Put back at the end: of those who have as many, everybody gets one in turn.
            queue = self._waiting.pop(person)
            place = queue.popleft()
            if queue:
                self._waiting[person] = queue
            if not place.done():
                self._free -= 1
                self._held[person] += 1
                place.set_result(None)


class PlatformCalls:
    """The calls of one instance to its platforms; each platform has places of its own.

    Attributes:
        failures: of each platform that failed since its last answer the last failure, by name.
    """

    def __init__(self, config: CurrentConfig, timing: Timing, limits: Limits) -> None:
        """
        Args:
            config: says what the platforms are; read anew for each try.
            timing: the waits before each further try, and which of them is told of.
            limits: conversations with one platform at the same time, characters of an answer.
        """
        self.failures: dict[str, PlatformError] = {}
        self._config = config
        self._timing = timing
        self._limits = limits
        self._slots: dict[str, FairSlots] = defaultdict(partial(FairSlots, limits.conversations))

    async def ask(self, name: str, owner: UserID, prompt: Prompt, draft: Draft) -> str:
        """Get a whole answer; what may pass by itself is tried again a few times.

        A platform that says how long it wants to be left alone is, if its total time allows.

        Args:
            name: the platform's name.
            owner: who asks.
            prompt: what is asked.
            draft: fills with what comes; its `wait` is called beside the wait.

        Raises:
            PlatformError: there is no answer, and why.
        """
        loop = asyncio.get_running_loop()
        deadline = float("inf")
        for delay in (*self._timing.platform_retries, None):
            async with self._slots[name].slot(owner):
                platform = self._config.active.platforms.get(name)
                if platform is None:
                    raise failures.explain_missing(name)
                deadline = min(deadline, loop.time() + platform.total_timeout)
                try:
                    draft.begin()
                    answer = await self._ask_until(deadline, platform, prompt, draft)
                except PlatformError as error:
                    self.failures[name] = failure = error
                else:
                    self.failures.pop(name, None)
                    return answer
            wait = max(delay or 0.0, failure.retry_after or 0.0)
            if delay is None or not failure.can_retry or loop.time() + wait >= deadline:
                raise failure
            await self._wait(wait, partial(draft.wait, failure))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _wait(self, seconds: float, tell: Callable[[], Awaitable[None]]) -> None:
        if seconds < self._timing.worth_telling:
            await asyncio.sleep(seconds)
            return
        # Beside it: the platform is not to wait until the homeserver has taken a notice.
        telling = asyncio.ensure_future(tell())
        try:
            await asyncio.sleep(seconds)
        finally:
            telling.cancel()

    async def _ask_until(
        self, deadline: float, platform: Platform, prompt: Prompt, draft: Draft
    ) -> str:
        """Ask once, and give up at a time of the loop's clock."""
        asking = asyncio.create_task(self._collect(platform, prompt, draft))
        try:
            await asyncio.wait({asking}, timeout=deadline - asyncio.get_running_loop().time())
            is_overdue = not asking.done()
        finally:
            # Waited for, since it closes the connection; asked again, since a cancellation may
            # be lost in `asyncio.wait_for` (Python 3.11 and older).
            while asking.cancel():
                await asyncio.wait({asking}, timeout=1.0)
        if is_overdue:
            raise failures.explain_overdue(platform.total_timeout)
        return asking.result()

    async def _collect(self, platform: Platform, prompt: Prompt, draft: Draft) -> str:
        pieces, room = [], self._limits.answer
        async with contextlib.aclosing(platform.send(prompt)) as chunks:
            async for chunk in chunks:
                pieces.append(chunk[:room])
                room -= len(pieces[-1])
                draft.hear(pieces[-1])
                if len(pieces[-1]) < len(chunk):
                    draft.overflow()
                    break
        answer = "".join(pieces)
        if not sanitize(answer).strip():
            raise failures.explain_silence()
        return answer
