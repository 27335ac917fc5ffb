"""Loads and saves the topology. A database that fails costs time at the next start, no more.

Rows are checked as if a stranger had written them, for anyone may have edited them. No
connection is ever held while Matrix is waited for: it is shared by everything that runs.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import asyncpg
import attr
from mautrix.types import RoomID, UserID
from mautrix.util.async_db import Connection, Database

from ..topology.decode import decode_binding, is_user_id
from ..topology.model import Chat, Space, Status, Topology
from .upgrades import rebuild_tables

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

PUT_SPACE = """INSERT INTO space (space_id, matrix_user_id, created_at) VALUES ($1, $2, $3)
    ON CONFLICT (space_id) DO UPDATE
    SET matrix_user_id=excluded.matrix_user_id, created_at=excluded.created_at"""
PUT_CHAT = """INSERT INTO chat (room_id, space_id, matrix_user_id, chat_id, platform,
        platform_chat_id, status) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (room_id) DO UPDATE
    SET space_id=excluded.space_id, matrix_user_id=excluded.matrix_user_id,
        chat_id=excluded.chat_id, platform=excluded.platform,
        platform_chat_id=excluded.platform_chat_id, status=excluded.status"""

T = TypeVar("T")


@attr.frozen
class _Change:
    """What must be written so that the tables hold one topology instead of another."""

    spaces: list[tuple[Any, ...]]
    chats: list[tuple[Any, ...]]
    gone_spaces: list[tuple[RoomID]]
    gone_chats: list[tuple[RoomID]]

    def __bool__(self) -> bool:
        return bool(self.spaces or self.chats or self.gone_spaces or self.gone_chats)


class Store:
    """The cache of one instance."""

    def __init__(self, database: Database, log: logging.Logger) -> None:
        self.database = database
        self.log = log
        self._saved = Topology()
        self._trusted = False
        self._writing = asyncio.Lock()

    async def load(self) -> Topology:
        """What was saved last; rows that make no sense are left out, and so is a broken table."""
        try:
            spaces = await self.database.fetch("SELECT * FROM space")
            chats = await self.database.fetch("SELECT * FROM chat")
            saved = Topology(_decode(_space, spaces), _decode(_chat, chats))
        except FAILURES as error:
            self.log.warning("The cache is not usable and is made anew: %s", error)
            saved, self._trusted = Topology(), False
        else:
            # Rows that were left out above must be removed with the next save.
            self._trusted = len(saved.spaces) == len(spaces) and len(saved.chats) == len(chats)
        self._saved = saved
        return saved

    async def save(self, topology: Topology) -> bool:
        """Make the tables hold this topology; writes only what differs.

        Returns:
            Whether they do. False means that the database failed, which was logged.
        """
        async with self._writing:
            change = _difference(Topology() if not self._trusted else self._saved, topology)
            if self._trusted and not change:
                return True
            return await self._write(change, topology)

    async def put(self, topology: Topology) -> bool:
        """Add or replace these Spaces and chats and leave all others as they are."""
        async with self._writing:
            merged = Topology(
                {**self._saved.spaces, **topology.spaces}, {**self._saved.chats, **topology.chats}
            )
            added = topology if self._trusted else merged
            return await self._write(_difference(Topology(), added), merged)

    async def _write(self, change: _Change, result: Topology) -> bool:
        rebuild = not self._trusted

        async def write() -> None:
            conn: Connection
            async with self.database.acquire() as conn, conn.transaction():
                if rebuild:
                    await rebuild_tables(conn)
                await _execute(conn, change)

        try:
            # A cancelled SQLite write would leave its transaction open for good.
            await asyncio.shield(asyncio.ensure_future(write()))
        except FAILURES as error:
            self.log.warning("The cache was not written, which slows the next start: %s", error)
            self._trusted = False
            return False
        self._saved, self._trusted = result, True
        return True


async def _execute(conn: Connection, change: _Change) -> None:
    for statement, rows in (
        ("DELETE FROM space WHERE space_id=$1", change.gone_spaces),
        ("DELETE FROM chat WHERE room_id=$1", change.gone_chats),
        (PUT_SPACE, change.spaces),
        (PUT_CHAT, change.chats),
    ):
        if rows:
            await conn.executemany(statement, rows)


def _difference(old: Topology, new: Topology) -> _Change:
    return _Change(
        [
            (space.room_id, space.owner, space.created_at)
            for space in new.spaces.values()
            if old.spaces.get(space.room_id) != space
        ],
        [
            _chat_row(chat)
            for chat in new.chats.values()
            if (before := old.chats.get(chat.room_id)) is None
            or _chat_row(before) != _chat_row(chat)
        ],
        [(room_id,) for room_id in old.spaces if room_id not in new.spaces],
        [(room_id,) for room_id in old.chats if room_id not in new.chats],
    )


def _chat_row(chat: Chat) -> tuple[Any, ...]:
    binding = chat.binding
    return (
        chat.room_id,
        binding.space_id,
        binding.matrix_user_id,
        binding.chat_id,
        binding.platform,
        binding.platform_chat_id,
        chat.status.value,
    )


def _decode(decode: Callable[[Mapping[str, Any]], T | None], rows: Any) -> dict[RoomID, T]:
    decoded: dict[RoomID, T] = {}
    for row in rows:
        values = dict(row)
        value = decode(values)
        if value is not None:
            decoded[values.get("room_id") or values["space_id"]] = value
    return decoded


def _space(row: Mapping[str, Any]) -> Space | None:
    owner, created_at = row["matrix_user_id"], row["created_at"]
    if not (
        is_user_id(owner) and isinstance(created_at, int) and isinstance(row["space_id"], str)
    ):
        return None
    return Space(RoomID(row["space_id"]), UserID(owner), created_at)


def _chat(row: Mapping[str, Any]) -> Chat | None:
    binding = decode_binding({"room_type": "chat", **row})
    known = {status.value for status in Status}
    if binding is None or not isinstance(row["room_id"], str) or row["status"] not in known:
        return None
    return Chat(RoomID(row["room_id"]), binding, Status(row["status"]))
