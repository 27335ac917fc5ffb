"""The platforms that are being asked just now, so that whoever asked can end that.

What becomes of what came so far, is decided by whoever ends it; here it is only told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

import attr
from mautrix.types import EventID

from ..cache.pending_message import PendingMessage
from ..topology.standing_answer import Ending
from .draft import Draft
from .endings import STOPPED

Show = Callable[[], AbstractAsyncContextManager[None]]


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
