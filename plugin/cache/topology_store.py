"""Loads and saves the topology. A database that fails costs time at the next start, no more.

What stands in the tables is never the truth: it saves looking at Matrix where nothing changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import attr
from mautrix.types import SyncToken, UserID
from mautrix.util.async_db import Connection

from ..collector import collector_paused
from ..topology.model import Topology
from .diff import Contents, execute, plan_update
from .load import read_tables
from .tables import rebuild_tables
from .transactions import FAILURES, FencedDatabase, Work

PUT_LIFE = """INSERT INTO life (id, holder, token, digest) VALUES (0, $1, $2, $3)
    ON CONFLICT (id) DO UPDATE
    SET holder=excluded.holder, token=excluded.token, digest=excluded.digest"""

PUT_UNVERIFIED = "INSERT INTO unverified (matrix_user_id) VALUES ($1) ON CONFLICT DO NOTHING"
NO_LONGER_UNVERIFIED = "DELETE FROM unverified WHERE matrix_user_id=$1"


@attr.frozen
class Loaded:
    """What the cache held.

    Attributes:
        topology: the rows that make sense.
        token: the sync token up to which they are true; None if they cannot be relied on.
        doubtful: owners whose rows do not match the digest kept with them.
        unverified: owners whose chats' own state was not read since the last cold start.
    """

    topology: Topology
    token: SyncToken | None = None
    mismatched: frozenset[UserID] = frozenset()
    unverified: frozenset[UserID] = frozenset()


class Store:
    """The cache of one instance, as one life of the plugin writes it."""

    def __init__(self, db: FencedDatabase) -> None:
        self.db = db
        self.log = db.log
        self.token = SyncToken("")
        self._holding = Contents()
        self._doubtful: frozenset[UserID] = frozenset()
        self._unverified: set[UserID] = set()
        # Whether the tables are known to hold `_holding`, and nothing else.
        self._whole = False
        self._writing = asyncio.Lock()
        # Called when the tables fell behind, so that somebody tries again.
        self.on_behind: Callable[[], None] = _ignore

    @property
    def out_of_sync(self) -> bool:
        """Whether the tables lack something that they should hold."""
        return not self._whole

    async def take_over(self) -> Loaded:
        """Read what was saved last, and let no older life write from now on."""
        usable = True
        try:
            with collector_paused():
                loaded = await self._load()
        except (*FAILURES, LookupError) as error:
            self.log.warning("The cache is not usable and is made anew: %s", error)
            loaded, usable = Loaded(Topology()), False
        async with self._writing:
            written = await self._write(_nothing, rebuild=not usable)
        # Rows that cannot be relied on stand until there are better ones.
        self._whole = written and loaded.token is not None
        return loaded

    async def save(self, topology: Topology) -> bool:
        """Make the tables hold this topology; writes only what differs.

        Returns:
            Whether they do. False means that the database failed, which was logged.
        """

        async def save() -> bool:
            async with self._writing:
                return await self._save(topology)

        return await _to_the_end(save())

    async def put(self, part: Topology) -> bool:
        """Add or replace these Spaces and chats and leave all others as they are."""

        async def put() -> bool:
            async with self._writing:
                saved = self._holding.topology
                return await self._save(
                    Topology({**saved.spaces, **part.spaces}, {**saved.chats, **part.chats})
                )

        return await _to_the_end(put())

    async def put_token(self, token: SyncToken) -> bool:
        """Note up to which sync token the tables are true."""
        async with self._writing:
            if self.out_of_sync:
                # Rows that lag behind their token would be taken for true by the next start.
                return False
            before, self.token = self.token, token
            return before == token or await self._write(_nothing)

    async def put_unverified(self, owners: Iterable[UserID], verified: bool) -> bool:
        """Note that these owners' chats are yet to be verified, or were."""
        owners = list(owners)
        if verified:
            self._unverified.difference_update(owners)
        else:
            self._unverified.update(owners)
        statement = NO_LONGER_UNVERIFIED if verified else PUT_UNVERIFIED

        async def write(conn: Connection) -> None:
            if owners:
                await conn.executemany(statement, [(owner,) for owner in owners])

        async with self._writing:
            return await self._write(write)

    async def _load(self) -> Loaded:
        tables = await read_tables(self.db.database)
        unverified = await self.db.database.fetch("SELECT matrix_user_id FROM unverified")
        life = await self.db.database.fetchrow("SELECT token, digest FROM life WHERE id=0")
        self._holding, self._doubtful = tables.contents, tables.mismatched
        self._unverified = {UserID(row["matrix_user_id"]) for row in unverified}
        digest = _written(tables.contents)
        if life is not None and life["token"] and life["digest"] == digest and tables.whole:
            self.token = SyncToken(life["token"])
        return Loaded(
            tables.contents.topology,
            self.token or None,
            self._doubtful,
            frozenset(self._unverified),
        )

    async def _save(self, topology: Topology) -> bool:
        # What the tables hold beside may be anything: then they are made anew.
        rebuild, held = not self._whole, self._holding if self._whole else Contents()
        # Of a million chats that takes seconds, for which nothing else must stand still.
        update = await asyncio.to_thread(plan_update, held, topology, self._doubtful)
        if not (rebuild or update):
            return True

        async def write(conn: Connection) -> None:
            await execute(conn, update)

        before, self._holding = self._holding, update.contents
        if not await self._write(write, rebuild):
            # What could not be written is written with the next change, with everything else.
            self._holding = attr.evolve(before, topology=topology)
            self.on_behind()
            return False
        self._doubtful, self._whole = frozenset(), True
        return True

    async def _write(self, work: Work, rebuild: bool = False) -> bool:
        """Run one transaction, and keep the note on all of them true with it."""

        async def write(conn: Connection) -> None:
            if rebuild:
                await rebuild_tables(conn)
                if self._unverified:
                    rows = [(owner,) for owner in self._unverified]
                    await conn.executemany(PUT_UNVERIFIED, rows)
            await work(conn)
            digest = _written(self._holding)
            await conn.execute(PUT_LIFE, self.db.fence, self.token, digest)

        written = await self.db.write(write, candidates=True)
        # What a failed transaction left behind is not known.
        self._whole = self._whole and written
        return written


def _written(contents: Contents) -> str:
    """The digest over all Spaces as it stands in the table."""
    return f"{contents.digest:016x}"


async def _to_the_end(work: Coroutine[Any, Any, bool]) -> bool:
    """Whoever asked may be cancelled; what is written and what is known of it stay one."""
    return await asyncio.shield(asyncio.ensure_future(work))


def _ignore() -> None:
    return


async def _nothing(_: Connection) -> None:
    return
