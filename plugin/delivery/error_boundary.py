"""Where errors end: whatever goes wrong while a person is served becomes a sentence to them.

maubot would write an exception into its log and leave the person without an answer. This is the
only place among the handlers that catches everything.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable

from mautrix.errors import MatrixRequestError, MForbidden
from mautrix.types import EventID, RoomID

from ..errors import UserError
from ..matrix.api import NoAnswer
from ..matrix.sender import Sender
from ..platforms.protocol import PlatformError

SILENCE = "The homeserver does not answer just now. Please try again shortly."


class ErrorBoundary:
    """Runs one piece of work for somebody in a room, and tells them if it fails."""

    def __init__(self, sender: Sender, log: logging.Logger) -> None:
        self.sender = sender
        self.log = log

    async def run(self, work: Callable[[], Awaitable[None]], room_id: RoomID) -> None:
        """Do the work; whatever goes wrong is logged, and said in the room.

        Args:
            work: what to do.
            room_id: where the person is.
        """
        try:
            await work()
        except Exception as error:  # noqa: BLE001 (see above)
            try:
                await self.sender.notice(room_id, self._explain(error, room_id))
            except Exception as silence:  # noqa: BLE001 (maubot's encryption may fail as well)
                self.log.warning("Could not tell %s what went wrong: %s", room_id, silence)

    async def answer(
        self, work: Callable[[], Awaitable[None]], room_id: RoomID, question: EventID
    ) -> None:
        """Do the work for a message; whatever goes wrong is logged, and said as its answer.

        Args:
            work: what to do; it ends with an answer.
            room_id: where the person is.
            question: their message.

        Raises:
            NoAnswer: the homeserver failed: it is worth doing again.
            PlatformError: the platform has no answer: its owner decides.
        """
        try:
            await work()
        except (NoAnswer, PlatformError) as error:
            self.log.warning("No answer in %s yet: %s", room_id, error)
            raise
        except Exception as error:  # noqa: BLE001 (see above)
            try:
                await self.sender.reply(room_id, self._explain(error, room_id), question)
            except MForbidden as refusal:
                self.log.warning("Nothing can be said in %s any more: %s", room_id, refusal)
            except NoAnswer:
                raise
            except Exception as failure:
                # The homeserver takes nothing at the moment, or maubot's encryption failed: the
                # message waits until that is over.
                raise NoAnswer(f"not sent: {failure!r}") from failure

    def _explain(self, error: Exception, room_id: RoomID) -> str:
        if isinstance(error, UserError):
            return error.text
        if isinstance(error, PlatformError):
            return error.sentence
        if isinstance(error, NoAnswer):
            self.log.warning("The homeserver failed while serving %s: %s", room_id, error)
            return SILENCE
        if isinstance(error, MatrixRequestError):
            self.log.warning("The homeserver refused something for %s: %s", room_id, error)
            return f"The homeserver refused: {error}"
        reference = secrets.token_hex(3)
        self.log.error("Error %s while serving %s", reference, room_id, exc_info=error)
        return f"Something went wrong on my side. Your administrator finds it under `{reference}`."
