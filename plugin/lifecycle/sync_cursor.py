"""How far everything was seen: maubot's sync tokens, noted in the cache now and then.

A token is noted only when whatever came before it is done with: the next start looks at what
came after it, and must miss nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

import attr
from maubot.handlers import event
from mautrix.client import InternalEventType
from mautrix.errors import MatrixRequestError
from mautrix.types import SyncToken

from ..cache.topology_store import Store
from ..failpoints import failpoint
from ..matrix.account_data import AccountData
from ..matrix.api import NoAnswer
from ..topology.scope import Scope

# Seconds that a write to Matrix may take.
LONGEST_WRITE = 3.0


@attr.frozen
class Tokens:
    """Up to which sync token everything was delivered, and is done with; empty where that cannot
    be said."""

    delivered: SyncToken
    answered: SyncToken
    interval: float


class Progress(Protocol):
    """How far what maubot delivered has come."""

    def is_kept(self) -> bool:
        """Everything is in the database, or done with."""

    def is_done(self) -> bool:
        """Everything is done with."""

    @property
    def unsettled(self) -> Scope:
        """What of the topology must be looked at again although the token is past it."""


class SyncCursor:
    """Follows maubot's syncs."""

    def __init__(
        self, store: Store, account_data: AccountData, progress: Progress, start: Tokens
    ) -> None:
        """
        Args:
            store: where the token is noted.
            account_data: holds it too, for when the database is gone.
            progress: tells how far what was delivered has come.
            start: how far everything had come when the plugin started.
        """
        self.store = store
        self.account_data = account_data
        self.progress = progress
        self._delivered = start.delivered
        # Up to which token everything is in the database; the start notes its own itself.
        self._kept = SyncToken("")
        self._answered = start.answered
        self._interval = start.interval
        self._saved_at = time.monotonic()
        self._eventful = False

    @event.on(InternalEventType.SYNC_SUCCESSFUL)
    async def follow(self, happened: dict[str, Any]) -> None:
        """Note that another sync came: what the one before it brought has been delivered."""
        if self.progress.is_kept():
            self._kept = self._delivered
        if self.progress.is_done():
            self._answered = self._delivered
        sync = happened["data"]
        self._delivered = SyncToken(sync.get("next_batch") or self._delivered)
        # A token that nothing came after is as good as any later one.
        self._eventful = self._eventful or any((sync.get("rooms") or {}).values())
        if time.monotonic() - self._saved_at >= self._interval:
            await self.save()

    def save_soon(self) -> None:
        """See that the token is written down next time although nothing happens: what stands in
        the database is older than what is done with."""
        self._eventful = True

    async def save(self) -> None:
        """Write the token down, unless nothing happened since the last time."""
        self._saved_at = time.monotonic()
        if self._eventful:
            self._eventful = False
            if self._kept:
                await self.store.put_token(self._kept, self.progress.unsettled)
            failpoint("token_saved")
            await self.save_in_matrix()

    async def save_in_matrix(self) -> None:
        """Write the token into the bot's account data. It stands for a database that is gone, with
        the messages in it: what came before it must be answered."""
        if not self._answered:
            return
        try:
            # A stop must not wait for a homeserver that is away.
            await asyncio.wait_for(self.account_data.write_cursor(self._answered), LONGEST_WRITE)
        except (NoAnswer, MatrixRequestError, asyncio.TimeoutError) as error:
            self.store.log.debug("The cursor was not written to Matrix: %s", error)
