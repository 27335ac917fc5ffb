"""Asks a platform, again where that can help, and only so many conversations at a time.

No platform tries a request again by itself: how often, how soon and for how long in all is the
same for each of them. Whoever asks hears the answer as it comes. What it is for is not known here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from mautrix.types import UserID

from ..config.active import CurrentConfig
from ..config.timing import Limits, Timing
from ..message import sanitize
from ..platforms import failures
from ..platforms.protocol import Platform, PlatformError, Prompt
from .fair_slots import FairSlots


class Listener(Protocol):
    """Whoever wants to know how an answer comes along."""

    def begin(self) -> None:
        """The platform is asked, perhaps again: what it said before is no answer."""

    def hear(self, text: str) -> None:
        """It said this much more."""

    def overflow(self) -> None:
        """It goes on to say more than one answer can hold."""

    async def wait(self, error: PlatformError) -> None:
        """It is asked again after a long wait, for this reason."""


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

    async def ask(self, name: str, owner: UserID, prompt: Prompt, listener: Listener) -> str:
        """Get a whole answer; what may pass by itself is tried again a few times.

        A platform that says how long it wants to be left alone is, if its total time allows.

        Args:
            name: the platform's name.
            owner: who asks.
            prompt: what is asked.
            listener: hears what comes; `wait` is called beside the wait.

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
                    listener.begin()
                    answer = await self._ask_until(deadline, platform, prompt, listener)
                except PlatformError as error:
                    self.failures[name] = failure = error
                else:
                    self.failures.pop(name, None)
                    return answer
            wait = max(delay or 0.0, failure.retry_after or 0.0)
            if delay is None or not failure.can_retry or loop.time() + wait >= deadline:
                raise failure
            await self._wait(wait, partial(listener.wait, failure))
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
        self, deadline: float, platform: Platform, prompt: Prompt, listener: Listener
    ) -> str:
        """Ask once, and give up at a time of the loop's clock."""
        asking = asyncio.create_task(self._collect(platform, prompt, listener))
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

    async def _collect(self, platform: Platform, prompt: Prompt, listener: Listener) -> str:
        pieces, room = [], self._limits.answer
        async with contextlib.aclosing(platform.send(prompt)) as chunks:
            async for chunk in chunks:
                pieces.append(chunk[:room])
                room -= len(pieces[-1])
                listener.hear(pieces[-1])
                if len(pieces[-1]) < len(chunk):
                    listener.overflow()
                    break
        answer = "".join(pieces)
        if not sanitize(answer).strip():
            raise failures.explain_silence()
        return answer
