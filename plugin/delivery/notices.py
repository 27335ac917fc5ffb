"""What the bot says by itself about messages that are not answered: why, and what can be done.

A notice that cannot be sent costs nobody anything else: it is logged, and left.
"""

from __future__ import annotations

from functools import partial

from mautrix.types import RoomID

from ..matrix.marks import LEFT_OUT_KEY
from ..message import IncomingMessage
from ..platforms.protocol import PlatformError
from . import sentences
from .error_boundary import ErrorBoundary
from .room_queues import RoomQueues
from .set_aside import SetAside


class Notices:
    """Says in a room what becomes of messages."""

    def __init__(self, queues: RoomQueues, boundary: ErrorBoundary) -> None:
        self.queues = queues
        self.boundary = boundary
        self.sender = boundary.sender

    async def queue_is_full(self, message: IncomingMessage, limit: int, aside: SetAside) -> None:
        """Say that a message was set aside because too many wait.

        Args:
            message: the first one that was.
            limit: how many may wait.
            aside: where it is.
        """
        text = sentences.QUEUE_IS_FULL.format(limit=limit, most=aside.most, hours=aside.hours)
        await self._say(message.room_id, text, message)

    async def platform_failed(self, message: IncomingMessage, error: PlatformError) -> None:
        """Say why a platform has no answer to a message."""
        text = f"{error.sentence}  \n{sentences.WHAT_TO_DO}"
        await self._say(message.room_id, text, message)

    async def platform_waits(self, message: IncomingMessage, error: PlatformError) -> None:
        """Say why a platform is asked again later, which the error's sentence says when."""
        text = sentences.ASKED_AGAIN_LATER.format(sentence=error.sentence)
        await self._say(message.room_id, text, message)

    async def edit_is_no_command(self, edit: IncomingMessage) -> None:
        """Say that a question stays one that somebody wanted to make a command of."""
        await self._say(edit.room_id, sentences.EDIT_IS_NO_COMMAND, edit)

    def too_old(self, room_id: RoomID, count: int, hours: float) -> None:
        """Say, when its turn comes, that messages were set aside because of their age.

        Args:
            room_id: where.
            count: how many.
            hours: how long they are kept.
        """
        text = sentences.ONE_TOO_OLD if count == 1 else sentences.TOO_OLD
        text = text.format(count=count, hours=hours)
        self.queues.put(room_id, partial(self._say, room_id, text))

    def answer_cut_off(self, message: IncomingMessage) -> None:
        """Say, when its turn comes, that the end of an answer was lost: nobody has it any more."""
        self.queues.put(message.room_id, partial(self._say_cut_off, message))

    def history_left_out(self, room_id: RoomID) -> None:
        """Say, when its turn comes, that not all of a chat is told to its platform any more."""
        say = partial(self._say, room_id, sentences.LEFT_OUT, mark=LEFT_OUT_KEY)
        self.queues.put(room_id, say)

    async def _say(
        self, room_id: RoomID, text: str, asked: IncomingMessage | None = None, mark: str = ""
    ) -> None:
        async with self.boundary.serving(room_id):
            await self.sender.notice(room_id, text, asked, mark)

    async def _say_cut_off(self, message: IncomingMessage) -> None:
        async with self.boundary.serving(message.room_id):
            await self.sender.add(message, sentences.CUT_OFF)
