"""What platforms are being asked just now, and what each has said so far.

Whoever asks fills a draft, whoever shows it to people reads it, and whoever wants no more of it
ends the asking; none of them knows the others. What becomes of what came so far is not decided
here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

import attr
from mautrix.types import EventID

from ..cache.pending_message import PendingMessage
from ..message import UNSENDABLE, sanitize
from ..platforms.protocol import PlatformError
from ..topology.standing_answer import Ending
from .endings import STOPPED

Show = Callable[[], AbstractAsyncContextManager[None]]


class Draft:
    """An answer that is being written.

    Attributes:
        asked_at: the event loop's time at which somebody wanted it.
        begun: done when the platform is asked.
        size: how many characters there are, white space before them left out.
        is_too_long: the platform had more to say than one answer can hold.
        first_at: the event loop's time at which the first of them came.
    """

    def __init__(self, tell: Callable[[PlatformError], Awaitable[None]]) -> None:
        """
        Args:
            tell: called when the platform is asked again after a long wait.
        """
        loop = asyncio.get_running_loop()
        self.asked_at = loop.time()
        self.begun: asyncio.Future[None] = loop.create_future()
        self.size = 0
        self.is_too_long = False
        self.first_at = 0.0
        self._tell = tell
        self._parts: list[str] = []
        self._more = asyncio.Event()

    @property
    def text(self) -> str:
        """What there is, as it can be sent."""
        return sanitize("".join(self._parts)).strip()

    async def more(self, until: float | None = None) -> None:
        """Wait until there is more.

        Args:
            until: the event loop's time after which no longer.
        """
        self._more.clear()
        seconds = None if until is None else max(0.0, until - asyncio.get_running_loop().time())
        waiting = asyncio.ensure_future(self._more.wait())
        try:
            await asyncio.wait({waiting}, timeout=seconds)
        finally:
            waiting.cancel()

    def begin(self) -> None:
        """Begin from nothing: the platform is asked, perhaps again."""
        self._parts, self.size, self.is_too_long = [], 0, False
        if not self.begun.done():
            self.begun.set_result(None)

    def hear(self, text: str) -> None:
        """Take in what the platform said."""
        # Halves of a character stay: the next chunk may put them together.
        text = text.replace(UNSENDABLE, "")
        if not self.size and (text := text.lstrip()):
            self.first_at = asyncio.get_running_loop().time()
        if text:
            self._parts.append(text)
            self.size += len(text)
            self._more.set()

    def overflow(self) -> None:
        """Note that there is more than one answer can hold."""
        self.is_too_long = True

    async def wait(self, error: PlatformError) -> None:
        """Tell people that the platform is asked again later."""
        await self._tell(error)


@attr.define(eq=False)
class _Asking:
    draft: Draft
    call: asyncio.Future[str]
    is_ended: bool = False


class Askings:
    """What is asked, by the message that it is asked for."""

    def __init__(self, soon: float) -> None:
        """
        Args:
            soon: seconds in which an answer may be whole, so that nothing has to be shown of it.
        """
        self._soon = soon
        self._askings: dict[EventID, _Asking] = {}

    async def run(
        self, pending: PendingMessage, draft: Draft, work: Coroutine[Any, Any, str], show: Show
    ) -> str | None:
        """Ask, until there is an answer or somebody ends it.

        Args:
            pending: the message that is asked.
            draft: fills with what comes.
            work: asks; it is not left to itself, however this ends.
            show: shows people what comes, in a block of its own.

        Returns:
            The answer; None if it was ended.
        """
        call: asyncio.Future[str] = asyncio.ensure_future(work)
        asking = self._askings[pending.message.event_id] = _Asking(draft, call)
        async with contextlib.AsyncExitStack() as showing:
            try:
                await asyncio.wait((call, draft.begun), return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait({call}, timeout=self._soon)
                if not call.done():
                    await showing.enter_async_context(show())
                    await asyncio.wait({call})
            finally:
                del self._askings[pending.message.event_id]
                if not call.done():
                    call.cancel()
                    await asyncio.wait({call})
            if not asking.is_ended:
                return call.result()
        if not call.cancelled():
            # It does not matter any more what went wrong.
            call.exception()
        return None

    def is_asked(self, pending: PendingMessage) -> bool:
        """Whether a message is asked just now, and its answer not had."""
        asking = self._askings.get(pending.message.event_id)
        return asking is not None and not asking.call.done() and pending.answer is None

    def end(self, pending: PendingMessage) -> None:
        """End the asking for a message, if it is asked just now."""
        asking = self._askings.get(pending.message.event_id)
        if asking is not None and not asking.call.done():
            asking.is_ended = True
            asking.call.cancel()

    def stopped(self, pending: PendingMessage) -> tuple[str, Ending]:
        """The answer to a message, if no more of it comes, and how it ends; it may be empty."""
        asking, standing = self._askings.get(pending.message.event_id), pending.standing
        draft = asking.draft if asking is not None else None
        of = pending.question.event_id if pending.question is not None else None
        if draft is not None and draft.size and (standing.is_whole or draft.size >= standing.size):
            return draft.text, attr.evolve(STOPPED, of=of)
        # A try after one that failed has not come as far yet, or an answer is not replaced yet.
        ending = standing.ending if standing.is_whole else STOPPED
        return standing.text, attr.evolve(ending, of=of)
