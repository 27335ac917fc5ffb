"""Stores with something in them: what the tests of the cache begin with."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

from mautrix.types import RoomID, SyncToken, UserID
from mautrix.util.async_db import Database

from plugin.cache.load import Loaded
from plugin.cache.topology_store import Store
from plugin.cache.transactions import FencedDatabase
from plugin.topology.model import Binding, Chat, Space, Topology
from plugin.topology.routes import Routes, build_routes
from plugin.topology.scope import Scope

ALICE, BOB = UserID("@alice:one.test"), UserID("@bob:one.test")
TOKEN = SyncToken("t1")
LOG = logging.getLogger("test.cache")


def chat(name: str, number: int, owner: UserID = ALICE) -> Chat:
    space_id = RoomID(f"!space-of-{owner[1:4]}")
    return Chat.bound(RoomID(f"!{name}"), Binding(f"C{number}", space_id, owner, "echo", name))


def of(*chats: Chat) -> Topology:
    """These chats, each in its owner's Space."""
    spaces = {one.binding.space_id: Space(one.binding.space_id, one.owner, 5) for one in chats}
    return Topology(spaces, {one.room_id: one for one in chats})


def routed(*chats: Chat) -> Routes:
    """The routes to these chats."""
    return build_routes(of(*chats))


def as_loaded(topology: Topology = Topology()) -> Loaded:  # noqa: B008 (never changed)
    """What the next run finds, if everything can be relied on and nothing was verified."""
    return Loaded(
        build_routes(topology),
        TOKEN,
        Scope(),
        {space.owner: 0 for space in topology.spaces.values()},
    )


FIRST, SECOND, BOBS = chat("first", 1), chat("second", 2), chat("third", 1, BOB)
ALL = of(FIRST, SECOND, BOBS)
ROUTES = build_routes(ALL)


def new_guard(database: Database) -> FencedDatabase:
    """The database as the newest run sees it."""

    def fail() -> None:
        raise AssertionError("no newer run has begun")

    return FencedDatabase(database, LOG, fail)


def new_store(database: Database) -> Store:
    return Store(new_guard(database))


async def filled(database: Database, routes: Routes = ROUTES) -> Store:
    store = new_store(database)
    await store.take_over()
    assert await store.save(routes)
    assert await store.put_token(TOKEN, Scope())
    return store


async def loaded(database: Database) -> Loaded:
    return await new_store(database).take_over()


@contextlib.asynccontextmanager
async def locked(database: Database, folder: Path) -> AsyncIterator[None]:
    """Somebody else holds the whole database in here."""
    await database.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(folder / "cache.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.close()


async def rows(database: Database, table: str) -> int:
    count: int = await database.fetchval(f"SELECT COUNT(*) FROM {table}")  # noqa: S608
    return count
