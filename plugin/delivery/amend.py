"""What their writers do about messages that are not answered yet: edit, take back, ask for again,
give up.

An answered message is none of these any more, and one whose turn has come is only given up.
"""

from __future__ import annotations

import asyncio

from mautrix.types import EventID, RoomID

from ..cache.inbox import State
from ..matrix.backlog import read_unanswered
from ..matrix.timeline import Timeline
from ..message import Letter
from .pending import Case, Cases


class Amendments:
    """Changes messages on their way."""

    def __init__(self, cases: Cases, timeline: Timeline) -> None:
        self.cases = cases
        self.timeline = timeline

    def edit(self, letter: Letter) -> None:
        """Let an edit replace a message whose turn has not come; any other edit is none."""
        assert letter.replaces is not None
        waiting = self.cases.open.get(letter.replaces)
        found = waiting or self.cases.aside.get(letter.room_id, {}).get(letter.replaces)
        if found is None or found.begun:
            return
        found.letter = found.letter.edited(letter)
        self.cases.revise(found, State.SET_ASIDE if waiting is None else State.WAITING)

    def withdraw(self, room_id: RoomID, event_id: EventID) -> None:
        """Drop a message that was redacted before its turn came."""
        aside = self.cases.aside.get(room_id, {})
        found = self.cases.open.get(event_id) or aside.pop(event_id, None)
        if found is not None and not found.begun:
            self.cases.spawn(self.cases.finish(found))

    async def retry(self, asked: Letter) -> int:
        """Take up what was set aside in a room, in its order; how many messages that is.

        Args:
            asked: the message that asks for it. If nothing is known to be set aside, the room's
                timeline tells: the database may have been deleted since.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        again = list(self.cases.aside.pop(asked.room_id, {}).values())
        if not again:
            unanswered = await read_unanswered(asked.room_id, asked.event_id, self.timeline)
            again = [
                Case(one)
                for one in unanswered
                if one.sender == asked.sender
                and one.is_text
                and one.event_id not in self.cases.open
            ]
        await self.cases.inbox.put([one.letter for one in again])
        for one in again:
            self.cases.queue(Case(one.letter, one.answer))
        return len(again)

    async def give_up(self, room_id: RoomID, keep: EventID) -> list[EventID]:
        """Drop what waits, is set aside or goes on in a room; which messages that is.

        Args:
            room_id: the room.
            keep: the message that asks for it.
        """
        dropped = list(self.cases.aside.pop(room_id, {}).values())
        dropped += [
            one
            for one in self.cases.open.values()
            if one.letter.room_id == room_id and one.letter.event_id != keep
        ]
        if any(one.begun for one in dropped):
            self.cases.queues.interrupt(room_id)
        await asyncio.gather(*(self.cases.finish(one) for one in dropped))
        return [one.letter.event_id for one in dropped]
