"""Who may write, and what becomes of a write when the database fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import attr
import pytest
from mautrix.util.async_db import Database

from plugin.cache.inbox import Inbox
from plugin.cache.pending_message import State
from plugin.cache.topology_store import Store
from plugin.cache.transactions import FencedDatabase, Statement
from plugin.message import IncomingMessage

from .conftest import Open
from .store_helpers import FIRST, LOG, ROUTES, loaded, locked, new_guard, of, routed
from .test_inbox import FIRST as LETTER
from .test_inbox import SECOND as SECOND_LETTER
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


def inserting(*owners: str) -> list[Statement]:
    rows = [(f"!{owner}", owner, 5, 0) for owner in owners]
    return [Statement("INSERT INTO space VALUES ($1, $2, $3, $4, 0)", rows)]


async def written(database: Database) -> list[str]:
    found = await database.fetch("SELECT matrix_user_id FROM space ORDER BY 1")
    return [row["matrix_user_id"] for row in found]


async def test_of_two_runs_the_older_is_told_and_writes_nothing_more(
    database: Database, open_database: Open
) -> None:
    older = await begin(database, LETTER)
    await older.store.save(routed(FIRST))
    younger = await begin(await open_database())

    saved = await older.store.save(ROUTES)
    put = await older.inbox.put([SECOND_LETTER])
    removed = await older.inbox.remove(LETTER.event_id)

    assert (saved, put, removed) == (False, False, False)
    assert older.told == 3
    assert younger.told == 0
    assert (await loaded(database)).routes.topology() == of(FIRST)
    assert await kept(database) == [(LETTER, State.WAITING, None)]


async def test_the_younger_of_two_runs_goes_on_writing(
    database: Database, open_database: Open
) -> None:
    older = await begin(database)
    younger = await begin(await open_database())
    await older.store.save(routed(FIRST))

    assert await younger.store.save(ROUTES)
    assert await younger.inbox.put([LETTER])

    assert younger.told == 0


async def test_what_was_under_way_when_a_younger_run_began_is_not_half_done(
    database: Database, open_database: Open
) -> None:
    older, second = await begin(database), await open_database()
    many = [f"@{number:05}:test" for number in range(20_000)]
    writing = asyncio.ensure_future(older.db.execute(inserting(*many)))
    younger = asyncio.ensure_future(begin(second))

    done = await writing
    await younger
    assert await written(database) == (many if done else [])
    assert not await older.db.execute(inserting("@later:test"))
    assert await written(database) == (many if done else [])


async def test_a_write_that_fails_half_way_leaves_nothing(database: Database) -> None:
    db = new_guard(database)

    failing = Statement("INSERT INTO nowhere VALUES ($1)", [(1,)])

    assert not await db.execute([*inserting("@one:test"), failing])

    assert await written(database) == []


async def test_a_failure_is_said_once_and_its_end_too(
    database: Database, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("INFO")
    db = new_guard(database)
    async with locked(database, tmp_path):
        for _ in range(3):
            assert not await db.execute(inserting("@one:test"))

    assert await db.execute(inserting("@one:test"))
    assert await db.execute(inserting("@two:test"))

    assert [record.message for record in caplog.records if record.name == LOG.name] == [
        "The database does not take what is written: database is locked",
        "The database takes what is written again",
    ]


async def test_a_write_whose_asker_was_cancelled_is_done(database: Database) -> None:
    db = new_guard(database)
    writing = asyncio.ensure_future(db.execute(inserting("@one:test")))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait({writing})

    assert await db.execute(inserting("@two:test"))
    assert await written(database) == ["@one:test", "@two:test"]


async def test_a_database_whose_tables_were_dropped_belongs_to_who_writes(
    database: Database,
) -> None:
    run = await begin(database)
    await database.execute("DROP TABLE instance")

    assert await run.db.execute(inserting("@one:test"))
    assert run.told == 0


async def test_a_closed_database_is_a_failure_and_no_crash(database: Database) -> None:
    db = new_guard(database)
    await database.stop()

    assert not await db.execute(inserting("@one:test"))


async def test_a_mistake_of_our_own_is_no_failure_of_the_database(database: Database) -> None:
    db = new_guard(database)

    def mistaken() -> Iterator[Statement]:
        yield from inserting("@one:test")
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await db.execute(mistaken())

    assert not db.failing
    assert await written(database) == []


class Mistaken(list[tuple[object, ...]]):
    """Rows that somebody computes wrongly while the transaction goes on."""

    def __init__(self, error: Exception) -> None:
        super().__init__([("@one:test", 0, 0, 0)])
        self.error = error

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        raise self.error


@pytest.mark.parametrize("error", [ValueError("a bug"), RuntimeError("a bug")], ids=repr)
async def test_nor_is_one_that_shows_in_the_middle_of_a_transaction(
    database: Database, error: Exception
) -> None:
    db = new_guard(database)
    (insert,) = inserting("@one:test")

    with pytest.raises(type(error), match="a bug"):
        await db.execute([attr.evolve(insert, rows=Mistaken(error))])

    assert not db.failing
    assert await written(database) == []


async def test_a_closed_database_is_read_as_one_that_fails(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await database.stop()

    assert await Inbox(new_guard(database)).load() == []
    assert "The inbox cannot be read" in caplog.text
    assert (await loaded(database)).token is None
