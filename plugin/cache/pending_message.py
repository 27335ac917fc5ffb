"""A message on its way to an answer: what the inbox keeps of it, and what this run knows of it."""

from __future__ import annotations

import enum

import attr
from mautrix.types import EventID

from ..message import IncomingMessage
from ..topology.standing_answer import WHOLE, Ending, StandingAnswer


class State(str, enum.Enum):
    """What a message in the inbox waits for: its turn, its owner's `!retry`, or that what was said
    about giving it up stands in Matrix: until then a start would find it unanswered."""

    WAITING = "waiting"
    SET_ASIDE = "set aside"
    GIVEN_UP = "given up"


@attr.define(eq=False)
class PendingMessage:
    """A message that is not answered yet, in the database and on its way.

    Attributes:
        message: the message, as its last edit left it.
        state: what it waits for.
        answer: the platform's answer, once it was had: it is not asked for twice.
        ending: how that answer ends.
        standing: what stands in its room of a platform's answer to it.
        sent: how many messages of the bot's own reply to it stand there.
        started: its turn has come.
        set_aside_at: when it was set aside, in milliseconds since the epoch.
        is_left_over: an earlier run set it aside; it may have been answered, if the database
            failed then.
        at_once: it needs no turn, and none has to wait for it.
        settles: further messages that need no answer once this one is answered: its reply names
            them, so that no later start takes them up again.
        question: the question that it has asked again, if it is not itself asked.
        is_withdrawn: that was taken back while it was being answered.
        stops: the message whose answer it stopped: its reply names that, for the same reason.
    """

    message: IncomingMessage
    state: State = State.WAITING
    answer: str | None = None
    ending: Ending = WHOLE
    standing: StandingAnswer = attr.field(factory=StandingAnswer)
    sent: int = 0
    started: bool = False
    set_aside_at: int = 0
    is_left_over: bool = False
    at_once: bool = False
    settles: tuple[EventID, ...] = ()
    stops: EventID | None = None
    question: IncomingMessage | None = None
    is_withdrawn: bool = False

    @property
    def asked(self) -> IncomingMessage:
        """What is answered."""
        return self.question or self.message
