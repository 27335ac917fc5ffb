"""Digests over the rows of each owner and over all Spaces: they tell rows edited by hand.

They keep nobody out, they notice accidents. The order of rows makes no difference to them, for
each database has its own idea of order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from mautrix.types import UserID

from ..topology.model import Chat, Space, Topology
from .rows import chat_row

DIGEST_BYTES = 8
NEXT_ROW = "\0\0"


def digest_of(chats: Iterable[Chat]) -> str:
    """The digest of one owner's chats, in whatever order they come."""
    return _hash(NEXT_ROW.join(sorted(["\0".join(chat_row(chat)) for chat in chats])))


def digests(topology: Topology, owners: Iterable[UserID]) -> dict[UserID, str]:
    """The digest of each of these owners' chats."""
    chats_of: dict[UserID, list[Chat]] = {owner: [] for owner in owners}
    for chat in topology.chats.values():
        if (chats := chats_of.get(chat.binding.matrix_user_id)) is not None:
            chats.append(chat)
    return {owner: digest_of(chats) for owner, chats in chats_of.items()}


def space_hash(space: Space, digest: str) -> int:
    """A Space's part in the digest over all of them, which is the exclusive or of the parts."""
    return int(_hash(f"{space.room_id}\0{space.owner}\0{space.created_at}\0{digest}"), 16)


def _hash(text: str) -> str:
    data = text.encode(errors="replace")
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()
