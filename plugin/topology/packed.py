"""Spaces and chats, held so that a million of them cost Python's garbage collector nothing.

The collector goes through every container that it tracks, again and again, and nothing else in
the process runs meanwhile. Tuples and objects are containers, text is none. So a chat or a Space
is one text in here, and becomes a `Chat` or a `Space` where it is looked up: nobody else knows the
text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .model import Chat, Space, Status

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID
    from typing_extensions import Self

# Stands between the fields of a chat. No valid id has it, but a room's state may hold any text
# there is.
SEPARATOR = "\0"
SEPARATORS = 6
STALE = "stale"
LEFT = "left"
STATUSES = {status.value: status for status in Status}

Key = TypeVar("Key", bound=str)
Value = TypeVar("Value")


class _Packed(MutableMapping[Key, Value]):
    """A mapping to texts; each lookup makes its value anew."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        self._texts: dict[Key, str] = {}

    def __delitem__(self, key: Key) -> None:
        del self._texts[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def copy(self) -> Self:
        """The same in a mapping of its own."""
        copied = type(self)()
        copied._texts = self._texts.copy()
        return copied


class PackedSpaces(_Packed["UserID", Space]):
    """A mapping of owners to Spaces."""

    __slots__ = ()

    def __getitem__(self, owner: UserID) -> Space:
        created_at, left, room_id = self._texts[owner].split(" ", 2)
        return Space(cast("RoomID", room_id), owner, int(created_at), left == LEFT)

    def __setitem__(self, owner: UserID, space: Space) -> None:
        # The room's id comes last, for it may be any text that somebody's state holds.
        left = LEFT if space.owner_left else ""
        self._texts[owner] = f"{space.created_at} {left} {space.room_id}"


class PackedChats(_Packed["RoomID", Chat]):
    """A mapping of rooms to chats."""

    __slots__ = ()

    def __init__(self, chats: Iterable[Chat] = ()) -> None:
        super().__init__()
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


def _pack(chat: Chat) -> str:
    """All fields but the room's id, as one text."""
    _, chat_id, space_id, owner, platform, conversation, status, stale = chat
    # `_value_` is what `value` gives, in a fifth of the time.
    known = status._value_
    fields = (chat_id, space_id, owner, platform, conversation, known, STALE if stale else "")
    text = SEPARATOR.join(fields)
    # JSON writes no separator as it is, so that the two forms cannot be taken for each other.
    return text if text.count(SEPARATOR) == SEPARATORS else json.dumps(fields)
