"""Spaces and chats as rows, and back.

Rows are checked as if a stranger had written them, for anyone may have edited them: one that
makes no sense is none, and a digest tells rows that were changed or removed by hand.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

import attr
from mautrix.types import RoomID, UserID

from ..topology.marks import PARTS, is_user_id, make_binding
from ..topology.model import Chat, Space, Status, Topology

STATUSES = {status.value: status for status in Status}
COLUMNS = itemgetter("room_id", "status", *PARTS)
DIGEST_BYTES = 8
NEXT_ROW = "\0\0"


@attr.frozen
class Change:
    """What must be written so that the tables hold one topology instead of another."""

    spaces: list[Space]
    chats: list[Chat]
    gone_spaces: list[Space]
    gone_chats: list[Chat]

    def __bool__(self) -> bool:
        return bool(self.spaces or self.chats or self.gone_spaces or self.gone_chats)

    @property
    def owners(self) -> frozenset[UserID]:
        """Those whose rows it touches."""
        spaces, chats = (*self.spaces, *self.gone_spaces), (*self.chats, *self.gone_chats)
        return frozenset({*(one.owner for one in spaces), *(one.owner for one in chats)})


def difference(old: Topology, new: Topology) -> Change:
    """What leads from one topology to another."""
    return Change(
        [space for key, space in new.spaces.items() if old.spaces.get(key) != space],
        [
            chat
            for key, chat in new.chats.items()
            if (before := old.chats.get(key)) is not chat
            and (before is None or chat_row(before) != chat_row(chat))
        ],
        [space for key, space in old.spaces.items() if key not in new.spaces],
        [chat for key, chat in old.chats.items() if key not in new.chats],
    )


def chat_row(chat: Chat) -> tuple[str, ...]:
    """A chat as its row in the table."""
    binding = chat.binding
    return (
        chat.room_id,
        binding.space_id,
        binding.matrix_user_id,
        binding.chat_id,
        binding.platform,
        binding.platform_chat_id,
        chat.status.value,
    )


def digests(topology: Topology, owners: Iterable[UserID]) -> dict[UserID, str]:
    """The digest of each of these owners' chats, in whatever order they come."""
    chats_of: dict[UserID, list[Chat]] = {owner: [] for owner in owners}
    for chat in topology.chats.values():
        if (chats := chats_of.get(chat.binding.matrix_user_id)) is not None:
            chats.append(chat)
    return {owner: _digest(chats) for owner, chats in chats_of.items()}


def _digest(chats: list[Chat]) -> str:
    rows = sorted("\0".join(chat_row(chat)) for chat in chats)
    return f"{_hash(NEXT_ROW.join(rows)):016x}"


def space_hash(space: Space, digest: str) -> int:
    """A Space's part in the digest over all of them, which is the exclusive or of the parts."""
    return _hash(f"{space.room_id}\0{space.owner}\0{space.created_at}\0{digest}")


def _hash(text: str) -> int:
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=DIGEST_BYTES)
    return int.from_bytes(digest.digest(), "big")


def decode_space(row: Mapping[str, Any]) -> tuple[Space, str] | None:
    """A Space and the digest kept with it, or None if the row makes no sense."""
    space_id, owner, created_at = row["space_id"], row["matrix_user_id"], row["created_at"]
    digest = row["digest"]
    usable = isinstance(space_id, str) and is_user_id(owner) and isinstance(created_at, int)
    if not (usable and isinstance(digest, str)):
        return None
    return Space(RoomID(space_id), UserID(sys.intern(owner)), created_at), digest


def decode_chat(row: Mapping[str, Any]) -> Chat | None:
    """A chat, or None if the row makes no sense."""
    room_id, written_status, *parts = COLUMNS(row)
    binding, status = make_binding(parts), STATUSES.get(written_status)
    if binding is None or status is None or not isinstance(room_id, str):
        return None
    return Chat(RoomID(room_id), binding, status)
