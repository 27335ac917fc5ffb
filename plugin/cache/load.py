"""Reads the tables, a portion at a time, and tells which rows cannot be relied on.

A million chats must not stand in memory twice, as rows and as chats, nor hold up the event loop
while they are decoded. Rows that make no sense are left out and told of, never raised about.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import attr
from mautrix.types import RoomID, UserID
from mautrix.util.async_db import Database

from ..topology.model import Chat, Space, Topology
from .diff import Contents
from .digests import digest_of, space_hash
from .rows import Decoder, decode_space

SPACES = """SELECT space_id, matrix_user_id, created_at, digest
    FROM space WHERE space_id > $1 ORDER BY space_id LIMIT $2"""
CHATS = """SELECT room_id, space_id, matrix_user_id, chat_id, platform, platform_chat_id, status
    FROM chat WHERE room_id > $1 ORDER BY room_id LIMIT $2"""
# Small enough for the processor's caches, and to hold up nobody.
BATCH = 2000


@attr.frozen
class Tables:
    """What the tables of the topology held.

    Attributes:
        holding: the rows that make sense, the digests as they were kept with them, and the
            digest over all Spaces as it is.
        doubtful: owners whose rows do not match the digest kept with them.
        whole: every row made sense.
    """

    contents: Contents
    mismatched: frozenset[UserID]
    whole: bool


async def read_tables(database: Database) -> Tables:
    """Read every Space and chat.

    Raises:
        FAILURES: the database is damaged, away, or none of ours.
    """
    spaces: list[tuple[Space, str]] = []
    chats: dict[RoomID, Chat] = {}
    decode_chat = Decoder().chat
    number = 0
    async for rows in _portions(database, SPACES):
        number += len(rows)
        spaces += [space for row in rows if (space := decode_space(row)) is not None]
    async for rows in _portions(database, CHATS):
        number += len(rows)
        for row in rows:
            if (chat := decode_chat(row)) is not None:
                chats[chat.room_id] = chat
    # Of a million chats that takes seconds, for which nothing else must stand still.
    return await asyncio.to_thread(_check, spaces, chats, number == len(spaces) + len(chats))


async def _portions(database: Database, query: str) -> AsyncIterator[list[Sequence[Any]]]:
    last: Any = ""
    while rows := await database.fetch(query, last, BATCH):
        yield rows
        last = rows[-1][0]


def _check(spaces: list[tuple[Space, str]], chats: dict[RoomID, Chat], whole: bool) -> Tables:
    topology = Topology({space.room_id: space for space, _ in spaces}, chats)
    kept = {space.owner: digest for space, digest in spaces}
    chats_of: dict[UserID, list[Chat]] = {owner: [] for owner in kept}
    for chat in chats.values():
        chats_of.setdefault(chat.binding.matrix_user_id, []).append(chat)
    mismatched = frozenset(
        owner for owner, theirs in chats_of.items() if kept.get(owner) != digest_of(theirs)
    )
    digest = 0
    for space, of_chats in spaces:
        digest ^= space_hash(space, of_chats)
    return Tables(Contents(topology, kept, digest), mismatched, whole)
