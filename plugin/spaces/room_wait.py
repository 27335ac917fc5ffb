"""Who waits for rooms that cannot be read: only somebody whose they may be, and not for ever.

One small read of such a room tells more than nothing: who made it, and for whom. What turns out
after the wait to have been an owner's Space is merged when it can be read.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..matrix.api import NoAnswer
from ..matrix.lookups import Lookups
from ..topology.model import BINDING_TYPE, MARKER_TYPE
from ..topology.scope import Scope

if TYPE_CHECKING:
    from ..reconciler.loop import Reconciler

# Small reads of one person's at the same time: half of the places that all reads share.
MAX_CONCURRENT = 4


class RoomWait:
    """Tells whose the rooms may be that one instance could not read."""

    def __init__(self, lookups: Lookups, reconciler: Reconciler) -> None:
        """
        Args:
            lookups: reads single state events.
            reconciler: looks at the rooms again, and remembers which are foreign.
        """
        self.lookups = lookups
        self.reconciler = reconciler
        self.known_rooms = reconciler.known_rooms
        self.routes = reconciler.routes
        self.timing = reconciler.timing
        self.log = reconciler.log

    async def wait_for(self, owner: UserID, until: float, spaces: bool) -> None:
        """Wait while a room that cannot be read may be this owner's.

        Args:
            owner: who waits.
            until: the event loop's time at which the wait ends in any case.
            spaces: only a Space is looked for; otherwise a chat is.
        """
        loop = asyncio.get_running_loop()
        for attempt in itertools.count(1):
            theirs = await self._possibly_of(owner, until - loop.time(), spaces)
            left = until - loop.time()
            if not theirs or left <= 0:
                break
            self.reconciler.request(Scope(frozenset({owner}), theirs))
            await asyncio.sleep(min(left, self.timing.backoff.delay(attempt)))
        if theirs:
            self.log.warning("%d unread rooms may be %s's; not waiting longer", len(theirs), owner)

    def deadline(self) -> float:
        """When a wait that begins now ends, in the event loop's time."""
        return asyncio.get_running_loop().time() + self.timing.room_wait

    async def _possibly_of(self, owner: UserID, seconds: float, spaces: bool) -> frozenset[RoomID]:
        """The unread rooms that are this owner's, or of which that could not be told in time."""
        unread = [one for one in self.routes.unread if self._owner_of(one) in (None, owner)]
        if not unread:
            return frozenset()
        places = asyncio.Semaphore(MAX_CONCURRENT)

        async def ask(room_id: RoomID) -> bool:
            async with places:
                return await self._may_be_of(room_id, owner, spaces)

        asked = {asyncio.create_task(ask(one)): one for one in sorted(unread)}
        try:
            await asyncio.wait(asked, timeout=max(seconds, 0))
            return frozenset(
                room_id for task, room_id in asked.items() if not task.done() or task.result()
            )
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    def _owner_of(self, room_id: RoomID) -> UserID | None:
        """Whose Space or chat a room was known to be, before it could not be read any more."""
        chat = self.routes.lookup(room_id)
        return self.routes.owner_of(room_id) if chat is None else chat.owner

    async def _may_be_of(self, room_id: RoomID, owner: UserID, spaces: bool) -> bool:
        try:
            creation = await self.lookups.creation(room_id)
            if creation.is_foreign(self.lookups.bot):
                self.known_rooms.exclude(room_id)
                return False
            if spaces and not creation.is_space:
                return False
            mark = MARKER_TYPE if creation.is_space else BINDING_TYPE
            named = await self.lookups.state_value(room_id, mark, "matrix_user_id", "")
        except MatrixRequestError:
            # The bot may not look into that room, so it is none of its own.
            return False
        except NoAnswer:
            return True
        return named in ("", owner)
