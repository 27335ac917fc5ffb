"""What people have done about their messages that are not answered yet: retry, cancel."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from mautrix.types import RoomID

from ..cache.pending_message import PendingMessage, State
from ..matrix.backlog import read_unanswered
from ..matrix.message_edits import IsCommand
from ..matrix.timeline import Timeline
from ..message import IncomingMessage
from .pending import PendingMessages
from .room_queues import RoomQueues
from .unfinished import Unfinished


class Amend:
    """Changes messages on their way.

    Attributes:
        cancelled: by room, what cancelled those of its messages that are still being read.
    """

    def __init__(
        self,
        pending: PendingMessages,
        timeline: Timeline,
        queues: RoomQueues,
        unfinished: Unfinished,
    ) -> None:
        """
        Args:
            pending: the messages.
            timeline: tells what is unanswered where the database does not.
            queues: where the work on a message is ended.
            unfinished: ends what was shown of an answer that is given up.
        """
        self.pending = pending
        self.timeline = timeline
        self.queues = queues
        self.unfinished = unfinished
        self.cancelled: dict[RoomID, IncomingMessage] = {}

    async def retry(
        self, asked: PendingMessage, is_command: IsCommand, describe: Callable[[int], str]
    ) -> str:
        """Take up what was set aside in a room, in its order.

        Args:
            asked: the message that asks for it, which is given its answer: neither is kept
                without the other. If nothing is known to be set aside, the room's timeline
                tells: the database may have been deleted since.
            is_command: whether a text is a command.
            describe: the answer, for so many messages.

        Returns:
            That answer.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        message = asked.message
        await self.pending.drop_expired()
        again = await self._still_unanswered(message) or await self._unanswered(
            message, is_command
        )
        answer = describe(len(again))
        for one in again:
            self.pending.aside.pop(one.message.event_id)
        # Ordered at the same moment, so they are in one transaction: neither is in the inbox
        # without the other.
        await asyncio.gather(
            self.pending.inbox.put([one.message for one in again]),
            self.pending.keep_answer(asked, answer),
        )
        for one in again:
            self.pending.add(
                PendingMessage(
                    one.message, answer=one.answer, ending=one.ending, standing=one.standing
                )
            )
        return answer

    async def cancel(self, asked: PendingMessage, describe: Callable[[int, bool], str]) -> str:
        """Drop what waits, is set aside or is being answered in a room, but no command that needs
        no turn.

        Args:
            asked: the message that asks for it, which is given its answer, as for `retry`.
            describe: the answer, for so many messages; and whether there may be more, which are
                still being read.

        Returns:
            That answer.
        """
        room_id = asked.message.room_id
        await self.pending.drop_expired()
        dropped = self.pending.aside.take(room_id)
        # What was written after it is not meant.
        earlier = itertools.takewhile(lambda one: one is not asked, self.pending.open.values())
        dropped += [one for one in earlier if one.message.room_id == room_id and not one.at_once]
        is_answering = any(one.started for one in dropped)
        ending = self.queues.interrupt(room_id) if is_answering else set()
        for one in dropped:
            self.pending.let_go(one)
        # They leave the inbox with the message that asks for it, when its reply stands.
        asked.settles = tuple(one.message.event_id for one in dropped)
        answer = describe(len(dropped), room_id in self.cancelled)
        given_up = [one.message for one in dropped]
        # As above.
        await asyncio.gather(
            self.pending.inbox.put(given_up, State.GIVEN_UP),
            self.pending.keep_answer(asked, answer),
        )
        if ending:
            await asyncio.wait(ending)
        for one in dropped:
            self.unfinished.end_later(one.asked, one.standing)
        return answer

    def given_up(self, room_id: RoomID) -> int:
        """Up to when what was sent in a room and is still being read is given up, in milliseconds
        since the epoch; 0 if none of it is."""
        asked = self.cancelled.get(room_id)
        return 0 if asked is None else asked.sent_at

    def drop_cancelled(self, room_id: RoomID) -> None:
        """Drop what was cancelled in a room before it had been read; all of it has been by now,
        and none was begun."""
        asked = self.cancelled.pop(room_id, None)
        if asked is None:
            return
        waiting = [one for one in self.pending.open.values() if one.message.room_id == room_id]
        for one in (*waiting, *self.pending.aside.in_room(room_id)):
            # What was read may be newer than what cancelled the rest.
            if not one.started and one.message.sent_at < asked.sent_at:
                self.pending.aside.pop(one.message.event_id)
                self.pending.let_go(one)
                self.pending.spawn(self.pending.complete(one))
                self.unfinished.end_later(one.asked, one.standing)

    async def _still_unanswered(self, asked: IncomingMessage) -> list[PendingMessage]:
        """What is set aside in a room; of what an earlier run left, the timeline tells whether
        it was answered: the database may not have taken that."""
        aside = self.pending.aside
        here = aside.in_room(asked.room_id)
        over = [one.message for one in here if one.is_left_over]
        left, edits = [one.event_id for one in over], any(one.replaces for one in over)
        answers = {}
        if left:
            answers = await self.timeline.answers(asked.room_id, left, (asked.sender,), edits)
        for event_id, status in answers.items():
            left_over = aside.get(event_id)
            if left_over is None:
                continue
            left_over.standing = status.standing
            if status.whole or status.notices:
                aside.pop(event_id)
                await self.pending.complete(left_over)
        return aside.in_room(asked.room_id)

    async def _unanswered(
        self, asked: IncomingMessage, is_command: IsCommand
    ) -> list[PendingMessage]:
        oldest = asked.sent_at - self.pending.aside.hours * 3_600_000
        return [
            PendingMessage(one, standing=status.standing)
            for one, status in await read_unanswered(asked, is_command, self.timeline)
            if one.is_text and one.sent_at >= oldest and one.event_id not in self.pending.open
        ]
