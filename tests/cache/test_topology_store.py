"""The cache on a real database: kept from run to run, and taken over by the newest."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from mautrix.types import SyncToken
from mautrix.util.async_db import Database

from plugin.cache.topology_store import Loaded, Store
from plugin.cache.transactions import FencedDatabase
from plugin.topology.model import Status, Topology

from .conftest import Open
from .store_helpers import (
    ALICE,
    ALL,
    BOB,
    BOBS,
    FIRST,
    LOG,
    SECOND,
    TOKEN,
    chat,
    filled,
    loaded,
    of,
)


async def test_a_new_database_holds_nothing_to_rely_on(database: Database) -> None:
    assert await loaded(database) == Loaded(Topology())


async def test_what_was_saved_is_there_in_the_next_run(
    database: Database, open_database: Open
) -> None:
    await filled(database)
    await database.stop()

    assert await loaded(await open_database()) == Loaded(ALL, TOKEN)


async def test_what_is_saved_takes_the_place_of_what_was(database: Database) -> None:
    store = await filled(database)
    changed = of(FIRST._replace(status=Status.ARCHIVED), chat("fourth", 4))

    assert await store.save(changed)

    assert await loaded(database) == Loaded(changed, TOKEN)


async def test_what_is_put_leaves_all_others_as_they_are(database: Database) -> None:
    store = await filled(database)
    fourth = chat("fourth", 4)

    assert await store.put(Topology(chats={fourth.room_id: fourth}))

    assert await loaded(database) == Loaded(of(FIRST, SECOND, BOBS, fourth), TOKEN)


async def test_only_what_differs_is_written(database: Database) -> None:
    store = await filled(database)
    await database.execute("CREATE TABLE written (room_id TEXT)")
    for event in ("INSERT", "UPDATE"):
        await database.execute(
            f"CREATE TRIGGER note_{event} AFTER {event} ON chat "  # noqa: S608
            "BEGIN INSERT INTO written VALUES (NEW.room_id); END"
        )

    await store.save(ALL)
    await store.save(of(FIRST._replace(status=Status.LOST), SECOND, BOBS))

    assert [row["room_id"] for row in await database.fetch("SELECT * FROM written")] == ["!first"]


async def test_saving_the_same_again_does_not_touch_the_database(database: Database) -> None:
    store = await filled(database)
    await database.stop()

    assert await store.save(ALL)
    assert await store.put_token(TOKEN)


async def cancelled(store: Store, topology: Topology, steps: int) -> None:
    """Save, and be cancelled after so many steps of the event loop."""
    saving = asyncio.ensure_future(store.save(topology))
    for _ in range(steps):
        await asyncio.sleep(0)
    saving.cancel()
    await asyncio.wait([saving])


async def test_a_save_that_was_cancelled_leaves_no_transaction_open(
    database: Database, tmp_path: Path
) -> None:
    store = await filled(database)
    await cancelled(store, of(FIRST), 1)
    assert await store.put_token(SyncToken("t2"))

    other = sqlite3.connect(tmp_path / "cache.db", isolation_level=None, timeout=0)
    other.execute("BEGIN EXCLUSIVE")
    other.close()


@pytest.mark.parametrize("steps", [0, 1, 3])
async def test_whenever_a_save_is_cancelled_the_next_one_counts(
    database: Database, steps: int
) -> None:
    store = await filled(database)
    await cancelled(store, of(FIRST, chat("fourth", 4)), steps)

    assert await store.save(ALL)

    assert (await loaded(database)).topology == ALL


async def test_who_is_still_to_be_verified_is_remembered(database: Database) -> None:
    store = await filled(database)

    await store.put_unverified([ALICE, BOB], verified=False)
    await store.put_unverified([BOB, ALICE], verified=False)
    await store.put_unverified([BOB], verified=True)

    assert (await loaded(database)).unverified == {ALICE}


async def test_an_older_run_writes_nothing_more(database: Database) -> None:
    ended: list[str] = []
    older = Store(FencedDatabase(database, LOG, lambda: ended.append("older")))
    await older.take_over()
    await older.save(ALL)
    newer = await filled(database, of(FIRST))

    assert not await older.save(of(SECOND))
    assert not await older.put_token(SyncToken("t9"))

    assert set(ended) == {"older"}
    assert await newer.save(of(FIRST, BOBS))
    assert await loaded(database) == Loaded(of(FIRST, BOBS), TOKEN)
