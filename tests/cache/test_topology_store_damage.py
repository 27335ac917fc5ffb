"""A cache that was damaged, edited, dropped or locked: it costs time, never a chat."""

from __future__ import annotations

from pathlib import Path

import pytest
from mautrix.util.async_db import Database

from plugin.topology.model import Topology
from plugin.topology.scope import Scope

from .store_helpers import (
    ALL,
    BOBS,
    FIRST,
    ROUTES,
    SECOND,
    TOKEN,
    as_loaded,
    filled,
    loaded,
    locked,
    new_store,
    of,
    routed,
    rows,
)


async def test_rows_that_make_no_sense_are_left_out_and_removed_with_the_next_save(
    database: Database,
) -> None:
    await filled(database)
    await database.execute("UPDATE chat SET chat_id='nonsense' WHERE room_id='!first'")
    await database.execute("INSERT INTO space VALUES ('!x', 'nobody', 5, 0, 0)")
    store = new_store(database)

    found = await store.take_over()
    await store.save(routed(SECOND))

    assert found.routes.topology().chats == of(SECOND, BOBS).chats
    assert found.token is None
    assert (await rows(database, "chat"), await rows(database, "space")) == (1, 1)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM chat WHERE room_id='!first'",
        "UPDATE chat SET platform_chat_id='stolen' WHERE room_id='!first'",
        "UPDATE chat SET status='lost' WHERE room_id='!first'",
        "UPDATE chat SET room_id='!elsewhere' WHERE room_id='!first'",
        "DELETE FROM space WHERE matrix_user_id='@bob:one.test'",
        "UPDATE space SET matrix_user_id='@eve:one.test' WHERE matrix_user_id='@bob:one.test'",
        "UPDATE space SET created_at=1",
        "UPDATE space SET owner_left=1",
        "INSERT INTO space VALUES ('!more', '@eve:one.test', 5, 0, 0)",
        "UPDATE instance SET token='', digest=''",
        "UPDATE instance SET unsettled='{'",
        "UPDATE instance SET unsettled='[]'",
        """UPDATE instance SET unsettled='{"owners": "@bob:one.test", "rooms": []}'""",
        """UPDATE instance SET unsettled='{"owners": [["@bob:one.test"]], "rooms": [7]}'""",
        "UPDATE instance SET unsettled=printf('%.*c', 60000, '[')",
        "UPDATE instance SET token=x'73'",
        "DELETE FROM instance",
    ],
)
async def test_what_was_edited_by_hand_is_not_relied_on(database: Database, damage: str) -> None:
    await filled(database)
    await database.execute(damage)

    assert (await loaded(database)).token is None


async def test_what_a_look_found_after_an_edit_by_hand_can_be_relied_on_again(
    database: Database,
) -> None:
    await filled(database)
    await database.execute("DELETE FROM chat WHERE room_id='!first'")
    store = new_store(database)
    await store.take_over()

    await store.save(ROUTES)
    await store.put_token(TOKEN, Scope())

    assert await loaded(database) == as_loaded(ALL)


@pytest.mark.parametrize("table", ["space", "chat", "instance"])
async def test_a_dropped_table_costs_what_it_held_and_is_made_anew(
    database: Database, table: str
) -> None:
    await filled(database)
    await database.execute(f"DROP TABLE {table}")
    store = new_store(database)

    assert (await store.take_over()).token is None
    assert await store.save(ROUTES)
    assert await store.put_token(TOKEN, Scope())
    assert await loaded(database) == as_loaded(ALL)


async def test_a_table_of_another_shape_is_made_anew(database: Database) -> None:
    await database.execute("DROP TABLE chat")
    await database.execute("CREATE TABLE chat (something TEXT)")
    await database.execute("INSERT INTO chat VALUES ('else')")
    store = new_store(database)

    assert (await store.take_over()).routes.topology() == Topology()
    assert await store.save(ROUTES)
    assert (await loaded(database)).routes.topology() == ALL


async def test_a_write_that_fails_is_made_up_for_by_the_next(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    store = await filled(database)
    await database.execute("ALTER TABLE chat RENAME TO hidden")

    assert not await store.save(routed(FIRST))
    assert await store.save(routed(FIRST, BOBS))

    assert "The database does not take what is written" in caplog.text
    assert (await loaded(database)).routes.topology() == of(FIRST, BOBS)


async def test_a_locked_database_costs_time_at_the_next_start_and_no_more(
    database: Database, tmp_path: Path
) -> None:
    store = await filled(database)

    async with locked(database, tmp_path):
        assert not await store.save(routed(FIRST))

    assert await store.save(routed(FIRST))
    assert (await loaded(database)).routes.topology() == of(FIRST)


async def test_a_closed_database_is_no_misfortune(database: Database) -> None:
    store = await filled(database)
    await database.stop()

    assert not await store.save(routed(FIRST))
