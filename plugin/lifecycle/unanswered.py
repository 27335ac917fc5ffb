"""Which messages of a backlog are to be answered, in the room's order.

A message that was edited is one, as the last edit left it, for as long as it has no answer; after
that the last edit of it wants a turn of its own, unless an answer says that it was taken into
account. Pure: what stands in the room is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attr
from mautrix.types import EventID

from ..cache.pending_message import PendingMessage, State
from ..matrix.answer_status import AnswerStatus
from ..matrix.message_edits import apply_edits
from ..message import IncomingMessage

NOTHING = AnswerStatus()


@attr.frozen
class Unanswered:
    """What was written while nobody was there.

    Attributes:
        messages: messages, and the last edit of each message, in the order of the room.
    """

    messages: tuple[IncomingMessage, ...]

    @classmethod
    def of(
        cls,
        written: Iterable[IncomingMessage],
        left_out: Iterable[EventID],
        answered: Mapping[EventID, EventID],
    ) -> Unanswered:
        """What may want an answer.

        Args:
            written: messages and edits that would be answered if they came now, in their order.
            left_out: what is known already, or was taken back.
            answered: of these the messages whose answer is had, each with what made it what it
                was then: only what edited it later is an edit of an answered message.
        """
        written, out = list(written), set(left_out)
        edits: dict[EventID, IncomingMessage] = {}
        for one in written:
            if one.replaces is not None:
                edits[one.replaces] = max(edits.get(one.replaces, one), one, key=_order)
        standing = {one.event_id: one for one in apply_edits(written)}
        standing |= {
            one.event_id: one
            for one in edits.values()
            if one.replaces not in out or answered.get(one.replaces, one.event_id) != one.event_id
        }
        return cls(
            tuple(
                standing[one.event_id]
                for one in written
                if one.event_id in standing and one.event_id not in out
            )
        )

    def select(
        self, statuses: Mapping[EventID, AnswerStatus], kept: Mapping[EventID, bool]
    ) -> list[IncomingMessage]:
        """Those of them that are to be answered, or looked at again because of what stands.

        Args:
            statuses: what stands of the answers.
            kept: the messages that the inbox holds, and whether each is still to be asked.
        """
        ids = {one.event_id for one in self.messages if one.replaces is None}
        asked = {event_id for event_id, is_asked in kept.items() if is_asked}
        known = {one.event_id for one in self.messages} | kept.keys()
        due = {event_id for event_id in known if not statuses.get(event_id, NOTHING).whole}
        chosen = []
        for one in self.messages:
            status = statuses.get(one.event_id, NOTHING)
            # What is done with is not ended, either, while another goes on with its answer.
            others = (due if status.whole else ids | kept.keys()) - {one.event_id}
            taken_over = status.of is None and others & set(status.standing.again)
            if one.replaces is None and not taken_over:
                chosen.append(one)
                asked |= set() if status.whole else {one.event_id}
            elif one.replaces is not None and not status.whole and one.replaces not in asked:
                chosen.append(one)
        return chosen


def _order(edit: IncomingMessage) -> tuple[int, EventID]:
    return edit.order


def asked_of(message: IncomingMessage, status: AnswerStatus) -> IncomingMessage:
    """What is answered: the message, or the question that it has asked again."""
    return message if status.of is None else attr.evolve(message, event_id=status.of)


def answer_had(kept: Sequence[PendingMessage]) -> dict[EventID, EventID]:
    """What the inbox holds an answer to, and by which key each was asked."""
    return {one.message.event_id: one.message.key for one in kept if one.answer is not None}


def still_asked(
    kept: Sequence[PendingMessage], statuses: Mapping[EventID, AnswerStatus]
) -> dict[EventID, bool]:
    """What the inbox holds, and whether each is still to be asked."""
    return {
        one.message.event_id: one.answer is None
        and one.state is not State.GIVEN_UP
        and not statuses.get(one.message.event_id, NOTHING).whole
        for one in kept
    }


def without_given_up(
    kept: Sequence[PendingMessage], cancels: Sequence[PendingMessage]
) -> Sequence[PendingMessage]:
    """What is to be taken up of what was kept; the rest leaves the inbox with the commands that
    gave it up, if those are still there.

    Args:
        kept: what the inbox holds of a room.
        cancels: these commands among it.
    """
    if not cancels:
        return kept
    given_up = tuple(one.message.event_id for one in kept if one.state is State.GIVEN_UP)
    for one in cancels:
        one.settles = given_up
    return [one for one in kept if one.state is not State.GIVEN_UP]
