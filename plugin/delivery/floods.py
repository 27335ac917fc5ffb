"""Tells whoever writes more than may wait of what is set aside, once for each flood and room.

A flood lasts until no more than half as many of a person's messages wait as may. What is set aside
is decided elsewhere.
"""

from __future__ import annotations

import asyncio

from mautrix.types import RoomID, UserID

from ..message import IncomingMessage
from .notices import Notices
from .pending import PendingMessages


class Floods:
    """The floods of one instance.

    Attributes:
        told: who was told of one that is not over, and where.
    """

    def __init__(self, pending: PendingMessages, notices: Notices) -> None:
        """
        Args:
            pending: where messages wait for their turn.
            notices: tells people.
        """
        self.told: dict[UserID, frozenset[RoomID]] = {}
        self._pending = pending
        self._notices = notices

    def note(self, message: IncomingMessage, saving: asyncio.Task[None] | None) -> None:
        """Say in a message's room that too many of its writer's messages wait, unless that was
        said there; or take what comes beyond from now on for another flood, if this one is over.

        Args:
            message: one that was taken in.
            saving: ends when it is kept as one that is set aside; None if it waits for its turn.
        """
        sender = message.sender
        if saving is not None:
            rooms = self.told.get(sender, frozenset())
            if message.room_id not in rooms:
                self.told[sender] = rooms | {message.room_id}
                self._pending.spawn(self._say(message, saving))
        elif sender in self.told and self._pending.is_half_empty(sender):
            del self.told[sender]

    async def _say(self, message: IncomingMessage, saving: asyncio.Task[None]) -> None:
        # Nobody is told of what a kill could still undo.
        await asyncio.wait({saving})
        pending = self._pending
        await self._notices.queue_is_full(message, pending.longest_queue, pending.aside)
