"""Reads the tables, a portion at a time.

A million chats must not stand in memory twice, as rows and as chats, nor hold up the event loop
while they are decoded. Rows that make no sense are left out and told of, never raised about.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import attr
from mautrix.types import RoomID
from mautrix.util.async_db import Database

from ..topology.model import Chat, Space
from .rows import decode_chat, decode_space

SPACES = "SELECT * FROM space WHERE space_id > $1 ORDER BY space_id LIMIT $2"
CHATS = "SELECT * FROM chat WHERE room_id > $1 ORDER BY room_id LIMIT $2"
PORTION = 5000


@attr.frozen
class Tables:
    """What the tables of the topology held.

    Attributes:
        spaces: the Spaces, with the digest kept with each.
        chats: the chats, by room.
        whole: every row made sense.
    """

    spaces: list[tuple[Space, str]]
    chats: dict[RoomID, Chat]
    whole: bool


async def read_tables(database: Database) -> Tables:
    """Read every Space and chat.

    Raises:
        FAILURES: the database is damaged, away, or none of ours.
    """
    spaces: list[tuple[Space, str]] = []
    chats: dict[RoomID, Chat] = {}
    number = 0
    async for rows in _portions(database, SPACES, "space_id"):
        number += len(rows)
        spaces += [space for row in rows if (space := decode_space(row)) is not None]
    async for rows in _portions(database, CHATS, "room_id"):
        number += len(rows)
        for row in rows:
            if (chat := decode_chat(row)) is not None:
                chats[chat.room_id] = chat
    return Tables(spaces, chats, whole=number == len(spaces) + len(chats))


async def _portions(
    database: Database, query: str, key: str
) -> AsyncIterator[list[Mapping[str, Any]]]:
    last: Any = ""
    while rows := await database.fetch(query, last, PORTION):
        yield rows
        last = rows[-1][key]


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Spare the garbage collector a search through what is being loaded: it looks at everything
    again whenever that has grown by a quarter, and none of it is garbage. What was loaded goes
    among the oldest objects at once, which are looked at seldom."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.unfreeze()
            gc.enable()
