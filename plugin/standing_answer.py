"""What stands in a room of an assistant's answer: events, as their last edits left them.

The room alone tells, so it is kept in no database. Whoever answers goes on from it.
"""

from __future__ import annotations

import attr
from mautrix.types import EventID

# Marks in the messages of an answer, which say how far it is: more of it follows in another one;
# it is still being written; it breaks off, so it is none, for the history as for `!retry`.
CONTINUES_KEY = "chat.spacekeeper.continues"
LIVE_KEY = "chat.spacekeeper.live"
CUT_OFF_KEY = "chat.spacekeeper.cut_off"
PROGRESS_KEYS = (CONTINUES_KEY, LIVE_KEY, CUT_OFF_KEY)


@attr.frozen
class AnswerEvent:
    """One of the events that hold an answer, as its last edit left it: its text, and which of
    PROGRESS_KEYS it has."""

    event_id: EventID
    text: str = attr.field(repr=False)
    marks: frozenset[str] = frozenset()


@attr.define
class StandingAnswer:
    """What stands in a room of the answer to a message.

    Attributes:
        events: the events that hold it, in the order of its text.
        replaced: events to be taken back, once those stand.
        uncertain: further events may stand, of an earlier run or without an answer to the request.
    """

    events: list[AnswerEvent] = attr.field(factory=list)
    replaced: list[AnswerEvent] = attr.field(factory=list)
    uncertain: bool = False

    @property
    def size(self) -> int:
        """Characters that stand there."""
        return sum(len(event.text) for event in self.events)

    @property
    def is_whole(self) -> bool:
        """Whether all of an answer stands there."""
        is_live = any(LIVE_KEY in event.marks for event in self.events)
        return bool(self.events) and not is_live and not self.events[-1].marks

    @property
    def is_cut_off(self) -> bool:
        """Whether what stands there says that it breaks off."""
        return bool(self.events) and CUT_OFF_KEY in self.events[-1].marks

    def renew(self) -> None:
        """Let new events hold the answer instead of those that do."""
        self.replaced += self.events
        self.events = []
