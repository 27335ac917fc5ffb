"""Reads the tables, a batch at a time, and tells whether they can be relied on.

A million chats must not stand in memory twice, as rows and as chats, nor hold up the event loop
while they are decoded. Rows that make no sense are left out and told of, never raised about.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import attr
from mautrix.types import RoomID, SyncToken, UserID
from mautrix.util.async_db import Database

from ..topology.model import Chat, Space, Topology
from ..topology.scope import Scope
from .rows import Decoder, decode_space, row_hash, space_row

SPACES = """SELECT space_id, matrix_user_id, created_at, verified_at
    FROM space WHERE space_id > $1 ORDER BY space_id LIMIT $2"""
CHATS = """SELECT room_id, space_id, matrix_user_id, chat_id, platform, platform_chat_id, status
    FROM chat WHERE room_id > $1 ORDER BY room_id LIMIT $2"""
INSTANCE = "SELECT token, unsettled, digest FROM instance WHERE id=0"
# Small enough for the processor's caches, and to hold up nobody.
BATCH = 2000


@attr.frozen
class Loaded:
    """What the cache held.

    Attributes:
        topology: the rows that make sense.
        token: the sync token up to which they are true; None if they cannot be relied on.
        unsettled: what must be looked at again although the token is past it.
        verified_at: when each owner's chats' own state was last read, in seconds since the epoch;
            0 if it was not since the last cold start.
        digest: over the rows.
    """

    topology: Topology = attr.field(factory=Topology)
    token: SyncToken | None = None
    unsettled: Scope = attr.field(factory=Scope)
    verified_at: dict[UserID, int] = attr.field(factory=dict)
    digest: int = attr.field(default=0, eq=False)


async def read_tables(database: Database) -> Loaded:
    """Read every Space and chat.

    Raises:
        FAILURES, LookupError: the database is damaged, away, or none of ours.
    """
    spaces: dict[RoomID, Space] = {}
    verified_at: dict[UserID, int] = {}
    chats: dict[RoomID, Chat] = {}
    decode_chat, number, digest = Decoder().chat, 0, 0
    async for rows in _batches(database, SPACES):
        number += len(rows)
        for row in rows:
            if (decoded := decode_space(row)) is not None:
                space, verified_at[decoded[0].owner] = decoded
                spaces[space.room_id] = space
                digest ^= row_hash(space_row(space))
    async for rows in _batches(database, CHATS):
        number += len(rows)
        for row in rows:
            if (chat := decode_chat(row)) is not None:
                chats[chat.room_id] = chat
                digest ^= row_hash(row)
    topology = Topology(spaces, chats)
    instance = await database.fetchrow(INSTANCE)
    whole = number == len(spaces) + len(chats)
    if not whole or instance is None or instance["digest"] != encode_digest(digest):
        return Loaded(topology)
    unsettled = _decode_scope(instance["unsettled"])
    if unsettled is None or not instance["token"]:
        return Loaded(topology)
    return Loaded(topology, SyncToken(instance["token"]), unsettled, verified_at, digest)


async def _batches(database: Database, query: str) -> AsyncIterator[Sequence[Any]]:
    last: Any = ""
    while rows := await database.fetch(query, last, BATCH):
        yield rows
        last = rows[-1][0]


def encode_digest(digest: int) -> str:
    """The digest over all rows as it stands in the table."""
    return f"{digest:016x}"


def encode_scope(scope: Scope) -> str:
    """A scope as it stands in the table."""
    return json.dumps({"owners": sorted(scope.owners), "rooms": sorted(scope.rooms)})


def _decode_scope(text: str) -> Scope | None:
    try:
        scope = json.loads(text)
        return Scope(frozenset(scope["owners"]), frozenset(scope["rooms"]))
    except (TypeError, ValueError, LookupError):
        return None
