"""Sees to it that what was deleted does not stay readable in the database's files.

A deleted row is overwritten (`secure_delete`, in transactions.py), but its pages stay in SQLite's
write-ahead log until that is emptied. Only the files of the instance's own database are touched,
and nothing of it is done while anybody waits. PostgreSQL does this by itself, in its own time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from mautrix.util.async_db import Scheme

from .transactions import FAILURES, FencedDatabase, fetch

# Written only by this process, so nobody else needs more; a group may make backups.
OTHERS = 0o007
SUFFIXES = ("", "-wal", "-shm")


class Erasure:
    """Empties the write-ahead log now and then."""

    def __init__(self, db: FencedDatabase, interval: float) -> None:
        """
        Args:
            db: the database.
            interval: seconds between two looks.
        """
        self.db = db
        self.interval = interval

    async def keep_erasing(self) -> None:
        """Go on until the plugin stops."""
        if self.db.database.scheme != Scheme.SQLITE:
            return
        await self._attempt(self._narrow_modes)
        while True:
            await asyncio.sleep(self.interval)
            if self.db.written:
                # Before it is done: what is written meanwhile is for the next time.
                self.db.written = False
                await self._attempt(self._empty_log)

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except FAILURES as error:
            self.db.log.debug("The database's files are as they were: %s", error)

    async def _empty_log(self) -> None:
        await fetch(self.db.database, "PRAGMA wal_checkpoint(TRUNCATE)")

    async def _narrow_modes(self) -> None:
        """Let nobody but the process's own user and group read the files."""
        rows = await fetch(self.db.database, "PRAGMA database_list")
        files = [row["file"] for row in rows if row["file"]]
        paths = [Path(f"{file}{suffix}") for file in files for suffix in SUFFIXES]
        await asyncio.to_thread(_keep_from_others, paths)


def _keep_from_others(paths: Sequence[Path]) -> None:
    for path in paths:
        if path.exists():
            path.chmod(path.stat().st_mode & ~OTHERS)
