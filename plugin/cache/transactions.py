"""Short transactions on the instance's database, run to their end whatever is cancelled.

Only the youngest life of the plugin may write: an older one finds another holder's name in the
table and knows that its time is over. No connection is ever held while Matrix is waited for: it
is shared by everything that runs.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
from mautrix.util.async_db import Connection, Database, Scheme

# What a database raises that is away, full, locked, damaged or closed under our hands. A closed
# pool of aiosqlite's raises ValueError and mautrix's RuntimeError.
FAILURES = (
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    RuntimeError,
    ValueError,
)

Work = Callable[[Connection], Awaitable[None]]


class Superseded(Exception):
    """A younger life of the plugin holds the database."""


class FencedDatabase:
    """The database, as one life of the plugin may write it."""

    def __init__(
        self, database: Database, log: logging.Logger, on_superseded: Callable[[], None]
    ) -> None:
        """
        Args:
            database: the instance's, as maubot started it.
            log: the instance's log.
            on_superseded: called when a younger life turns out to hold the database.
        """
        self.database = database
        self.log = log
        self.on_superseded = on_superseded
        self.fence = str(uuid4())
        self.failing = False
        # Until this life's name is in the table, the one that stands there is an older life's.
        self._claimed = False
        self._writing = asyncio.Lock()

    async def write(self, work: Work, candidates: bool = False) -> bool:
        """Run one transaction, unless a younger life holds the database.

        Args:
            work: what to do in it; it must not wait for anything but the database.
            claims: it puts this life's name into the table.

        Returns:
            Whether it was done. A failure is logged, once for as long as it lasts.
        """

        async def transaction() -> None:
            conn: Connection
            async with self._writing, self.database.acquire() as conn, conn.transaction():
                if self._claimed and await _fence_of(conn) not in (None, self.fence):
                    raise Superseded
                await work(conn)

        try:
            # A cancelled SQLite write would leave its transaction open for good.
            await asyncio.shield(asyncio.ensure_future(transaction()))
        except Superseded:
            self.on_superseded()
            return False
        except FAILURES as error:
            if not self.failing:
                self.log.error("The database does not take what is written: %s", error)
            self.failing = True
            return False
        if self.failing:
            self.log.info("The database takes what is written again")
        self.failing = False
        self._claimed = self._claimed or candidates
        return True


async def _fence_of(conn: Connection) -> str | None:
    """Who holds the database; nobody, if the table for that was dropped."""
    if conn.scheme == Scheme.SQLITE:
        exists = await conn.table_exists("life")
    else:
        # Other instances have a table of that name in schemas of their own.
        exists = await conn.fetchval("SELECT to_regclass('life')::text")
    if not exists:
        return None
    fence: str | None = await conn.fetchval("SELECT holder FROM life WHERE id=0")
    return fence
