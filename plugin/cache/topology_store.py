"""Loads and saves the topology. A database that fails costs time at the next start, no more.

What stands in the tables is never the truth: it saves looking at Matrix where nothing changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from mautrix.types import SyncToken, UserID

from ..topology.model import Topology
from ..topology.routes import Routes
from ..topology.scope import Scope
from .diff import Contents, plan_update
from .load import Loaded, encode_digest, encode_scope, read_tables
from .tables import rebuild_tables
from .transactions import FAILURES, FencedDatabase, Statement

PUT_INSTANCE = """INSERT INTO instance (id, fence, token, unsettled, digest)
    VALUES (0, $1, $2, $3, $4) ON CONFLICT (id) DO UPDATE
    SET fence=excluded.fence, token=excluded.token, unsettled=excluded.unsettled,
        digest=excluded.digest"""
PUT_VERIFIED = "UPDATE space SET verified_at=$1 WHERE space_id=$2"


class Store:
    """The cache of one instance, as one run of the plugin writes it."""

    def __init__(self, db: FencedDatabase) -> None:
        self.db = db
        self.log = db.log
        self._token = SyncToken("")
        self._unsettled = Scope()
        self._verified_at: dict[UserID, int] = {}
        self._held = Contents()
        # Whether the tables are known to hold `_held`, and nothing else.
        self._known = False
        # Whether they were known to hold all that they should when that was last looked at.
        self._complete = False
        self._writing = asyncio.Lock()
        self._saving = asyncio.Lock()

    @property
    def out_of_sync(self) -> bool:
        """Whether the tables lack something that they should hold: somebody must `save`."""
        return not (self._known and self._complete)

    async def take_over(self) -> Loaded:
        """Read what was saved last, and let no older run write from now on."""
        usable = True
        try:
            loaded = await read_tables(self.db.database)
        except (*FAILURES, LookupError) as error:
            self.log.warning("The cache is not usable and is made anew: %s", error)
            loaded, usable = Loaded(), False
        if loaded.token is not None:
            self._held = Contents(digest=loaded.digest)
            self._held.routes.fill(loaded.routes.copy())
            self._token, self._unsettled = loaded.token, loaded.unsettled
            self._verified_at = dict(loaded.verified_at)
        self._complete = loaded.token is not None
        tables = [] if usable else rebuild_tables(self.db.database.scheme)
        async with self._writing:
            # Rows that cannot be relied on stand until there are better ones.
            self._known = await self._write(tables) and self._complete
        return loaded

    async def save(self, routes: Routes) -> bool:
        """Make the tables hold all of these routes; writes only what differs.

        It goes from owner to owner, and takes of each what is in force then: whoever changes
        something meanwhile neither waits for it nor is undone by it.

        Returns:
            Whether they hold them. False means that the database failed, which was logged.
        """
        async with self._saving:
            if self.out_of_sync and not await asyncio.shield(self._rebuild()):
                return False
            owners = self._held.routes.everybody() | routes.everybody()
            for batch in routes.in_batches(sorted(owners)):
                if not await self.put_part(batch, routes.part(batch)):
                    return False
                await asyncio.sleep(0)
            if not self._complete:
                self._complete = True
                async with self._writing:
                    await self._write([])
            return not self.out_of_sync

    async def put_part(self, owners: frozenset[UserID], part: Topology) -> bool:
        """Make the tables hold this of these owners; writes only what differs.

        Args:
            owners: whose rows; all others stay as they are.
            part: what they shall be.

        Returns:
            Whether they do. False means that the database failed, which was logged, or has not
            been made anew since: only `save` helps then.
        """
        # Whoever asked may be cancelled; what is written and what is known of it stay one.
        return await asyncio.shield(asyncio.ensure_future(self._put_part(owners, part)))

    async def close(self) -> None:
        """Wait for what is being written; nothing is written after this."""
        async with self._writing:
            await self.db.close()

    async def put_token(self, token: SyncToken, unsettled: Scope) -> bool:
        """Note up to which sync token the tables are true.

        Args:
            token: the token.
            unsettled: what must be looked at again although the token is past it.
        """
        async with self._writing:
            if self.out_of_sync:
                # Rows that lag behind their token would be taken for true by the next start.
                return False
            before = (self._token, self._unsettled)
            self._token, self._unsettled = token, unsettled
            return before == (token, unsettled) or await self._write([])

    def verified_at(self, owner: UserID) -> int:
        """When the own state of the owner's chats was last read, in seconds since the epoch; 0 if
        it was not since the last cold start."""
        return self._verified_at.get(owner, 0)

    async def put_verified(self, owners: Iterable[UserID], at: int) -> bool:
        """Note when the own state of these owners' chats was last read.

        Args:
            owners: whose.
            at: seconds since the epoch; 0 if it is yet to be read.
        """
        changed = [owner for owner in owners if self._verified_at.get(owner, 0) != at]
        self._verified_at.update(dict.fromkeys(changed, at))
        async with self._writing:
            # By the key: without it, each owner costs a look at the rows of all.
            spaces = self._held.routes.part(frozenset(changed)).spaces
            rows = [(at, space_id) for space_id in spaces]
            return not rows or await self._write([Statement(PUT_VERIFIED, rows)])

    async def _put_part(self, owners: frozenset[UserID], part: Topology) -> bool:
        async with self._writing:
            if not self._known:
                return False
            update = plan_update(self._held, owners, part, self._verified_at)
            if not update:
                return True
            self._held.take(update)
            return await self._write(update.statements)

    async def _rebuild(self) -> bool:
        """Empty the tables, whose rows are not known; until all are there again, no token is."""
        async with self._writing:
            self._held, self._complete, self._known = Contents(), False, True
            return await self._write(rebuild_tables(self.db.database.scheme))

    async def _write(self, statements: Sequence[Statement]) -> bool:
        """Carry out one transaction, and keep the note on all of them true with it."""
        token = self._token if self._complete else ""
        digest, unsettled = encode_digest(self._held.digest), encode_scope(self._unsettled)
        note = Statement(PUT_INSTANCE, [(self.db.fence, token, unsettled, digest)])
        written = await self.db.execute([*statements, note], claims=True)
        # What a failed transaction left behind is not known.
        self._known = self._known and written
        return written
