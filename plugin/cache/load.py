"""Reads the tables, a batch at a time, and tells whether they can be relied on.

A million chats must not stand in memory twice, as rows and as chats, nor hold up the event loop
while they are decoded. Rows are validated, because anybody may have edited them; an invalid one is
left out. The digest over them detects damage and edits by hand, and is no protection against
forgery.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any

import attr
from mautrix.types import RoomID, SyncToken, UserID
from mautrix.util.async_db import Database

from ..topology.contents import is_user_id, make_binding
from ..topology.model import Binding, Chat, Space, Status
from ..topology.routes import Routes, RoutesBuilder
from ..topology.scope import Scope
from .diff import row_hash, space_row
from .transactions import fetch

SPACES = """SELECT space_id, matrix_user_id, created_at, verified_at, owner_left
    FROM space WHERE space_id > $1 ORDER BY space_id LIMIT $2"""
CHATS = """SELECT room_id, space_id, matrix_user_id, chat_id, platform, platform_chat_id, status
    FROM chat WHERE room_id > $1 ORDER BY room_id LIMIT $2"""
INSTANCE = "SELECT token, unsettled, digest FROM instance WHERE id=0"
# Small enough for the processor's caches, and to hold up nobody.
BATCH = 2000
STATUSES = {status.value: status for status in Status}


@attr.frozen
class Loaded:
    """What the cache held.

    Attributes:
        routes: the rows that make sense.
        token: the sync token up to which they are true; None if they cannot be relied on.
        unsettled: what must be looked at again although the token is past it.
        verified_at: when each owner's chats' own state was last read, in seconds since the epoch;
            0 if it was not since the last cold start.
        digest: over the rows.
        reliable: the rows fit the digest that was kept with them.
    """

    routes: Routes = attr.field(factory=Routes)
    token: SyncToken | None = None
    unsettled: Scope = attr.field(factory=Scope)
    verified_at: dict[UserID, int] = attr.field(factory=dict)
    digest: int = attr.field(default=0, eq=False)
    reliable: bool = attr.field(default=False, eq=False)


async def read_tables(database: Database) -> Loaded:
    """Read every Space and chat.

    Raises:
        FAILURES, LookupError: the database is damaged, away, or none of ours.
    """
    found, verified_at = RoutesBuilder(), dict[UserID, int]()
    decode_chat, whole, digest = Decoder().chat, True, 0
    async for rows in _batches(database, SPACES):
        for row in rows:
            if (decoded := decode_space(row)) is None:
                whole = False
                continue
            space, verified_at[decoded[0].owner] = decoded
            found.add_space(space)
            digest ^= row_hash(space_row(space))
    async for rows in _batches(database, CHATS):
        for row in rows:
            if (chat := decode_chat(row)) is None:
                whole = False
                continue
            found.add_chat(chat)
            digest ^= row_hash(row)
    # Of a million chats that takes a while, for which nothing else must stand still.
    routes = await asyncio.to_thread(found.build)
    noted = await fetch(database, INSTANCE)
    instance = noted[0] if noted else None
    if not whole or instance is None or instance["digest"] != encode_digest(digest):
        return Loaded(routes)
    # From here on the rows can be relied on, whether or not the token that goes with them can.
    unsettled = _decode_scope(instance["unsettled"])
    token = instance["token"]
    if unsettled is None or not isinstance(token, str) or not token:
        return Loaded(routes, reliable=True)
    return Loaded(routes, SyncToken(token), unsettled, verified_at, digest, reliable=True)


async def _batches(database: Database, query: str) -> AsyncIterator[Iterable[tuple[Any, ...]]]:
    last: Any = ""
    while rows := await fetch(database, query, last, BATCH):
        # Tuples are taken apart in half the time that the driver's rows take.
        yield map(tuple, rows)
        last = rows[-1][0]


def encode_digest(digest: int) -> str:
    """The digest over all rows as it stands in the table."""
    return f"{digest:016x}"


def encode_scope(scope: Scope) -> str:
    """A scope as it stands in the table."""
    return json.dumps({"owners": sorted(scope.owners), "rooms": sorted(scope.rooms)})


def _decode_scope(text: Any) -> Scope | None:
    try:
        scope = json.loads(text)
        owners, rooms = scope["owners"], scope["rooms"]
    except (TypeError, ValueError, LookupError, RecursionError):
        return None
    for names in (owners, rooms):
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return None
    return Scope(frozenset(owners), frozenset(rooms))


def decode_space(row: Iterable[Any]) -> tuple[Space, int] | None:
    """A Space and when it was verified, from its columns; None if they make no sense."""
    space_id, owner, created_at, verified_at, left = row
    usable = isinstance(space_id, str) and is_user_id(owner) and isinstance(created_at, int)
    if not (usable and isinstance(verified_at, int) and left in (0, 1)):
        return None
    return Space(RoomID(space_id), UserID(sys.intern(owner)), created_at, left == 1), verified_at


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
        try:
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
                return Chat(room_id, handle, space_id, owner, platform, conversation, status)  # type: ignore[arg-type]
            binding = make_binding([chat_id, space_id, owner, platform, conversation])
            if binding is None:
                return None
            self._in_space[space_id] = binding
            self._handles[chat_id] = binding.chat_id
            return Chat.bound(room_id, binding, status)  # type: ignore[arg-type]
        except TypeError:
            # Something stands where a text belongs that is none.
            return None
