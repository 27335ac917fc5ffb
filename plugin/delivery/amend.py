"""What their writers do about messages that are not answered yet: edit, take back, ask for again,
give up.

An answered message is none of these any more, and one whose turn has come is only given up.
"""

from __future__ import annotations

import asyncio

from mautrix.types import EventID, RoomID

from ..cache.inbox import PendingMessage, State
from ..matrix.backlog import read_unanswered
from ..matrix.timeline import Timeline
from ..message import IncomingMessage
from .pending import PendingMessages


class Amend:
    """Changes messages on their way."""

    def __init__(self, pending: PendingMessages, timeline: Timeline) -> None:
        self.pending = pending
        self.timeline = timeline

    def edit(self, message: IncomingMessage) -> None:
        """Let an edit replace a message whose turn has not come; any other edit is none."""
        assert message.replaces is not None
        waiting = self.pending.open.get(message.replaces)
        found = waiting or self.pending.aside.get(message.room_id, {}).get(message.replaces)
        if found is None or found.started:
            return
        found.message = found.message.edited(message)
        self.pending.revise(found, State.SET_ASIDE if waiting is None else State.WAITING)

    def withdraw(self, room_id: RoomID, event_id: EventID) -> None:
        """Drop a message that was redacted before its turn came."""
        aside = self.pending.aside.get(room_id, {})
        found = self.pending.open.get(event_id) or aside.pop(event_id, None)
        if found is not None and not found.started:
            self.pending.spawn(self.pending.finish(found))

    async def retry(self, asked: IncomingMessage) -> int:
        """Take up what was set aside in a room, in its order; how many messages that is.

        Args:
            asked: the message that asks for it. If nothing is known to be set aside, the room's
                timeline tells: the database may have been deleted since.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        again = list(self.pending.aside.pop(asked.room_id, {}).values())
        if not again:
            unanswered = await read_unanswered(asked.room_id, asked.event_id, self.timeline)
            again = [
                PendingMessage(one)
                for one in unanswered
                if one.sender == asked.sender
                and one.is_text
                and one.event_id not in self.pending.open
            ]
        await self.pending.inbox.put([one.message for one in again])
        for one in again:
            self.pending.queue(PendingMessage(one.message, answer=one.answer))
        return len(again)

    async def give_up(self, room_id: RoomID, keep: EventID) -> list[EventID]:
        """Drop what waits, is set aside or goes on in a room; which messages that is.

        Args:
            room_id: the room.
            keep: the message that asks for it.
        """
        dropped = list(self.pending.aside.pop(room_id, {}).values())
        dropped += [
            one
            for one in self.pending.open.values()
            if one.message.room_id == room_id and one.message.event_id != keep
        ]
        if any(one.started for one in dropped):
            self.pending.queues.interrupt(room_id)
        await asyncio.gather(*(self.pending.finish(one) for one in dropped))
        return [one.message.event_id for one in dropped]
