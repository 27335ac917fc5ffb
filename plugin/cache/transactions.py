"""Short transactions on the instance's database, run to their end whatever is cancelled.

A transaction is a list of statements. Only the youngest run of the plugin may write: an older one
finds another run's fence in the table and knows that its time is over. No connection is ever held
while Matrix is waited for: it is shared by everything that runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import attr
from mautrix.util.async_db import Connection, Database, Scheme


class DatabaseClosed(Exception):
    """The database was closed under our hands."""


# What mautrix's pool and aiosqlite's connection raise when they are closed.
CLOSED = (RuntimeError, ValueError)
# What a database raises that is away, full, locked, damaged or closed.
FAILURES = (
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    DatabaseClosed,
)


@attr.frozen
class Statement:
    """One statement of a transaction.

    Attributes:
        sql: the statement, its values numbered from `$1`.
        rows: the values of each time it is carried out; None if it has none.
    """

    sql: str
    rows: Sequence[tuple[Any, ...]] | None = None


class Superseded(Exception):
    """A younger run of the plugin holds the database."""


class FencedDatabase:
    """The database, as one run of the plugin may write it."""

    def __init__(
        self, database: Database, log: logging.Logger, on_superseded: Callable[[], None]
    ) -> None:
        """
        Args:
            database: the instance's, as maubot started it.
            log: the instance's log.
            on_superseded: called when a younger run turns out to hold the database.
        """
        self.database = database
        self.log = log
        self.on_superseded = on_superseded
        self.fence = str(uuid4())
        self.failing = False
        # Whether something was written; whoever looks after that takes it back.
        self.written = False
        # Until this run's fence is in the table, the one that stands there is an older run's.
        self._claimed = False
        self._closed = False
        self._writing = asyncio.Lock()

    async def execute(self, statements: Iterable[Statement], claims: bool = False) -> bool:
        """Carry out one transaction, unless a younger run holds the database.

        Args:
            statements: what to do, in this order; all of it or nothing.
            claims: it puts this run's fence into the table.

        Returns:
            Whether it was done. A failure is logged, once for as long as it lasts.
        """
        # Before it is tried: what goes wrong in here is no failure of the database.
        orders = list(statements)
        try:
            # A cancelled SQLite write would leave its transaction open for good.
            await asyncio.shield(asyncio.ensure_future(self._transact(orders)))
        except Superseded:
            self.on_superseded()
            return False
        except FAILURES as error:
            if not self.failing and not self._closed:
                self.log.error("The database does not take what is written: %s", error)
            self.failing = True
            return False
        if self.failing:
            self.log.info("The database takes what is written again")
        self.failing, self.written = False, True
        self._claimed = self._claimed or claims
        return True

    async def close(self) -> None:
        """Wait for what is being written; what comes later is not, and nobody is told: maubot
        closes the database next."""
        self._closed = True
        async with self._writing:
            return

    async def _transact(self, statements: list[Statement]) -> None:
        async with self._writing, contextlib.AsyncExitStack() as stack:
            if self._closed:
                raise DatabaseClosed("this run of the plugin has ended")
            try:
                conn: Any = await stack.enter_async_context(self.database.acquire())
                await stack.enter_async_context(conn.transaction())
            except CLOSED as error:
                raise DatabaseClosed(str(error)) from error
            if not self._claimed and conn.scheme == Scheme.SQLITE:
                # What is deleted is overwritten, for as long as this connection lives.
                await conn.execute("PRAGMA secure_delete = ON")
            if self._claimed and await _fence_of(conn) not in (None, self.fence):
                raise Superseded
            for statement in statements:
                if statement.rows is None:
                    await conn.execute(statement.sql)
                elif statement.rows:
                    await conn.executemany(statement.sql, statement.rows)


async def fetch(database: Database, query: str, *values: object) -> list[Any]:
    """The rows that a query finds.

    Raises:
        FAILURES: the database cannot be read.
    """
    try:
        return await database.fetch(query, *values)
    except CLOSED as error:
        raise DatabaseClosed(str(error)) from error


async def _fence_of(conn: Connection) -> str | None:
    """Who holds the database; nobody, if the table for that was dropped."""
    if conn.scheme == Scheme.SQLITE:
        exists = await conn.table_exists("instance")
    else:
        # Other instances have a table of that name in schemas of their own.
        exists = await conn.fetchval("SELECT to_regclass('instance')::text")
    if not exists:
        return None
    fence: str | None = await conn.fetchval("SELECT fence FROM instance WHERE id=0")
    return fence
