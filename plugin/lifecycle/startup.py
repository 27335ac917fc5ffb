"""How a run of the plugin begins: six steps, from what the cache holds to people being served.

Each stands where it does for a reason, which it says. No step waits for a single room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import attr

from ..cache.load import Loaded
from ..cache.pending_message import PendingMessage
from .first_look import NOT_KNOWN, FirstLook, StartResult
from .services import Services
from .sync_cursor import SyncCursor, Tokens

# Seconds within which a room that is well is read.
SOON = 1.0


class Startup:
    """Begins one run of the plugin; each step needs what the one before it found."""

    loaded: Loaded
    kept: list[PendingMessage]
    result: StartResult
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
        if not self.services.inbox.is_whole:
            # The token stands for messages that are in the inbox: without them, the one that
            # stands in Matrix tells what is unanswered, as if the database were gone.
            self.loaded = attr.evolve(self.loaded, token=None)

    async def look(self) -> None:
        """Before anybody is served: it must be known which room is whose."""
        first_look = FirstLook(self.services, self.loaded, self.log)
        result = await first_look.look_warm()
        if result is None:
            result = await first_look.look_cold()
            await self.services.store.put_verified(self.services.routes.rooms_of, 0)
        self.result = result
        for invitation in self.result.invitations:
            self.services.invitations.answer(invitation, told_once=True)

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
        await services.catch_up.readings.wait(SOON)
        await services.invitations.queue.wait(SOON)
        invitations = services.invitations.queue
        kept = await services.pending.save() and not services.catch_up.is_behind()
        token = result.token if kept and invitations.idle else result.since or NOT_KNOWN
        if not invitations.repeatable:
            # One that is not answered yet stands in no later sync: the next start must ask.
            token = NOT_KNOWN
        # What could not be looked at keeps nobody waiting for the token: it goes with it.
        unsettled = services.reconciler.unsettled
        if await services.store.put_token(token, unsettled):
            await services.inbox.drop_unreadable()
        if self.cursor is not None and token != result.token:
            self.cursor.save_soon()
        if self.cursor is not None and result.since is None:
            # Without this, what is written from now on would be lost with the database.
            await self.cursor.save_in_matrix()

    async def serve(self) -> None:
        """What goes on until the plugin stops: keep looking at Matrix."""
        reconciler = self.services.reconciler
        if (report := self.result.report) is not None:
            self.services.invitations.finish(report.unfinished)
        verification = reconciler.keep_verifying()
        expiry = self._keep_dropping_expired()
        erasure = self.services.erasure.keep_erasing()
        await asyncio.gather(reconciler.serve(), verification, expiry, erasure)

    async def save_progress(self) -> None:
        """Save how far everything has come, when the plugin stops."""
        if self.cursor is not None:
            await self.cursor.save()

    async def _keep_dropping_expired(self) -> None:
        while True:
            await self.services.pending.drop_expired()
            await asyncio.sleep(self.services.timing.expiry)
