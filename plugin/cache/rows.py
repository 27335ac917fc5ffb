"""Spaces and chats as rows, and back, and the hash of a row.

Rows are validated, because anybody may have edited them; an invalid one is left out. The digest
is the exclusive or of all rows' hashes, whatever their order: it detects damage and edits by hand,
and is no protection against forgery.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from typing import Any

from mautrix.types import RoomID, UserID

from ..topology.contents import is_user_id, make_binding
from ..topology.model import Binding, Chat, Space, Status

HASH_BYTES = 8
STATUSES = {status.value: status for status in Status}


def chat_row(chat: Chat) -> tuple[str, ...]:
    """A chat as the columns of its row."""
    binding = chat.binding
    return (
        chat.room_id,
        binding.space_id,
        binding.matrix_user_id,
        binding.chat_id,
        binding.platform,
        binding.platform_chat_id,
        # What `value` gives, in a fifth of the time.
        chat.status._value_,
    )


def space_row(space: Space) -> tuple[str, ...]:
    """What of a Space's row is true for as long as Matrix says so, as text."""
    return (space.room_id, space.owner, str(space.created_at))


def row_hash(row: Iterable[str]) -> int:
    """A row's part in the digest over all of them."""
    text = "\0".join(row).encode(errors="replace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=HASH_BYTES).digest(), "big")


def decode_space(row: Iterable[Any]) -> tuple[Space, int] | None:
    """A Space and when it was verified, from its columns; None if they make no sense."""
    space_id, owner, created_at, verified_at = row
    usable = isinstance(space_id, str) and is_user_id(owner) and isinstance(created_at, int)
    if not (usable and isinstance(verified_at, int)):
        return None
    return Space(RoomID(space_id), UserID(sys.intern(owner)), created_at), verified_at


class Decoder:
    """Decodes the rows of chats.

    What recurs in them, the Space, its owner, the platform and the handle, is checked where it
    is met first and is one string in all of them from then on.
    """

    def __init__(self) -> None:
        self._in_space: dict[Any, Binding] = {}
        self._handles: dict[Any, str] = {}

    def chat(self, row: Iterable[Any]) -> Chat | None:
        """A chat from its columns, or None if they make no sense."""
        room_id, space_id, owner, chat_id, platform, conversation, written = row
        status = STATUSES.get(written)
        if status is None or not (isinstance(room_id, str) and isinstance(conversation, str)):
            return None
        like, handle = self._in_space.get(space_id), self._handles.get(chat_id)
        if (
            like is not None
            and handle is not None
            and like.matrix_user_id == owner
            and like.platform == platform
            and conversation
        ):
            space_id, owner, platform = like.space_id, like.matrix_user_id, like.platform
            return Chat(
                room_id,  # type: ignore[arg-type]
                Binding("chat", handle, space_id, owner, platform, conversation),
                status,
            )
        binding = make_binding([chat_id, space_id, owner, platform, conversation])
        if binding is None:
            return None
        self._in_space[space_id] = binding
        self._handles[chat_id] = binding.chat_id
        return Chat(room_id, binding, status)  # type: ignore[arg-type]
