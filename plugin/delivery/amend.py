"""What people do about their messages that are not answered yet: edit, redact, retry, cancel.

An answered message cannot be changed any more, and one whose turn has come only be cancelled.
"""

from __future__ import annotations

from collections.abc import Callable

from mautrix.types import EventID, RoomID

from ..cache.inbox import PendingMessage
from ..matrix.backlog import read_unanswered
from ..matrix.timeline import Timeline
from ..message import IncomingMessage
from .pending import PendingMessages
from .room_queues import RoomQueues


class Amend:
    """Changes messages on their way."""

    def __init__(self, pending: PendingMessages, timeline: Timeline, queues: RoomQueues) -> None:
        """
        Args:
            pending: the messages.
            timeline: tells what is unanswered where the database does not.
            queues: where the work on a message is ended.
        """
        self.pending = pending
        self.timeline = timeline
        self.queues = queues

    def edit(self, edit: IncomingMessage) -> None:
        """Let an edit replace a message whose turn has not come; any other edit is none."""
        assert edit.replaces is not None
        aside = self.pending.aside.get(edit.room_id, {})
        found = self.pending.open.get(edit.replaces) or aside.get(edit.replaces)
        if found is not None and not found.started:
            found.message = found.message.edited(edit)
            self.pending.revise(found)

    def redact(self, room_id: RoomID, event_id: EventID) -> None:
        """Drop a message that was redacted before its turn came."""
        aside = self.pending.aside.get(room_id, {})
        found = self.pending.open.get(event_id) or aside.pop(event_id, None)
        if found is not None and not found.started:
            self.pending.spawn(self.pending.complete(found))

    async def retry(self, asked: PendingMessage, describe: Callable[[int], str]) -> str:
        """Take up what was set aside in a room, in its order.

        Args:
            asked: the message that asks for it, which is given its answer: neither is kept
                without the other. If nothing is known to be set aside, the room's timeline
                tells: the database may have been deleted since.
            describe: the answer, for so many messages.

        Returns:
            That answer.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        message = asked.message
        again = list(self.pending.aside.pop(message.room_id, {}).values())
        if not again:
            again = await self._unanswered(message)
        answer = describe(len(again))
        await self.pending.take_up_again(again, asked, answer)
        return answer

    async def cancel(self, asked: PendingMessage, describe: Callable[[int], str]) -> str:
        """Drop what waits, is set aside or is being answered in a room, but no command that needs
        no turn.

        Args:
            asked: the message that asks for it, which is given its answer, as for `retry`.
            describe: the answer, for so many messages.

        Returns:
            That answer.
        """
        room_id = asked.message.room_id
        dropped = list(self.pending.aside.pop(room_id, {}).values())
        dropped += [
            one
            for one in self.pending.open.values()
            if one.message.room_id == room_id and one is not asked and not one.at_once
        ]
        if any(one.started for one in dropped):
            self.queues.interrupt(room_id)
        answer = describe(len(dropped))
        await self.pending.give_up(dropped, asked, answer)
        return answer

    async def _unanswered(self, asked: IncomingMessage) -> list[PendingMessage]:
        return [
            PendingMessage(one)
            for one in await read_unanswered(asked, self.timeline)
            if one.is_text and one.event_id not in self.pending.open
        ]
