"""The places of one platform: only so many conversations with it go on at a time.

They are shared among people first, and among somebody's chats second. What a place is for is not
known here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator

from mautrix.types import UserID


class FairSlots:
    """The places of one platform.

    Somebody gets a further place only while more places are free than they have. So one person
    can have half of them, two can have a third each, and whoever has none finds one free.
    """

    def __init__(self, limit: int) -> None:
        """
        Args:
            limit: how many places there are.
        """
        self._free = limit
        self._held: Counter[UserID] = Counter()
        self._waiting: dict[UserID, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def slot(self, person: UserID) -> AsyncIterator[None]:
        """Wait for a place and hold it: who has the fewest comes first, then who came first."""
        place = None
        if person in self._waiting or self._held[person] >= self._free:
            place = self._queue(person)
        else:
            self._free -= 1
            self._held[person] += 1
        try:
            if place is not None:
                await place
            yield
        finally:
            # A place may be handed out in the moment in which nobody wants it any more.
            if place is None or (place.done() and not place.cancelled()):
                self._free += 1
                self._held[person] -= 1
                if not self._held[person]:
                    del self._held[person]
                if self._waiting:
                    self._hand_out()

    def _queue(self, person: UserID) -> asyncio.Future[None]:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(person, deque()).append(place)
        # Nobody else may be left to do so: those before this one may have given up.
        self._hand_out()
        return place

    def _hand_out(self) -> None:
        while waiting := [one for one in self._waiting if self._held[one] < self._free]:
            person = min(waiting, key=self._held.__getitem__)
            # Put back at the end: of those who have as many, everybody gets one in turn.
            queue = self._waiting.pop(person)
            place = queue.popleft()
            if queue:
                self._waiting[person] = queue
            if not place.done():
                self._free -= 1
                self._held[person] += 1
                place.set_result(None)
