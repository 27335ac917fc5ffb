"""Which of somebody's chats they mean: by its handle, or by its name.

Whoever asks is shown their own chats only. Names are read from Matrix, where their owners change
them.
"""

from __future__ import annotations

import re

from mautrix.types import UserID

from ..errors import UserError
from ..matrix.links import plain
from ..topology.model import Chat, Status
from ..topology.routes import Routes
from . import sentences
from .arguments import parse_title
from .chat_names import ChatNames

HANDLE = re.compile(r"[cC]([1-9][0-9]{0,8})")
NUMBER = re.compile(r"[cC]?([1-9][0-9]{0,8})")


class WhichChat:
    """Finds the chat that a command is about."""

    def __init__(self, routes: Routes, names: ChatNames) -> None:
        self.routes = routes
        self.names = names

    def by_handle(self, owner: UserID, word: str) -> Chat | None:
        """The owner's chat with this handle, written in full; None if the word is none."""
        match = HANDLE.fullmatch(word)
        return None if match is None else self._numbered(owner, int(match[1]))

    async def find(self, owner: UserID, words: str, usage: str, wanted: Status) -> Chat:
        """The chat that is meant.

        Args:
            owner: who asks.
            words: a handle, its number, or a name in whatever case.
            usage: how the command is used, for whoever gave no words.
            wanted: of several chats with one name, those of this status are meant.

        Raises:
            UserError: there is none, or more than one, or its name may be one of those that
                cannot be read.
        """
        if not words:
            raise UserError(sentences.USAGE.format(usage=usage))
        number = NUMBER.fullmatch(words)
        if number is not None and (chat := self._numbered(owner, int(number[1]))) is not None:
            return chat
        title = parse_title(words)
        named = await self._named(owner, title)
        named = [chat for chat in named if chat.status is wanted] or named
        if len(named) == 1:
            return named[0]
        if named:
            handles = ", ".join(f"`{chat.chat_id}`" for chat in named)
            raise UserError(sentences.SEVERAL_CHATS.format(title=plain(title), handles=handles))
        if number is not None:
            raise UserError(sentences.NO_SUCH_CHAT.format(number=number[1]))
        raise UserError(sentences.NO_CHAT_CALLED.format(title=plain(title)))

    def _numbered(self, owner: UserID, number: int) -> Chat | None:
        chats = self.routes.chats_of(owner)
        return next((chat for chat in chats if chat.number == number), None)

    async def _named(self, owner: UserID, title: str) -> list[Chat]:
        chats = self.routes.chats_of(owner)
        names = await self.names.read(owner, chats)
        named = list(zip(chats, names, strict=True))
        found = [
            chat
            for chat, name in named
            if name and parse_title(name[:250]).casefold() == title.casefold()
        ]
        unread = [f"`{chat.chat_id}`" for chat, name in named if name is None]
        if unread and not found:
            raise UserError(sentences.NAMES_UNREAD.format(handles=", ".join(unread)))
        return found
