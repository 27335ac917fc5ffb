"""Writes the routes into the cache, and again after a pause for as long as the database fails.

Nobody waits for the retries: a cache that lags behind costs time at the next start, no more.
"""

from __future__ import annotations

import asyncio

from mautrix.types import UserID

from ..cache.topology_store import Store
from ..config.timing import Timing
from ..topology.routes import Routes


class CacheWrites:
    """Keeps one instance's cache in step with the routes in force."""

    def __init__(self, store: Store, routes: Routes, timing: Timing) -> None:
        """
        Args:
            store: the cache.
            routes: the routes in force.
            timing: the back-off, and the shortest pause before another try.
        """
        self.store = store
        self.routes = routes
        self.timing = timing
        self._retry: asyncio.Task[None] | None = None
        self._failures = 0
        self._closed = False

    async def put_owner(self, owner: UserID) -> None:
        """Write what is routed for an owner; if the database fails, later."""
        owners = frozenset({owner})
        if not await self.store.put_part(owners, self.routes.part(owners)):
            self.retry_if_behind()

    def retry_if_behind(self) -> None:
        """If the cache lacks something, write it after a pause, which grows with every failure."""
        if self._closed or self._retry is not None or not self.store.out_of_sync:
            return
        self._failures += 1
        pause = max(self.timing.backoff.delay(self._failures), self.timing.recheck)
        self._retry = asyncio.create_task(self._save_after(pause))

    def close(self) -> None:
        """Write nothing again."""
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()

    async def _save_after(self, pause: float) -> None:
        await asyncio.sleep(pause)
        # Cleared before the write: if the database fails again, it is tried again.
        self._retry = None
        if self.store.out_of_sync:
            await self.store.save(self.routes)
        if not self.store.out_of_sync:
            self._failures = 0
        self.retry_if_behind()
