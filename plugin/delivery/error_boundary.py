"""Where errors end: whatever goes wrong while a person is served becomes a sentence to them.

maubot would write an exception into its log and leave the person without an answer. This is the
only place beside the retries that catches everything. Each boundary is a context manager, so that
it runs nothing of anybody's.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import AsyncIterator

import attr
from mautrix.errors import MatrixRequestError, MForbidden
from mautrix.types import RoomID

from ..errors import UserError
from ..matrix.api import NoAnswer
from ..matrix.sender import Sender
from ..message import IncomingMessage
from ..platforms.protocol import PlatformError
from . import sentences

BAD_REQUEST = 400


class ErrorBoundary:
    """Tells people in a room what went wrong while they were served."""

    def __init__(self, sender: Sender, log: logging.Logger) -> None:
        self.sender = sender
        self.log = log

    @contextlib.asynccontextmanager
    async def serving(self, room_id: RoomID) -> AsyncIterator[None]:
        """Serve somebody in a room: whatever goes wrong inside is logged, and said there.

        Args:
            room_id: where the person is.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 (see above)
            try:
                await self.sender.notice(room_id, self._explain(error, room_id))
            except Exception as silence:  # noqa: BLE001 (maubot's encryption may fail as well)
                self.log.warning("Could not tell %s what went wrong: %s", room_id, silence)

    @contextlib.asynccontextmanager
    async def answering(self, message: IncomingMessage) -> AsyncIterator[None]:
        """Answer a message: whatever goes wrong inside is logged, and said as its answer.

        Args:
            message: what is answered.

        Raises:
            NoAnswer: the homeserver failed: it is worth doing again.
            PlatformError: the platform has no answer: the message's writer decides.
        """
        try:
            yield
        except (NoAnswer, PlatformError) as error:
            self.log.warning("No answer in %s yet: %s", message.room_id, error)
            raise
        except Exception as error:  # noqa: BLE001 (see above)
            await self._answer_with(error, message)

    async def _answer_with(self, error: Exception, message: IncomingMessage) -> None:
        room_id = message.room_id
        try:
            await self.sender.reply(message, self._explain(error, room_id))
        except MForbidden as refusal:
            self.log.warning("Nothing can be said in %s any more: %s", room_id, refusal)
        except NoAnswer:
            raise
        except MatrixRequestError as refusal:
            if message.thread is None or refusal.http_status != BAD_REQUEST:
                raise NoAnswer(f"refused: {refusal}") from refusal
            # Who wrote it may have named a thread in which nobody else can say anything.
            await self._answer_with(error, attr.evolve(message, thread=None))
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
            return sentences.HOMESERVER_SILENT
        if isinstance(error, MatrixRequestError):
            self.log.warning("The homeserver refused something for %s: %s", room_id, error)
            return sentences.HOMESERVER_REFUSED.format(error=error)
        reference = secrets.token_hex(3)
        self.log.error("Error %s while serving %s", reference, room_id, exc_info=error)
        return sentences.BROKEN.format(reference=reference)
