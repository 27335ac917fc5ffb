"""Shows an answer in its chat while the platform is still writing it, if it is not whole soon.

Nobody needs to see that, so nothing here waits for the homeserver, is tried again or costs
anybody an answer: what is not shown now is shown a little later, and all of it at the end, by
answer.py. People are notified of the first event alone, so that holds words and no placeholder.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import re
import time
from collections.abc import AsyncIterator

from mautrix.errors import MatrixRequestError

from ..cache.pending_message import PendingMessage
from ..config.active import CurrentConfig
from ..config.settings import NOTIFY_FINAL
from ..config.timing import StreamTiming
from ..matrix.answers import Answers
from ..matrix.api import NoAnswer
from ..topology.standing_answer import StandingAnswer
from .askings import Draft

LOG = logging.getLogger(__name__)
SENTENCE = re.compile(r"[.!?:…](?:\s|$)|[\u3002\uff01\uff1f\n]")
# Seconds that a request which is under way gets to end: an edit that the homeserver took in after
# the last one would undo it. At a stop there is less time.
PATIENCE, HURRY = 15.0, 1.0


class LiveAnswers:
    """The answers that are being written."""

    def __init__(self, answers: Answers, config: CurrentConfig, timing: StreamTiming) -> None:
        """
        Args:
            answers: puts them into their rooms.
            config: says whether they are shown, and what people are notified of.
            timing: how soon and how often.
        """
        self._answers = answers
        self._config = config
        self._timing = timing

    @contextlib.asynccontextmanager
    async def showing(self, pending: PendingMessage, draft: Draft) -> AsyncIterator[None]:
        """Show an answer for as long as the block lasts; nothing is sent after it.

        Args:
            pending: the message that is answered; it knows what stands of its answer.
            draft: what there is of it.
        """
        if not self._config.settings.streaming_enabled:
            yield
            return
        live, patience = _LiveAnswer(self._answers, self._timing, pending, draft), PATIENCE
        try:
            yield
        except asyncio.CancelledError:
            patience = HURRY
            raise
        finally:
            await live.stop(patience)

    def renew_late(self, standing: StandingAnswer, draft: Draft) -> None:
        """Let new events hold an answer that took long, if people are to be notified of its end.

        Args:
            standing: what stands of it.
            draft: what came of it.
        """
        settings = self._config.settings
        took = asyncio.get_running_loop().time() - draft.asked_at
        if standing.begun_at:
            # Of an earlier run nobody knows when it asked.
            took = max(took, time.time() - standing.begun_at / 1000)
        is_late = took > self._timing.notify_after
        if is_late and settings.streaming_enabled and settings.streaming_notify == NOTIFY_FINAL:
            standing.renew()


class _LiveAnswer:
    """One of them."""

    def __init__(
        self, answers: Answers, timing: StreamTiming, pending: PendingMessage, draft: Draft
    ) -> None:
        self._answers = answers
        self._timing = timing
        self._pending = pending
        self._draft = draft
        standing = pending.standing
        # Words of an earlier try stay until there are more of this one.
        replaces = standing.is_cut_off or standing.is_whole
        self._shown = 0 if replaces else standing.size
        self._sending: asyncio.Future[bool] | None = None
        self._task = asyncio.create_task(self._follow())

    async def stop(self, patience: float) -> None:
        """Send nothing more, and let what is being sent end within so many seconds."""
        self._task.cancel()
        await asyncio.wait({self._task})
        if self._sending is not None:
            await asyncio.wait({self._sending}, timeout=patience)
            self._sending.cancel()
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            LOG.warning("An answer was not shown while it was written: %r", error)

    async def _follow(self) -> None:
        for edits in itertools.count():
            await self._show(self._least_new(edits))
            await asyncio.sleep(self._interval(edits))

    def _least_new(self, edits: int) -> int:
        early = edits <= len(self._timing.intervals)
        return self._timing.least_new if early else self._timing.least_new_later

    def _interval(self, edits: int) -> float:
        if edits >= self._timing.most_edits:
            return self._timing.late_interval
        return self._timing.intervals[min(edits, len(self._timing.intervals) - 1)]

    async def _show(self, least_new: int) -> None:
        """Show what there is, as soon as it is worth it and can be."""
        while True:
            await self._wait_for_words(least_new)
            await asyncio.sleep(self._timing.moment)
            size = self._draft.size
            if size <= self._shown:
                # Another try has begun.
                continue
            show = self._answers.show(
                self._pending.asked, self._draft.text, self._pending.standing
            )
            self._sending = asyncio.ensure_future(show)
            try:
                if await asyncio.shield(self._sending):
                    self._shown = size
                    return
            except (NoAnswer, MatrixRequestError) as error:
                LOG.debug("An answer is not shown yet: %s", error)
            await asyncio.sleep(self._timing.again)

    async def _wait_for_words(self, least_new: int) -> None:
        draft, timing = self._draft, self._timing
        if self._shown:
            while draft.size < self._shown + least_new:
                await draft.more()
            return
        loop = asyncio.get_running_loop()
        while not draft.size or (
            draft.size < timing.first_characters
            and not SENTENCE.search(draft.text)
            and loop.time() < draft.first_at + timing.first_within
        ):
            await draft.more(draft.first_at + timing.first_within if draft.size else None)
