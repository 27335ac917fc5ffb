"""Chats by room, held so that a million of them cost Python's garbage collector nothing.

The collector goes through every container that it tracks, again and again, and nothing else in
the process runs meanwhile. Tuples and objects are containers, text is none. So a chat is one text
in here, and becomes a `Chat` where it is looked up: nobody else knows the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from .model import Chat, Status

if TYPE_CHECKING:
    from mautrix.types import RoomID

# Stands between the fields. No valid id has it, but a room's state may hold any text there is.
SEPARATOR = "\0"
SEPARATORS = 6
STALE = "stale"
STATUSES = {status.value: status for status in Status}


class PackedChats(MutableMapping["RoomID", Chat]):
    """A mapping of rooms to chats; each lookup makes its `Chat` anew."""

    __slots__ = ("_texts",)

    def __init__(self, chats: Iterable[Chat] = ()) -> None:
        self._texts: dict[RoomID, str] = {}
        for chat in chats:
            self._texts[chat.room_id] = _pack(chat)

    def __getitem__(self, room_id: RoomID) -> Chat:
        text = self._texts[room_id]
        fields: Any = text.split(SEPARATOR)
        if len(fields) == 1:
            fields = json.loads(text)
        chat_id, space_id, owner, platform, conversation, status, stale = fields
        known = STATUSES[status]
        # By position, which takes half the time.
        return Chat(room_id, chat_id, space_id, owner, platform, conversation, known, stale != "")

    def __setitem__(self, room_id: RoomID, chat: Chat) -> None:
        self._texts[room_id] = _pack(chat)

    def __delitem__(self, room_id: RoomID) -> None:
        del self._texts[room_id]

    def __iter__(self) -> Iterator[RoomID]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, room_id: object) -> bool:
        return room_id in self._texts

    def copy(self) -> PackedChats:
        """The same chats in a mapping of its own."""
        copied = PackedChats()
        copied._texts = self._texts.copy()
        return copied


def _pack(chat: Chat) -> str:
    """All fields but the room's id, as one text."""
    _, chat_id, space_id, owner, platform, conversation, status, stale = chat
    # `_value_` is what `value` gives, in a fifth of the time.
    known = status._value_
    fields = (chat_id, space_id, owner, platform, conversation, known, STALE if stale else "")
    text = SEPARATOR.join(fields)
    # JSON writes no separator as it is, so that the two forms cannot be taken for each other.
    return text if text.count(SEPARATOR) == SEPARATORS else json.dumps(fields)
