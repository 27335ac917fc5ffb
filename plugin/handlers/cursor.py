"""How far everything was seen: maubot's sync tokens, noted in the cache now and then.

A token is noted only when whatever came before it is done with: the next start looks at what
came after it, and must miss nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from maubot.handlers import event
from mautrix.client import InternalEventType
from mautrix.types import SyncToken

from ..cache.store import Store

# Seconds between two writes while nothing else is written.
INTERVAL = 30.0


class Cursor:
    """Follows maubot's syncs."""

    def __init__(self, store: Store, is_idle: Callable[[], bool], start: SyncToken) -> None:
        """
        Args:
            store: where the token is noted.
            is_idle: tells whether everything that was delivered is done with.
            start: the token up to which everything was seen when the plugin started.
        """
        self.store = store
        self.is_idle = is_idle
        self._delivered = start
        self._done = start
        self._noted_at = time.monotonic()

    @event.on(InternalEventType.SYNC_SUCCESSFUL)
    async def follow(self, happened: dict[str, Any]) -> None:
        """Note that another sync came: what the one before it brought has been delivered."""
        if self.is_idle():
            self._done = self._delivered
        self._delivered = SyncToken(happened["data"].get("next_batch") or self._delivered)
        if time.monotonic() - self._noted_at >= INTERVAL:
            await self.note()

    async def note(self) -> None:
        """Write the token down."""
        self._noted_at = time.monotonic()
        await self.store.put_token(self._done)
