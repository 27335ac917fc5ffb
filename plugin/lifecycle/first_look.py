"""The first look of a run: what changed since the last one, or everything.

A warm start takes the cache for true and looks only where something changed since; a cold one
looks at everything. Either way ends in the same routes. Nothing is registered or saved here.
"""

from __future__ import annotations

import logging
from typing import Any

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import SyncToken

from ..cache.load import Loaded
from ..matrix.sync import Invitation, invitations_in, scope_of
from ..matrix.until_answered import Attempts
from ..reconciler.report import Report
from .services import Services

NOT_KNOWN = SyncToken("")


@attr.frozen
class StartResult:
    """How a start found Matrix.

    Attributes:
        token: up to which everything was seen.
        report: the first run's, if there was one.
        answered: up to which every message was answered, as far as that is known.
        sync: what happened since an earlier run's last token.
        since: that token; None where there was none.
        invitations: those that wait for an answer.
    """

    token: SyncToken
    report: Report | None
    answered: SyncToken = NOT_KNOWN
    sync: dict[str, Any] = attr.field(factory=dict)
    since: SyncToken | None = None
    invitations: list[Invitation] = attr.field(factory=list)


class FirstLook:
    """Looks at Matrix, for however long that takes."""

    def __init__(self, services: Services, loaded: Loaded, log: logging.Logger) -> None:
        """
        Args:
            services: what the run consists of.
            loaded: what the cache held.
            log: the instance's log.
        """
        self.services = services
        self.loaded = loaded
        self.log = log
        self.reader = services.matrix.reader
        self.backoff = services.timing.backoff

    async def look_warm(self) -> StartResult | None:
        """Take the cache for true but where something changed since; None if it cannot be."""
        token, services = self.loaded.token, self.services
        sync = await self._since(token) if token is not None else None
        if sync is None:
            return None
        routes = self.loaded.routes
        bot = services.matrix.identity.bot
        changed = scope_of(sync, routes, bot) | self.loaded.unsettled
        async for attempt in self._attempts():
            with attempt:
                report = await services.reconciler.start_warm(routes, changed)
        return StartResult(
            token=SyncToken(sync["next_batch"]),
            report=report,
            # Messages in the inbox are older than the cache's token: nothing is known of them.
            answered=NOT_KNOWN,
            sync=sync,
            since=token,
            invitations=invitations_in(sync, bot),
        )

    async def look_cold(self) -> StartResult:
        """Look at everything; what the cache holds helps where a look fails."""
        reader, reconciler = self.reader, self.services.reconciler
        account_data = self.services.matrix.account_data
        async for attempt in self._attempts():
            with attempt:
                token, waiting = await reader.begin()
        async for attempt in self._attempts():
            with attempt:
                since = await account_data.read_cursor()
        sync = await self._since(since) if since else None
        held = attr.evolve(self.loaded.routes.topology(), reliable=self.loaded.reliable)
        async for attempt in self._attempts():
            with attempt:
                report = await reconciler.start_cold(held)
        if since is None or sync is None:
            return StartResult(token, report, token, invitations=waiting)
        newer = SyncToken(sync["next_batch"])
        return StartResult(newer, report, since, sync, since, waiting)

    async def _since(self, token: SyncToken) -> dict[str, Any] | None:
        sync = None
        try:
            async for attempt in Attempts(self.backoff, self.log):
                with attempt:
                    sync = await self.reader.since(token)
        except MatrixRequestError as error:
            self.log.warning("The homeserver no longer knows where we were: %s", error)
        return sync

    def _attempts(self) -> Attempts:
        """Attempts at what a start cannot do without: a refusal may pass as well."""
        return Attempts(self.backoff, self.log, retry_refused=True)
