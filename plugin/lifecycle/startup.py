"""How a run of the plugin begins: six steps, from what the cache holds to people being served.

A warm start takes the cache for true and looks only where something changed since; a cold one
looks at everything. Either way ends in the same routes. No step waits for a single room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import SyncToken, UserID

from ..cache.inbox import PendingMessage
from ..cache.load import Loaded
from ..matrix.sync import Invitation, invitations_in, scope_of
from ..matrix.until_answered import until_answered, until_known
from ..reconciler.report import Report
from ..topology.routes import build_routes
from .compose import Services
from .sync_cursor import SyncCursor, Tokens

NOT_KNOWN = SyncToken("")
# Seconds within which a room that is well is read.
SOON = 1.0


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


class Startup:
    """Begins one run of the plugin; each step needs what the one before it found."""

    loaded: Loaded
    kept: list[PendingMessage]
    result: StartResult
    unverified: frozenset[UserID]
    cursor: SyncCursor | None = None

    def __init__(
        self, services: Services, register: Callable[[object], None], log: logging.Logger
    ) -> None:
        """
        Args:
            services: what the run consists of.
            register: gives maubot a handler.
            log: the instance's log.
        """
        self.services = services
        self.register = register
        self.log = log
        self.backoff = services.timing.backoff

    async def run(self, served: asyncio.Event) -> None:
        """Take all steps.

        Args:
            served: set when people are served.
        """
        await self.load_cache()
        await self.look()
        self.resume_messages()
        self.register_handlers()
        served.set()
        await self.close_gap()
        await self.save_token()

    async def load_cache(self) -> None:
        """First, for from here on no older run may write what this one has read."""
        self.loaded = await self.services.store.take_over()
        self.kept = await self.services.inbox.load()

    async def look(self) -> None:
        """Before anybody is served: it must be known which room is whose."""
        result = await self._look_warm()
        if result is None:
            result = await self._look_cold()
            self.unverified = frozenset(self.services.routes.rooms_of)
            await self.services.store.put_verified(self.unverified, 0)
        else:
            verified_at = self.loaded.verified_at
            owners = self.services.routes.rooms_of
            self.unverified = frozenset(one for one in owners if not verified_at.get(one))
        self.result = result
        for invitation in self.result.invitations:
            self.services.invitations.answer(invitation)

    def resume_messages(self) -> None:
        """Before the handlers: what was written earlier closes the gates of its rooms."""
        result = self.result
        self.services.catch_up.resume(self.kept, result.sync, result.since)

    def register_handlers(self) -> None:
        """Let events in: nothing before this does."""
        services, result = self.services, self.result
        tokens = Tokens(result.token, result.answered, services.timing.save_cursor)
        self.cursor = SyncCursor(services.store, services.matrix.account_data, services, tokens)
        for handler in (*services.handlers, self.cursor):
            self.register(handler)

    async def close_gap(self) -> None:
        """Before anything else is waited for: what is delivered meanwhile came later."""
        await self.services.catch_up.close_gap(self.result.token)

    async def save_token(self) -> None:
        """Last, when what it stands for is in the inbox: a kill before this costs a second look,
        a token saved too early would cost messages."""
        services, result = self.services, self.result
        await services.catch_up.wait(SOON)
        kept = await services.pending.save() and not services.catch_up.behind
        token = result.token if kept else result.since or NOT_KNOWN
        if not services.invitations.idle:
            # One that is not answered yet stands in no later sync: the next start must ask.
            token = NOT_KNOWN
        # What could not be looked at keeps nobody waiting for the token: it goes with it.
        unsettled = services.reconciler.unsettled
        await services.store.put_token(token, unsettled)
        if result.since is None and self.cursor is not None:
            # Without this, what is written from now on would be lost with the database.
            await self.cursor.save_in_matrix()

    async def serve(self) -> None:
        """What goes on until the plugin stops: welcome people, and keep looking at Matrix."""
        reconciler = self.services.reconciler
        if (report := self.result.report) is not None:
            self.services.invitations.finish(report.unfinished)
            await self._welcome(report)
        reconciler.on_report = self._welcome
        await asyncio.gather(reconciler.serve(), reconciler.verify(self.unverified))

    async def save_progress(self) -> None:
        """Save how far everything has come, when the plugin stops."""
        if self.cursor is not None:
            await self.cursor.save()

    async def _welcome(self, report: Report) -> None:
        """Welcome whoever maubot joined without the plugin hearing of it."""
        self.services.invitations.greet(report.foreign.values())

    async def _look_warm(self) -> StartResult | None:
        """Take the cache for true but where something changed since; None if it cannot be."""
        token, services = self.loaded.token, self.services
        sync = await self._since(token) if token is not None else None
        if sync is None:
            return None
        # Of a million chats that takes seconds, for which nothing else must stand still.
        routes = await asyncio.to_thread(build_routes, self.loaded.topology)
        bot = services.matrix.identity.bot
        changed = scope_of(sync, routes, bot) | self.loaded.unsettled
        look = partial(services.reconciler.start_warm, routes, changed)
        return StartResult(
            token=SyncToken(sync["next_batch"]),
            report=await until_answered(look, self.backoff, self.log),
            # Messages in the inbox are older than the cache's token: nothing is known of them.
            answered=NOT_KNOWN,
            sync=sync,
            since=token,
            invitations=invitations_in(sync, bot),
        )

    async def _look_cold(self) -> StartResult:
        """Look at everything; what the cache holds helps where a look fails."""
        reader = self.services.matrix.reader
        token, waiting = await until_answered(reader.begin, self.backoff, self.log)
        account_data = self.services.matrix.account_data
        since = await until_answered(account_data.read_cursor, self.backoff, self.log)
        sync = await self._since(since) if since else None
        look = partial(self.services.reconciler.start_cold, self.loaded.topology)
        report = await until_answered(look, self.backoff, self.log)
        if since is None or sync is None:
            return StartResult(token, report, token, invitations=waiting)
        newer = SyncToken(sync["next_batch"])
        return StartResult(newer, report, since, sync, since, waiting)

    async def _since(self, token: SyncToken) -> dict[str, Any] | None:
        reader = self.services.matrix.reader
        try:
            return await until_known(partial(reader.since, token), self.backoff, self.log)
        except MatrixRequestError as error:
            self.log.warning("The homeserver no longer knows where we were: %s", error)
            return None
