"""Lets one piece of an assistant's answer stand in one event, whatever stood there before.

Its first words are sent under a key made from the question, so that a second event of that piece
cannot come about, whatever is killed; everything after that is an edit. Which pieces there are is
for answers.py to know.
"""

from __future__ import annotations

import itertools
from typing import Any
from uuid import uuid4

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import EventID

from ..markup.unfinished import close_blocks
from ..message import IncomingMessage
from ..topology.standing_answer import AGAIN_KEY, LIVE_KEY, AnswerEvent, Ending, StandingAnswer
from .message_content import Looks, make_content, make_edit, make_reply, mark_answer
from .room_messages import RoomMessages
from .timeline import Timeline

# Events under one key's successors that were taken back by somebody, until that is believed.
MOST_TAKEN_BACK = 5


@attr.frozen
class Piece:
    """A piece of an answer on its way into the room.

    Attributes:
        asked: the message that is answered.
        number: its number.
        text: its text.
        ending: how it ends, as long as it is not gone on with.
        least: how many events must be spare after it; None if it is needed.
    """

    asked: IncomingMessage
    number: int
    text: str
    ending: Ending
    least: int | None = None

    def put_in(self, event_id: EventID, again: tuple[EventID, ...]) -> AnswerEvent:
        """The event, with this piece in it.

        Args:
            event_id: the event.
            again: what the answer takes into account.
        """
        return AnswerEvent(event_id, self.text, self.ending.marks, self.ending.remark, again)


class PieceWriter:
    """Writes pieces of answers into their rooms."""

    def __init__(self, messages: RoomMessages, timeline: Timeline) -> None:
        """
        Args:
            messages: sends them.
            timeline: tells what stands in a room, where that is in doubt.
        """
        self.messages = messages
        self._timeline = timeline
        # No earlier run of the plugin used these for its edits.
        self._edits = (f"edit-{uuid4().hex[:8]}-{number}" for number in itertools.count())

    async def bring(self, piece: Piece, standing: StandingAnswer, looks: Looks) -> bool:
        """Let a piece stand in its event.

        Args:
            piece: the piece; of those before it each has its event.
            standing: what stands in the room; kept up to date, so that this can be done again.
            looks: what the pieces of this text look like.

        Returns:
            Whether it does; one that nobody needs may not.

        Raises:
            NoAnswer, MatrixRequestError: nobody knows; it does not.
        """
        if piece.ending.remark:
            # The remark stands below code that breaks off, not in it.
            piece = attr.evolve(piece, text=close_blocks(piece.text))
        number = piece.number
        if number < len(standing.events) and _stands(piece, standing):
            return True
        if piece.least is not None and not self.messages.api.can_spare(piece.least):
            return False
        content = make_content(piece.text, "m.text", piece.ending.remark)
        content |= mark_answer(piece.asked, self.messages.instance, piece.ending.marks)
        content |= {AGAIN_KEY: list(standing.again)} if standing.again else {}
        await looks.add(content, unfinished=LIVE_KEY in piece.ending.marks)
        if number == len(standing.events):
            begun = await self._begin(piece, content, standing)
            if begun is None:
                return False
            standing.events.append(begun)
            if _stands(piece, standing):
                return True
        return await self._edit(piece, content, standing)

    async def _edit(self, piece: Piece, content: dict[str, Any], standing: StandingAnswer) -> bool:
        number = piece.number
        before = standing.events[number]
        edited = piece.put_in(before.event_id, standing.again)
        edited = attr.evolve(edited, sent_at=before.sent_at)
        key = f"{piece.asked.event_id}-{number}-{next(self._edits)}"
        # If nobody hears what becomes of it, either may stand there: no end, in any case.
        standing.events[number] = attr.evolve(edited, marks=edited.marks | {LIVE_KEY})
        try:
            edit = make_edit(before.event_id, content)
            sent = await self.messages.send(piece.asked.room_id, edit, key, piece.least)
        except MatrixRequestError:
            standing.events[number] = before
            raise
        standing.events[number] = before if sent is None else edited
        return sent is not None

    async def _begin(
        self, piece: Piece, content: dict[str, Any], standing: StandingAnswer
    ) -> AnswerEvent | None:
        """Send a piece as an event of its own.

        Returns:
            What stands under its key, which an earlier run may have sent; None if nothing does.
        """
        asked, in_doubt = piece.asked, standing.uncertain
        is_next = self.messages.last.is_last(asked.room_id, asked.event_id)
        if asked.thread is not None or not (piece.number or is_next):
            # Nobody could tell otherwise what it answers.
            content = {**content, "m.relates_to": make_reply(asked)}
        base = standing.key or asked.event_id
        key = f"{base}-{piece.number}{'-anew' if standing.replaced else ''}"
        # More are used up by events that are to be taken back for this one.
        most = MOST_TAKEN_BACK + len(standing.replaced)
        successors = (f"{key}-{attempt}" for attempt in range(1, most))
        replaced = {event.event_id for event in standing.replaced}
        begun = None
        for one in (key, *successors):
            standing.uncertain = True
            event_id = await self.messages.send(asked.room_id, content, one, piece.least)
            standing.uncertain = in_doubt
            if event_id is None:
                return None
            if event_id in replaced:
                continue
            begun = piece.put_in(event_id, standing.again)
            if not in_doubt:
                break
            found = await self._timeline.answer_event(asked.room_id, event_id)
            if found is not None:
                return found
            # It was taken back: under its key nothing can be said any more.
        return begun


def _stands(piece: Piece, standing: StandingAnswer) -> bool:
    """Whether nothing has to be done for a piece that has its event."""
    event = standing.events[piece.number]
    return event == piece.put_in(event.event_id, standing.again)
