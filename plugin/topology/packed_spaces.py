"""Spaces by owner, held so that any number of them cost Python's garbage collector nothing.

As with chats (packed_chats.py), a Space is one text in here and becomes a `Space` where it is
looked up: nobody else knows the text.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, cast

from .model import Space

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

LEFT = "left"


class PackedSpaces(MutableMapping["UserID", Space]):
    """A mapping of owners to Spaces; each lookup makes its `Space` anew."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        self._texts: dict[UserID, str] = {}

    def __getitem__(self, owner: UserID) -> Space:
        created_at, left, room_id = self._texts[owner].split(" ", 2)
        return Space(cast("RoomID", room_id), owner, int(created_at), left == LEFT)

    def __setitem__(self, owner: UserID, space: Space) -> None:
        # The room's id comes last, for it may be any text that somebody's state holds.
        left = LEFT if space.owner_left else ""
        self._texts[owner] = f"{space.created_at} {left} {space.room_id}"

    def __delitem__(self, owner: UserID) -> None:
        del self._texts[owner]

    def __iter__(self) -> Iterator[UserID]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, owner: object) -> bool:
        return owner in self._texts

    def copy(self) -> PackedSpaces:
        """The same Spaces in a mapping of its own."""
        copied = PackedSpaces()
        copied._texts = self._texts.copy()
        return copied
