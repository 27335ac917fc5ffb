"""The names of somebody's chats, which their owners change in Matrix: read there, a few at a time.

However many chats somebody has, and however often they ask, the homeserver is asked for no more
than a few names of theirs at once: all reads share their places. What names are for, is not known
here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from weakref import WeakValueDictionary

from mautrix.types import UserID

from ..matrix.lookups import Lookups
from ..topology.model import Chat

# Names of one person's chats that are read at the same time.
MAX_CONCURRENT = 4


class ChatNames:
    """Reads the names of chats."""

    def __init__(self, lookups: Lookups) -> None:
        self.lookups = lookups
        self._places: WeakValueDictionary[UserID, asyncio.Semaphore] = WeakValueDictionary()

    async def read(self, owner: UserID, chats: Sequence[Chat]) -> list[str | None]:
        """The name of each of these chats, in their order.

        Args:
            owner: whose chats they are.
            chats: the chats.

        Returns:
            The names: empty where a chat has none or it may not be read, None where it
            could not be read in a moment.
        """
        places = self._places.get(owner)
        if places is None:
            self._places[owner] = places = asyncio.Semaphore(MAX_CONCURRENT)

        async def read(chat: Chat) -> str | None:
            async with places:
                return await self.lookups.room_name(chat.room_id)

        return await asyncio.gather(*map(read, chats))
