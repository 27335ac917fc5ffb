"""Ends answers of which people saw the beginning and no more will come, for whatever reason.

What came of them stays, and says that it breaks off: a message that looks as if it were still
being written must not stand in a chat for ever.
"""

from __future__ import annotations

import logging

from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID

from ..matrix.answers import Answers
from ..matrix.retry import Backoff
from ..matrix.until_answered import Attempts
from ..message import IncomingMessage
from ..topology.standing_answer import Ending, StandingAnswer
from .endings import CUT_OFF
from .pending import PendingMessages


class Unfinished:
    """Ends what nobody goes on with."""

    def __init__(
        self, answers: Answers, pending: PendingMessages, backoff: Backoff, log: logging.Logger
    ) -> None:
        """
        Args:
            answers: what stands in the rooms.
            pending: runs what nobody waits for, and ends it when the plugin stops.
            backoff: the waits before a further try.
            log: told of what fails.
        """
        self._answers = answers
        self._pending = pending
        self._backoff = backoff
        self._log = log

    async def end(self, message: IncomingMessage, standing: StandingAnswer) -> None:
        """Let what stands of the answer to a message say that it breaks off, unless it is whole
        or says so.

        Raises:
            NoAnswer, MatrixRequestError: the homeserver failed.
        """
        await self._answers.end(message, standing, CUT_OFF)

    def end_later(
        self, message: IncomingMessage, standing: StandingAnswer, ending: Ending = CUT_OFF
    ) -> None:
        """The same for whom it is nobody's turn: beside everything else, until it is done."""
        if standing.events:
            self._pending.spawn(self._end(message, standing, ending))

    def withdraw_later(self, room_id: RoomID, standing: StandingAnswer) -> None:
        """Take back what came of the answer to a message that was taken back itself, unless it is
        whole: beside everything else, until it is done."""
        if standing.events and not standing.is_whole:
            self._pending.spawn(self._withdraw(room_id, standing))

    async def _withdraw(self, room_id: RoomID, standing: StandingAnswer) -> None:
        try:
            async for attempt in Attempts(self._backoff, self._log):
                with attempt:
                    await self._answers.withdraw(room_id, standing)
        except MatrixRequestError as error:
            self._log.warning("What broke off in %s stays as it is: %s", room_id, error)

    async def _end(
        self, message: IncomingMessage, standing: StandingAnswer, ending: Ending
    ) -> None:
        try:
            async for attempt in Attempts(self._backoff, self._log):
                with attempt:
                    await self._answers.end(message, standing, ending)
        except MatrixRequestError as error:
            self._log.warning("What broke off in %s stays as it is: %s", message.room_id, error)
