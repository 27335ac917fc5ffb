"""Who may write, and what becomes of a write when the database fails."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from mautrix.util.async_db import Connection, Database

from plugin.cache.inbox import Inbox, State
from plugin.cache.topology_store import Store
from plugin.cache.transactions import FencedDatabase, Work
from plugin.message import IncomingMessage

from .conftest import Open
from .store_helpers import ALL, FIRST, LOG, loaded, new_guard, of
from .test_inbox import FIRST as MESSAGE
from .test_inbox import SECOND as SECOND_MESSAGE
from .test_inbox import kept


class Run:
    """One run of the plugin, as the database sees it."""

    def __init__(self, database: Database) -> None:
        self.told = 0
        self.db = FencedDatabase(database, LOG, self._step_down)
        self.store = Store(self.db)
        self.inbox = Inbox(self.db)

    def _step_down(self) -> None:
        self.told += 1


async def begin(database: Database, *messages: IncomingMessage) -> Run:
    run = Run(database)
    await run.store.take_over()
    await run.inbox.load()
    await run.inbox.put(messages)
    return run


def inserting(room_id: str) -> Work:
    async def work(conn: Connection) -> None:
        await conn.execute("INSERT INTO unverified VALUES ($1)", room_id)

    return work


async def written(database: Database) -> list[str]:
    found = await database.fetch("SELECT matrix_user_id FROM unverified ORDER BY 1")
    return [row["matrix_user_id"] for row in found]


async def test_of_two_runs_the_older_is_told_and_writes_nothing_more(
    database: Database, open_database: Open
) -> None:
    older = await begin(database, MESSAGE)
    await older.store.save(of(FIRST))
    newer = await begin(await open_database())

    saved = await older.store.save(ALL)
    put = await older.inbox.put([SECOND_MESSAGE])
    removed = await older.inbox.remove(MESSAGE.event_id)

    assert (saved, put, removed) == (False, False, False)
    assert older.told == 3
    assert newer.told == 0
    assert (await loaded(database)).topology == of(FIRST)
    assert await kept(database) == [(MESSAGE, State.WAITING, None)]


async def test_the_newer_of_two_runs_goes_on_writing(
    database: Database, open_database: Open
) -> None:
    older = await begin(database)
    newer = await begin(await open_database())
    await older.store.save(of(FIRST))

    assert await newer.store.save(ALL)
    assert await newer.inbox.put([MESSAGE])

    assert newer.told == 0


async def test_what_was_under_way_when_a_newer_run_began_is_not_half_done(
    database: Database, open_database: Open
) -> None:
    older = await begin(database)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(conn: Connection) -> None:
        await conn.execute("INSERT INTO unverified VALUES ('@one:test')")
        begun.set()
        await go_on.wait()
        await conn.execute("INSERT INTO unverified VALUES ('@two:test')")

    writing = asyncio.ensure_future(older.db.write(slow))
    await begun.wait()
    newer = asyncio.ensure_future(begin(await open_database()))
    go_on.set()

    assert await writing
    await newer
    assert not await older.db.write(inserting("@three:test"))
    assert await written(database) == ["@one:test", "@two:test"]


async def test_a_write_that_fails_half_way_leaves_nothing(database: Database) -> None:
    db = new_guard(database)

    async def fail(conn: Connection) -> None:
        await inserting("@one:test")(conn)
        await conn.execute("INSERT INTO nowhere VALUES (1)")

    assert not await db.write(fail)

    assert await written(database) == []


async def test_a_failure_is_said_once_and_its_end_too(
    database: Database, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("INFO")
    db = new_guard(database)
    await database.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(tmp_path / "cache.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for _ in range(3):
        assert not await db.write(inserting("@one:test"))
    other.execute("ROLLBACK")
    other.close()

    assert await db.write(inserting("@one:test"))
    assert await db.write(inserting("@two:test"))

    assert [record.message for record in caplog.records if record.name == LOG.name] == [
        "The database does not take what is written: database is locked",
        "The database takes what is written again",
    ]


async def test_a_write_whose_asker_was_cancelled_is_done(database: Database) -> None:
    db = new_guard(database)
    writing = asyncio.ensure_future(db.write(inserting("@one:test")))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait({writing})

    assert await db.write(inserting("@two:test"))
    assert await written(database) == ["@one:test", "@two:test"]


async def test_a_database_whose_tables_were_dropped_belongs_to_who_writes(
    database: Database,
) -> None:
    run = await begin(database)
    await database.execute("DROP TABLE life")

    assert await run.db.write(inserting("@one:test"))
    assert run.told == 0


async def test_a_closed_database_is_a_failure_and_no_crash(database: Database) -> None:
    db = new_guard(database)
    await database.stop()

    assert not await db.write(inserting("@one:test"))
