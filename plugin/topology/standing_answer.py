"""What stands in a room of an assistant's answer, and how it ends.

Of an answer the room alone tells: marks in its messages say how far it is and which words in them
are ours. Nothing is read or sent here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attr
from mautrix.types import EventID

# Marks in the messages of an answer, which say how far it is: more of it follows in another one;
# it is still being written; it breaks off, so it is none, for the history as for `!retry`; its
# reader stopped it, so this is all of it.
CONTINUES_KEY = "chat.spacekeeper.continues"
LIVE_KEY = "chat.spacekeeper.live"
CUT_OFF_KEY = "chat.spacekeeper.cut_off"
STOPPED_KEY = "chat.spacekeeper.stopped"
UNFINISHED_KEYS = frozenset({CONTINUES_KEY, LIVE_KEY, CUT_OFF_KEY})
PROGRESS_KEYS = (*sorted(UNFINISHED_KEYS), STOPPED_KEY)
# The end of a message's text that is the bot's own: no assistant said it, and none is told of it.
REMARK_KEY = "chat.spacekeeper.remark"
# What the answer takes into account besides its question: edits of that, and commands to ask it
# again. Each is done with when the answer is whole.
AGAIN_KEY = "chat.spacekeeper.again"
# However often a question is asked again, the list has an end.
MOST_AGAIN = 20


@attr.frozen
class Ending:
    """How an answer ends: the marks of its last message, and a remark of ours below its text.

    Attributes:
        of: the question that it answers, where the message that it is kept with is none.
    """

    marks: frozenset[str] = frozenset()
    remark: str = ""
    of: EventID | None = None


WHOLE = Ending()


@attr.frozen
class AnswerEvent:
    """One of the events that hold an answer, as its last edit left it.

    Attributes:
        text: the assistant's words in it.
        marks: which of PROGRESS_KEYS it has.
        remark: ours, below the text.
        again: what of AGAIN_KEY it has.
        sent_at: when it was sent, in milliseconds since the epoch; 0 unless it was read.
    """

    event_id: EventID
    text: str = attr.field(repr=False)
    marks: frozenset[str] = frozenset()
    remark: str = ""
    again: tuple[EventID, ...] = ()
    sent_at: int = attr.field(default=0, eq=False)


@attr.define
class StandingAnswer:
    """What stands in a room of the answer to a message.

    Attributes:
        events: the events that hold it, in the order of its text.
        replaced: events to be taken back, once those stand.
        again: what it takes into account from now on; see AGAIN_KEY.
        key: what the keys of further events are made from, if that is not the question.
        uncertain: further events may stand, of an earlier run or without an answer to the request.
    """

    events: list[AnswerEvent] = attr.field(factory=list)
    replaced: list[AnswerEvent] = attr.field(factory=list)
    again: tuple[EventID, ...] = ()
    key: EventID | None = None
    uncertain: bool = False

    @property
    def size(self) -> int:
        """Characters of the assistant's that stand there."""
        return sum(map(len, self._texts))

    @property
    def text(self) -> str:
        """All of these."""
        return "\n\n".join(self._texts)

    @property
    def _texts(self) -> list[str]:
        # What stands below the words that were to be gone on with is of an earlier answer.
        last = len(self.events) if self.live is None else self.live + 1
        return [event.text for event in self.events[:last]]

    @property
    def ending(self) -> Ending:
        """How it ends."""
        return Ending(self.events[-1].marks, self.events[-1].remark) if self.events else WHOLE

    @property
    def live(self) -> int | None:
        """The number of the first event that says that more of it is being written."""
        numbers = (at for at, event in enumerate(self.events) if LIVE_KEY in event.marks)
        return next(numbers, None)

    @property
    def is_whole(self) -> bool:
        """Whether all of an answer stands there."""
        # Of an answer that is being replaced a part may be new, and the rest old.
        finished = self.live is None and len({event.again for event in self.events}) == 1
        return finished and not self.events[-1].marks & UNFINISHED_KEYS

    @property
    def is_open(self) -> bool:
        """Whether people see that more is to come."""
        return bool(self.events) and not (self.is_whole or self.is_cut_off)

    @property
    def begun_at(self) -> int:
        """When an earlier run showed the first words of an answer that is being written, in
        milliseconds since the epoch; 0 if none did, or if they replace those of another answer."""
        return self.events[0].sent_at if self.is_open and not self.again else 0

    @property
    def is_cut_off(self) -> bool:
        """Whether what stands there says that it breaks off."""
        return self.live is None and CUT_OFF_KEY in self.ending.marks

    def take_up(self, event_id: EventID | None) -> None:
        """Take an edit, or a command to ask again, into account, if there is one."""
        if event_id is not None and event_id not in self.again:
            self.again = (*self.again, event_id)[-MOST_AGAIN:]

    def lose(self, event_id: EventID) -> None:
        """Take note that an event was taken back, if it is one of these."""
        left = [event for event in self.events if event.event_id != event_id]
        # Its key is used up.
        self.uncertain = self.uncertain or len(left) < len(self.events)
        self.events = left

    def renew(self) -> None:
        """Let new events hold the answer instead of those that do."""
        self.replaced += self.events
        self.events = []


def words_in(content: Mapping[str, Any]) -> str:
    """The text of one of the bot's messages, without the remark that is not the assistant's.

    Args:
        content: the message; read tolerantly.
    """
    body, remark = str(content.get("body")), content.get(REMARK_KEY)
    return body.removesuffix(remark).rstrip() if isinstance(remark, str) and remark else body
