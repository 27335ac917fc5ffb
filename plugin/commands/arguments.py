"""One command as somebody gave it, and what its words can mean.

Words that mean nothing become the sentence that says how the command is used. Nothing is done
here.
"""

from __future__ import annotations

import attr

from ..cache.pending_message import PendingMessage
from ..errors import UserError
from ..message import IncomingMessage
from ..topology.model import Chat
from . import sentences

LONGEST_TITLE = 250


@attr.frozen
class Request:
    """One command as it was given: the words behind its name, and the chat it was given in."""

    pending: PendingMessage
    words: str
    chat: Chat | None

    @property
    def message(self) -> IncomingMessage:
        """The message that it stands in."""
        return self.pending.message


def parse_title(words: str) -> str:
    """A name for a room, on one line; empty where none was given.

    Raises:
        UserError: it is too long.
    """
    title = " ".join(words.split())
    if len(title) > LONGEST_TITLE:
        raise UserError(sentences.TITLE_TOO_LONG.format(limit=LONGEST_TITLE))
    return title
