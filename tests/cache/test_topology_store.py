"""The cache on a real database: kept from run to run, and taken over by the newest."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from mautrix.types import SyncToken
from mautrix.util.async_db import Database

from plugin.cache.load import Loaded
from plugin.cache.topology_store import Store
from plugin.cache.transactions import FencedDatabase
from plugin.topology.model import Chat, Status, Topology
from plugin.topology.scope import Scope

from .conftest import Open
from .store_helpers import (
    ALICE,
    ALL,
    BOB,
    BOBS,
    FIRST,
    LOG,
    ROUTES,
    SECOND,
    TOKEN,
    as_loaded,
    chat,
    filled,
    loaded,
    of,
    routed,
)


async def test_a_new_database_holds_nothing_to_rely_on(database: Database) -> None:
    assert await loaded(database) == Loaded()


async def test_what_was_saved_is_there_in_the_next_run(
    database: Database, open_database: Open
) -> None:
    await filled(database)
    await database.stop()

    assert await loaded(await open_database()) == as_loaded(ALL)


async def test_what_is_saved_takes_the_place_of_what_was(database: Database) -> None:
    store = await filled(database)
    changed = (FIRST._replace(status=Status.ARCHIVED), chat("fourth", 4))

    assert await store.save(routed(*changed))

    assert await loaded(database) == as_loaded(of(*changed))


async def test_what_is_put_of_one_owner_leaves_all_others_as_they_are(database: Database) -> None:
    store = await filled(database)
    fourth = chat("fourth", 4)

    assert await store.put_part(frozenset({ALICE}), of(FIRST, fourth))

    assert await loaded(database) == as_loaded(of(FIRST, BOBS, fourth))


async def test_only_what_differs_is_written(database: Database) -> None:
    store = await filled(database)
    await database.execute("CREATE TABLE written (room_id TEXT)")
    for event in ("INSERT", "UPDATE"):
        await database.execute(
            f"CREATE TRIGGER note_{event} AFTER {event} ON chat "  # noqa: S608
            "BEGIN INSERT INTO written VALUES (NEW.room_id); END"
        )

    await store.save(ROUTES)
    await store.save(routed(FIRST._replace(status=Status.LOST), SECOND, BOBS))

    assert [row["room_id"] for row in await database.fetch("SELECT * FROM written")] == ["!first"]


async def test_saving_the_same_again_does_not_touch_the_database(database: Database) -> None:
    store = await filled(database)
    await database.stop()

    assert await store.save(ROUTES)
    assert await store.put_token(TOKEN, Scope())


async def cancelled(store: Store, steps: int, *chats: Chat) -> None:
    """Save, and be cancelled after so many steps of the event loop."""
    saving = asyncio.ensure_future(store.save(routed(*chats)))
    for _ in range(steps):
        await asyncio.sleep(0)
    saving.cancel()
    await asyncio.wait([saving])


async def test_a_save_that_was_cancelled_leaves_no_transaction_open(
    database: Database, tmp_path: Path
) -> None:
    store = await filled(database)
    await cancelled(store, 1, FIRST)
    assert await store.put_token(SyncToken("t2"), Scope())

    other = sqlite3.connect(tmp_path / "cache.db", isolation_level=None, timeout=0)
    other.execute("BEGIN EXCLUSIVE")
    other.close()


@pytest.mark.parametrize("steps", [0, 1, 3])
async def test_whenever_a_save_is_cancelled_the_next_one_counts(
    database: Database, steps: int
) -> None:
    store = await filled(database)
    await cancelled(store, steps, FIRST, chat("fourth", 4))

    assert await store.save(ROUTES)

    assert (await loaded(database)).routes.topology() == ALL


@pytest.mark.parametrize("steps", [0, 1, 3])
async def test_a_cold_start_that_was_cancelled_while_saving_is_made_up_for(
    database: Database, steps: int
) -> None:
    store = Store(FencedDatabase(database, LOG, lambda: None))
    await store.take_over()
    await cancelled(store, steps, FIRST)

    assert await store.save(ROUTES)
    assert await store.put_token(TOKEN, Scope())

    assert await loaded(database) == as_loaded(ALL)


async def test_when_whose_chats_were_verified_is_remembered(database: Database) -> None:
    store = await filled(database)

    await store.put_verified([ALICE, BOB], 5)
    await store.put_verified([BOB], 7)

    assert (await loaded(database)).verified_at == {ALICE: 5, BOB: 7}


async def test_it_outlives_tables_that_are_made_anew(database: Database) -> None:
    store = await filled(database)
    await store.put_verified([ALICE], 5)
    await database.execute("DROP TABLE space")
    await store.put_part(frozenset({BOB}), Topology())

    assert store.out_of_sync
    assert await store.save(ROUTES)
    assert (await loaded(database)).verified_at == {ALICE: 5, BOB: 0}


async def test_what_must_be_looked_at_again_is_kept_with_the_token(database: Database) -> None:
    store, again = await filled(database), Scope(frozenset({BOB}), frozenset({FIRST.room_id}))

    assert await store.put_token(TOKEN, again)
    await store.save(routed(FIRST))

    assert (await loaded(database)).unsettled == again


async def test_nothing_is_relied_on_before_all_of_it_is_there_again(database: Database) -> None:
    """The database failed, and the process is killed while the tables are made anew."""
    store = await filled(database)
    await database.execute("DROP TABLE chat")
    await store.put_part(frozenset({BOB}), Topology())
    await cancelled(store, 3, FIRST, SECOND, BOBS)

    assert store.out_of_sync
    assert not await store.put_token(SyncToken("t2"), Scope())
    assert (await loaded(database)).token is None


async def test_saves_that_come_together_leave_everything_there(database: Database) -> None:
    store = Store(FencedDatabase(database, LOG, lambda: None))
    await store.take_over()

    fourth = routed(FIRST, SECOND, BOBS, chat("fourth", 4))
    saves = (store.save(ROUTES), store.save(fourth), store.save(fourth))
    assert all(await asyncio.gather(*saves))
    assert await store.put_token(TOKEN, Scope())

    assert await loaded(database) == as_loaded(fourth.topology())


async def test_an_older_run_writes_nothing_more(database: Database) -> None:
    ended: list[str] = []
    older = Store(FencedDatabase(database, LOG, lambda: ended.append("older")))
    await older.take_over()
    await older.save(ROUTES)
    newer = await filled(database, routed(FIRST))

    assert not await older.save(routed(SECOND))
    assert not await older.put_token(SyncToken("t9"), Scope())

    assert set(ended) == {"older"}
    assert await newer.save(routed(FIRST, BOBS))
    assert await loaded(database) == as_loaded(of(FIRST, BOBS))
