"""What the tables hold, owner by owner, and the statements that make them hold something else.

The store keeps it so that a change costs what its owner's rows cost, however many others there
are. It is plain values; nothing is read or written here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

import attr
from mautrix.types import UserID

from ..topology.model import Chat, Space, Topology
from .transactions import Statement

REMOVE_SPACE = "DELETE FROM space WHERE space_id=$1 AND matrix_user_id=$2"
REMOVE_CHAT = "DELETE FROM chat WHERE room_id=$1 AND matrix_user_id=$2"
PUT_SPACE = """INSERT INTO space (space_id, matrix_user_id, created_at, verified_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT (space_id) DO UPDATE
    SET matrix_user_id=excluded.matrix_user_id, created_at=excluded.created_at,
        verified_at=excluded.verified_at"""
PUT_CHAT = """INSERT INTO chat (room_id, space_id, matrix_user_id, chat_id, platform,
        platform_chat_id, status) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (room_id) DO UPDATE
    SET space_id=excluded.space_id, matrix_user_id=excluded.matrix_user_id,
        chat_id=excluded.chat_id, platform=excluded.platform,
        platform_chat_id=excluded.platform_chat_id, status=excluded.status"""
HASH_BYTES = 8


@attr.frozen
class Part:
    """One owner's rows."""

    spaces: tuple[Space, ...] = ()
    chats: tuple[Chat, ...] = ()


NOTHING = Part()


@attr.define
class Contents:
    """What the tables hold: every owner's rows, and the digest over all of them."""

    parts: dict[UserID, Part] = attr.field(factory=dict)
    digest: int = 0

    def take(self, update: Update) -> None:
        """Note that an update was written."""
        self.digest = update.digest
        for owner, part in update.parts.items():
            if part == NOTHING:
                self.parts.pop(owner, None)
            else:
                self.parts[owner] = part


@attr.frozen
class Update:
    """What must be written, and what the tables hold then of these owners and over all."""

    statements: list[Statement]
    parts: dict[UserID, Part]
    digest: int

    def __bool__(self) -> bool:
        return any(statement.rows for statement in self.statements)


@attr.define
class _Rows:
    """Rows to be removed and put, and what becomes of the digest."""

    digest: int
    gone_spaces: list[Space] = attr.field(factory=list)
    gone_chats: list[Chat] = attr.field(factory=list)
    spaces: list[Space] = attr.field(factory=list)
    chats: list[Chat] = attr.field(factory=list)

    def change(self, held: Part, part: Part) -> None:
        """Let the rows of one owner be others."""
        spaces = {space.room_id: space for space in held.spaces}
        for space in part.spaces:
            before = spaces.pop(space.room_id, None)
            if before != space:
                self.digest ^= row_hash(space_row(space))
                self.digest ^= row_hash(space_row(before)) if before is not None else 0
                self.spaces.append(space)
        chats = {chat.room_id: chat for chat in held.chats}
        for chat in part.chats:
            standing = chats.pop(chat.room_id, None)
            if standing is chat or (standing and chat_row(standing) == chat_row(chat)):
                continue
            self.digest ^= row_hash(chat_row(chat))
            self.digest ^= row_hash(chat_row(standing)) if standing is not None else 0
            self.chats.append(chat)
        for space in spaces.values():
            self.digest ^= row_hash(space_row(space))
        for chat in chats.values():
            self.digest ^= row_hash(chat_row(chat))
        self.gone_spaces += spaces.values()
        self.gone_chats += chats.values()


def parts_of(topology: Topology) -> dict[UserID, Part]:
    """The topology, owner by owner."""
    spaces: dict[UserID, list[Space]] = defaultdict(list)
    chats: dict[UserID, list[Chat]] = defaultdict(list)
    for space in topology.spaces.values():
        spaces[space.owner].append(space)
    for chat in topology.chats.values():
        chats[chat.binding.matrix_user_id].append(chat)
    return {
        owner: Part(tuple(spaces.get(owner, ())), tuple(chats.get(owner, ())))
        for owner in spaces.keys() | chats.keys()
    }


def plan_update(
    held: Contents, owners: Iterable[UserID], part: Topology, verified_at: Mapping[UserID, int]
) -> Update:
    """What makes the tables hold this of these owners; false where they do.

    Args:
        held: what they hold.
        owners: whose rows.
        part: what they shall be.
        verified_at: when each owner's chats were last verified, for Spaces that are new.
    """
    wanted, rows = parts_of(part), _Rows(held.digest)
    parts = {owner: wanted.get(owner, NOTHING) for owner in owners}
    for owner, theirs in parts.items():
        rows.change(held.parts.get(owner, NOTHING), theirs)
    put_spaces = [
        (one.room_id, one.owner, one.created_at, verified_at.get(one.owner, 0))
        for one in rows.spaces
    ]
    statements = [
        Statement(REMOVE_SPACE, [(one.room_id, one.owner) for one in rows.gone_spaces]),
        Statement(REMOVE_CHAT, [(one.room_id, one.owner) for one in rows.gone_chats]),
        Statement(PUT_SPACE, put_spaces),
        Statement(PUT_CHAT, [chat_row(chat) for chat in rows.chats]),
    ]
    return Update(statements, parts, rows.digest)


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
