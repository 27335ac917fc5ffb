"""Ends the answer that is being written in a room, because its reader has enough of it.

What came of it is the answer from then on. Whoever asks the platform takes it from the message,
as after a kill; so the two orders here, to keep it and to answer the command, are in one
transaction.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable

from mautrix.types import RoomID

from ..cache.pending_message import PendingMessage
from ..matrix.stop_sign import StopSign
from .askings import Askings
from .last_question import IsQuestion
from .pending import PendingMessages


class Stopping:
    """Stops answers."""

    def __init__(self, pending: PendingMessages, askings: Askings) -> None:
        """
        Args:
            pending: the messages.
            askings: ends the call to the platform.
        """
        self._pending = pending
        self._askings = askings

    async def stop(
        self, asked: PendingMessage, is_question: IsQuestion, describe: Callable[[bool], str]
    ) -> str:
        """Stop the answer to the message that has its turn in a room, or is the next to have it:
        after a start it may not have begun yet.

        Args:
            asked: the message that asks for it, which is given its answer: neither is kept
                without the other.
            is_question: whether a message is for an assistant.
            describe: the answer, for whether there was anything to stop.

        Returns:
            That answer.
        """
        # What was written after it is not meant.
        earlier = itertools.takewhile(lambda one: one is not asked, self._pending.open.values())
        first = self._first(asked.message.room_id, earlier)
        if first is None or not is_question(first.message):
            answer = describe(False)
            await self._pending.keep_answer(asked, answer)
            return answer
        answer, asked.stops = describe(True), first.message.event_id
        keeping = self._pending.keep_answer(first, *self._askings.stopped(first))
        # Ordered at the same moment, so they are in one transaction.
        await asyncio.gather(keeping, self._pending.keep_answer(asked, answer))
        # Not before: a stopped answer must not stand without the reply that says why.
        self._askings.end(first)
        return answer

    def stop_shown(self, sign: StopSign) -> bool:
        """Stop the answer that is being written in a room, if whoever asked put a stop sign on one
        of the events that show it.

        Returns:
            Whether it is.
        """
        first = self._first(sign.room_id, self._pending.open.values())
        if first is None or first.message.sender != sign.sender:
            return False
        if sign.sent_at < first.message.sent_at:
            # A start may read it again: it is about what stood there before.
            return False
        if all(one.event_id != sign.event_id for one in first.standing.events):
            return False
        self._pending.spawn(self._keep(first))
        return True

    async def _keep(self, first: PendingMessage) -> None:
        await self._pending.keep_answer(first, *self._askings.stopped(first))
        self._askings.end(first)

    def _first(self, room_id: RoomID, messages: Iterable[PendingMessage]) -> PendingMessage | None:
        """The first of some messages in a room that keep their turn, unless its answer is had."""
        here = (one for one in messages if one.message.room_id == room_id and not one.at_once)
        first = next(here, None)
        return first if first is not None and first.answer is None else None
