"""What becomes of the plugin's database between a kill and the next start.

It is kept, deleted whole, or damaged in one of the ways that leave maubot able to open it: rows
gone or changed, tables dropped or emptied, and, of SQLite's file, pages overwritten. Only while
maubot is down.
"""

from __future__ import annotations

import random
import sqlite3
from abc import ABC, abstractmethod
from contextlib import closing

import asyncpg

from ..maubot import Maubot
from ..stack import INSTANCE

FATES = ("kept", "damaged", "deleted")
WEIGHTS = (6, 2, 2)
# Messages on their way that were deleted from a table that is otherwise whole are gone, as if
# they had been answered: nobody can tell. So the inbox is made unreadable, not emptied.
DAMAGES = (
    "DELETE FROM chat",
    "DELETE FROM space",
    "DELETE FROM instance",
    "UPDATE chat SET platform_chat_id='stolen'",
    "UPDATE chat SET status='lost'",
    "UPDATE chat SET chat_id='nonsense'",
    "UPDATE space SET matrix_user_id='@eve:elsewhere'",
    "UPDATE instance SET digest='', token='nonsense'",
    "UPDATE instance SET unsettled='{'",
    "UPDATE inbox SET message='{'",
    "DROP TABLE chat",
    "DROP TABLE space",
    "DROP TABLE instance",
    "DROP TABLE inbox",
    "ALTER TABLE chat RENAME COLUMN status TO state",
    "ALTER TABLE inbox RENAME COLUMN message TO letter",
)
OVERWRITTEN = "pages overwritten"
TABLES = ("space", "chat", "instance", "inbox")


class PluginDatabase(ABC):
    """The database of the one instance, and how it is meddled with."""

    damages: tuple[str, ...] = DAMAGES

    async def meet(self, fate: str, chance: random.Random) -> str:
        """Let this happen to it; what was done exactly, for the log."""
        if fate == "deleted":
            await self.delete()
        if fate != "damaged":
            return fate
        damage = chance.choice(self.damages)
        try:
            await self.damage(damage, chance)
        except (sqlite3.Error, asyncpg.PostgresError) as error:
            # It was killed before its tables were made, or an earlier damage is still there.
            return f"damaged: {damage} did not work: {error}"
        return f"damaged: {damage}"

    @abstractmethod
    async def delete(self) -> None:
        """Delete all of it."""

    @abstractmethod
    async def damage(self, damage: str, chance: random.Random) -> None:
        """Do one of `damages`."""


class SQLiteDatabase(PluginDatabase):
    """A file in maubot's directory."""

    damages = (*DAMAGES, OVERWRITTEN)

    def __init__(self, maubot: Maubot) -> None:
        self._maubot = maubot

    async def delete(self) -> None:
        """Delete the file, with SQLite's own beside it."""
        self._maubot.delete_database(INSTANCE)

    async def damage(self, damage: str, chance: random.Random) -> None:
        """Do one of `damages`."""
        path = self._maubot.database(INSTANCE)
        with closing(sqlite3.connect(path)) as connection:
            if damage != OVERWRITTEN:
                connection.executescript(damage)
                return
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (size,) = connection.execute("PRAGMA page_size").fetchone()
            table = chance.choice(TABLES)
            query = "SELECT rootpage FROM sqlite_master WHERE name=?"
            (page,) = connection.execute(query, (table,)).fetchone() or (0,)
        if page > 1:
            with path.open("r+b") as file:
                file.seek((page - 1) * size)
                file.write(chance.randbytes(size))


class PostgresDatabase(PluginDatabase):
    """A schema in maubot's database."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def delete(self) -> None:
        """Drop the schema with everything in it."""
        await self._execute(f'DROP SCHEMA IF EXISTS "mbp_{INSTANCE}" CASCADE')

    async def damage(self, damage: str, chance: random.Random) -> None:
        """Do one of `damages`."""
        await self._execute(f'SET search_path TO "mbp_{INSTANCE}"; {damage}')

    async def _execute(self, statements: str) -> None:
        # Whatever the killed maubot's connections hold ends first: the server sees that soon.
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()
