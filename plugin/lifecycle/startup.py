"""How a life of the plugin begins: warm, from what the cache holds, or cold, from Matrix alone.

Either way ends in the same routes; a warm start costs one request where nothing changed.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import SyncToken

from ..cache.topology_store import Loaded
from ..collector import collector_paused
from ..handlers.invitations import Invitations
from ..matrix.reader import Reader
from ..matrix.sync import invitations_in, scope_of
from ..matrix.until_answered import until_answered, until_known
from ..reconciler.loop import Reconciler
from ..reconciler.report import Report
from ..topology.routes import build_routes
from ..topology.scope import Scope


@attr.frozen
class StartResult:
    """How a start found the world.

    Attributes:
        token: up to which everything was seen.
        report: the first run's, if there was one.
        done: up to which every message was answered, as far as that is known.
        sync: what happened since an earlier life's last token.
        since: that token.
    """

    token: SyncToken
    report: Report | None
    done: SyncToken = SyncToken("")  # noqa: RUF009 (a string)
    sync: dict[str, Any] = attr.field(factory=dict)
    since: SyncToken = SyncToken("")  # noqa: RUF009 (a string)

    @property
    def settled(self) -> bool:
        """Whether everything that had to be looked at was."""
        return self.report is None or self.report.settled


class Start:
    """Begins one life of the plugin."""

    def __init__(self, reader: Reader, reconciler: Reconciler, invitations: Invitations) -> None:
        self.reader = reader
        self.reconciler = reconciler
        self.invitations = invitations
        self.backoff = reconciler.timing.backoff
        self.log = reconciler.log

    async def cold(self, loaded: Loaded) -> StartResult:
        """Start without a cache that can be relied on: look at everything."""
        token, waiting = await until_answered(self.reader.begin, self.backoff, self.log)
        since = await until_answered(self.reader.read_cursor, self.backoff, self.log)
        sync = await self._since(since) if since else None
        look = partial(self.reconciler.start_cold, loaded.topology)
        report = await until_answered(look, self.backoff, self.log)
        for invitation in waiting:
            self.invitations.answer(invitation)
        if since is None or sync is None:
            return StartResult(token, report, token)
        return StartResult(SyncToken(sync["next_batch"]), report, since, sync, since)

    async def warm(self, loaded: Loaded) -> StartResult | None:
        """Start from the cache, looking only where something changed since it was written.

        Returns:
            What came of it, or None if the cache cannot be relied on.
        """
        sync = await self._since(loaded.token) if loaded.token is not None else None
        if sync is None or loaded.token is None:
            return None
        with collector_paused():
            # Of a million chats that takes seconds, for which nothing else must stand still.
            routes = await asyncio.to_thread(build_routes, loaded.topology)
        bot = self.reader.identity.bot
        changed = scope_of(sync, routes, bot) | Scope(loaded.mismatched)
        look = partial(self.reconciler.start_warm, routes, changed)
        report = await until_answered(look, self.backoff, self.log)
        for invitation in invitations_in(sync, bot):
            self.invitations.answer(invitation)
        # Messages in the inbox are older than the cache's token, so nothing is said to be done.
        nothing = SyncToken("")
        return StartResult(SyncToken(sync["next_batch"]), report, nothing, sync, loaded.token)

    async def _since(self, token: SyncToken) -> dict[str, Any] | None:
        try:
            return await until_known(partial(self.reader.since, token), self.backoff, self.log)
        except MatrixRequestError as error:
            self.log.warning("The homeserver no longer knows where we were: %s", error)
            return None
