"""Which messages of a backlog are to be answered, in the room's order.

A message that was edited is one, as the last edit left it, for as long as it has no answer; after
that the last edit of it wants a turn of its own, unless an answer says that it was taken into
account. So does one that came after a command that ends the answer to its message, carried out yet
or not. Pure: what stands in the room is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

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
        edits: the edits that count for messages while they wait.
        apart: those that do not.
    """

    messages: tuple[IncomingMessage, ...]
    edits: tuple[IncomingMessage, ...]
    apart: frozenset[EventID]

    @classmethod
    def of(
        cls,
        written: Iterable[IncomingMessage],
        left_out: Iterable[EventID],
        kept: Sequence[PendingMessage],
        ends: Callable[[str], bool],
    ) -> Unanswered:
        """What may want an answer.

        Args:
            written: messages and edits that would be answered if they came now, in their order.
            left_out: what is known already, or was taken back.
            kept: what the inbox holds, in its order. Where it holds an answer, only what was
                edited after that was asked is an edit of an answered message.
            ends: whether a text is a command that ends answers.
        """
        written, out, answered = list(written), set(left_out), _answer_had(kept)
        apart = _edits_after_an_end([*(one.message for one in kept), *written], ends)
        counting = tuple(one for one in written if one.event_id not in apart)
        edits: dict[EventID, IncomingMessage] = {}
        for one in written:
            if one.replaces is not None:
                edits[one.replaces] = max(edits.get(one.replaces, one), one, key=_order)
        standing = {one.event_id: one for one in apply_edits(counting)}
        standing |= {
            one.event_id: one
            for one in edits.values()
            if one.replaces not in out
            or one.event_id in apart
            or answered.get(one.replaces, one.event_id) != one.event_id
        }
        return cls(
            tuple(
                standing[one.event_id]
                for one in written
                if one.event_id in standing and one.event_id not in out
            ),
            tuple(one for one in counting if one.replaces is not None),
            apart,
        )

    def edited(self, message: IncomingMessage) -> IncomingMessage:
        """A message that waits, as its edits among these leave it."""
        for edit in self.edits:
            if edit.replaces == message.event_id:
                message = message.edited(edit)
        return message

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
            elif (
                one.replaces is not None
                and not status.whole
                and (one.replaces not in asked or one.event_id in self.apart)
            ):
                chosen.append(one)
        return chosen


def _order(edit: IncomingMessage) -> tuple[int, EventID]:
    return edit.order


def asked_of(message: IncomingMessage, status: AnswerStatus) -> IncomingMessage:
    """What is answered: the message, or the question that it has asked again."""
    return message if status.of is None else attr.evolve(message, event_id=status.of)


def _edits_after_an_end(
    messages: Iterable[IncomingMessage], ends: Callable[[str], bool]
) -> frozenset[EventID]:
    """Those of some messages' edits that came after a command that ends the answer to what they
    edit.

    Args:
        messages: messages, commands and edits, in their order.
        ends: whether a text is such a command.
    """
    begun: set[EventID] = set()
    ended: set[EventID] = set()
    apart = set()
    for one in messages:
        if one.replaces in ended:
            apart.add(one.event_id)
        elif one.replaces is None and ends(one.body):
            ended |= begun
        elif one.replaces is None:
            begun.add(one.event_id)
    return frozenset(apart)


def _answer_had(kept: Sequence[PendingMessage]) -> dict[EventID, EventID]:
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
