"""A real SQLite file, as maubot opens it for the plugin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from mautrix.util.async_db import Database

from plugin.cache.tables import upgrade_table

Open = Callable[[], Awaitable[Database]]


@pytest.fixture
async def open_database(tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the same file again, as each run of the plugin does."""
    opened: list[Database] = []

    async def open_again() -> Database:
        database = Database.create(f"sqlite:///{tmp_path}/cache.db", upgrade_table=upgrade_table)
        await database.start()
        opened.append(database)
        return database

    yield open_again
    for database in opened:
        await database.stop()


@pytest.fixture
async def database(open_database: Open) -> Database:
    return await open_database()
