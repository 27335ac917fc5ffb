"""The commands about messages and their answers: retry, again, stop, cancel.

What is done to the messages is in delivery/; here is what is said about it.
"""

from __future__ import annotations

from ..delivery.amend import Amend
from ..delivery.last_question import IsQuestion
from ..delivery.stopping import Stopping
from ..matrix.message_edits import IsCommand
from . import sentences
from .arguments import Request


class MessageCommands:
    """Carries out what owners ask for."""

    def __init__(self, amend: Amend, stopping: Stopping) -> None:
        """
        Args:
            amend: takes messages up again, and gives them up.
            stopping: ends answers that are being written.
        """
        self.amend = amend
        self.stopping = stopping

    async def retry(self, request: Request, is_command: IsCommand) -> str:
        return await self.amend.retry(request.pending, is_command, sentences.taken_up)

    async def again(self, request: Request) -> str:
        """What is said where there is nothing to ask again; the answer else says it by itself."""
        return sentences.NOTHING_ASKED

    async def stop(self, request: Request, is_question: IsQuestion) -> str:
        if request.chat is None:
            return sentences.NOTHING_WAITS
        return await self.stopping.stop(request.pending, is_question, sentences.stopped)

    async def cancel(self, request: Request) -> str:
        return await self.amend.cancel(request.pending, sentences.given_up)
