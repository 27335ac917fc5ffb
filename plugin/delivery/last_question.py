"""Finds the question that is asked again: the last one before an edit of it, or before `!again`.

The timeline tells, when the turn of whatever asks again has come: it knows what was answered by
then, whatever became of the database. Edits of older questions change what is told of them later,
and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attr
from mautrix.types import EventID

from ..cache.pending_message import PendingMessage
from ..matrix.message_edits import apply_edits
from ..matrix.timeline import Timeline
from ..message import IncomingMessage, parse_message
from .pending import PendingMessages

IsQuestion = Callable[[IncomingMessage], bool]


class LastQuestions:
    """Finds what is asked again."""

    def __init__(self, timeline: Timeline, pending: PendingMessages) -> None:
        """
        Args:
            timeline: tells what was written and answered.
            pending: where the question may still be.
        """
        self._timeline = timeline
        self._pending = pending

    async def find(self, pending: PendingMessage, is_question: IsQuestion) -> bool:
        """Let a message have the last question before it asked again.

        Args:
            pending: an edit, or the command to ask again; it is told the question, and what
                stands of its answer.
            is_question: whether a message is for the assistant.

        Returns:
            Whether there is one to ask: that is not done already, and of an edit, the one that it
            edits.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        if pending.question is not None:
            return True
        # What was asked already is not what was edited since.
        message, later = pending.message, pending.answer is None
        question = await self._last_before(message, is_question, later)
        if question is None or {pending.ending.of, message.replaces} - {None, question.event_id}:
            # It is about another one.
            return False
        asked = question.edited(message)
        if message.replaces is None and not (later and question.edited_at > message.sent_at):
            asked = attr.evolve(question, revision=message.event_id)
        edits = message.replaces is not None
        # A later edit may have been taken into account before this one came.
        by = (message.event_id, asked.key) if edits else (message.event_id,)
        ids, senders = (asked.event_id, *by), (message.sender,)
        found = await self._timeline.answers(message.room_id, ids, senders, edits)
        # What was kept of one that was stopped is still to be said: the word about it may stand.
        is_done = any(found[one].whole for one in by) and pending.answer is None
        if is_done or not is_question(asked):
            return False
        pending.standing = found[asked.event_id].standing
        pending.standing.key = message.event_id
        pending.question = asked
        self._take_over(pending, asked)
        return True

    async def _last_before(
        self, message: IncomingMessage, is_question: IsQuestion, later: bool
    ) -> IncomingMessage | None:
        events = await self._timeline.events_before(message, later)
        written = [one for event in events if (one := parse_message(event)) is not None]
        # A command stays one, whatever is made of it later, and no edit makes one.
        others = {one.event_id for one in written if not is_question(one)}
        counting = [
            one
            for one in written
            if one.sender == message.sender
            and (one.replaces is None or not one.is_text or one.event_id not in others)
        ]
        questions = [
            one for one in apply_edits(counting) if one.event_id not in others and is_question(one)
        ]
        if not questions:
            return None
        ids = [event.get("event_id") for event in events]
        newer = events[ids.index(questions[-1].event_id) + 1 :]
        # The last question may have been taken back since: the one before it was not meant.
        gone = [EventID(str(one.get("event_id"))) for one in newer if _was_there(message, one)]
        if message.replaces is None and await self._was_asked(gone, questions[-1]):
            return None
        return questions[-1]

    async def _was_asked(self, gone: Sequence[EventID], question: IncomingMessage) -> bool:
        """Whether one of some messages that were taken back was no edit of the question before
        them: nothing says that one was, but the answer that takes it into account."""
        if not gone:
            return False
        both, senders = (question.event_id, *gone), (question.sender,)
        found = await self._timeline.answers(question.room_id, both, senders, edits=False)
        return any(found[event_id].of != question.event_id for event_id in gone)

    def _take_over(self, pending: PendingMessage, question: IncomingMessage) -> None:
        """Let the question itself be asked no more, where it is set aside or waits."""
        event_id = question.event_id
        waiting = self._pending.aside.pop(event_id) or self._pending.open.get(event_id)
        if waiting is not None:
            self._pending.let_go(waiting)
            pending.settles = (event_id,)


def _was_there(message: IncomingMessage, event: Mapping[str, Any]) -> bool:
    """Whether an event is a message of the same person that was taken back after this message was
    written. The times are of one server: who writes takes back."""
    unsigned = event.get("unsigned")
    redaction = unsigned.get("redacted_because") if isinstance(unsigned, dict) else None
    taken_back_at = redaction.get("origin_server_ts") if isinstance(redaction, dict) else None
    is_theirs = event.get("sender") == message.sender and event.get("type") == "m.room.message"
    return is_theirs and isinstance(taken_back_at, int) and taken_back_at > message.sent_at
