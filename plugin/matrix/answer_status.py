"""How much of the answer to each of some messages stands in a room, told by marks in its events.

It is read newest first, edits before what they edit; nothing is asked of the homeserver here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import attr
from mautrix.types import EventID, UserID

from ..topology.standing_answer import CONTINUES_KEY, AnswerEvent, StandingAnswer
from .marks import ANSWERS_KEY, INSTANCE_KEY, SETTLES_KEY
from .replacements import Replacements, read_answer_event


@attr.define
class AnswerStatus:
    """How much of the answer to a message was sent.

    Attributes:
        events: the bot's events that hold it, oldest first.
        notices: how many of the bot's own notices answer the message instead.
        settled: the last of those is among them, or the message was given up: no answer is due.
        of: the question that those answer, if the message is none itself, but has it asked again.
        stopped: somebody stopped it: what stands of the answer is all of it.
    """

    events: list[AnswerEvent] = attr.field(factory=list)
    notices: int = 0
    settled: bool = False
    of: EventID | None = None
    stopped: bool = False

    @property
    def standing(self) -> StandingAnswer:
        """What stands of the answer; an earlier run may have sent more of it since."""
        again = self.events[-1].again if self.events else ()
        return StandingAnswer(list(self.events), again=again, uncertain=True)

    @property
    def whole(self) -> bool:
        """Whether nothing more is due."""
        return self.settled or self.standing.is_whole

    @property
    def is_cut_notice(self) -> bool:
        """Whether a notice that was to answer the message was sent in part."""
        return bool(self.notices) and not self.whole and not self.events


class AnswerSearch:
    """Looks in a timeline for what answers some messages.

    Attributes:
        found: what was found of each.
    """

    def __init__(self, questions: Collection[EventID], bot: UserID, instance: str) -> None:
        """
        Args:
            questions: the messages.
            bot: whose answers count as answers.
            instance: the key of the instance whose answers these are.
        """
        self.found = {one: AnswerStatus() for one in questions}
        self._unseen = set(questions)
        self._bot = bot
        self._instance = instance
        self._edits = Replacements()
        # Before each of these everything was given up, and before the one that was reached last.
        self._cancels: set[EventID] = set()
        self._given_up = False

    def take(self, event: Mapping[str, Any]) -> bool:
        """Take in the next event, decrypted.

        Returns:
            Whether everything is found: an answer comes after its question, so past the oldest
            one there is none.
        """
        if event.get("sender") == self._bot and not self._edits.take(event):
            self._take_own(self._edits.apply(event))
        event_id = EventID(str(event.get("event_id")))
        if self._given_up and event_id in self.found:
            self.found[event_id].settled = True
        self._given_up = self._given_up or event_id in self._cancels
        self._unseen.discard(event_id)
        return not self._unseen

    def _take_own(self, event: Mapping[str, Any]) -> None:
        content = event.get("content")
        if not isinstance(content, dict) or content.get(INSTANCE_KEY) != self._instance:
            return
        answers, settles = content.get(ANSWERS_KEY), content.get(SETTLES_KEY)
        if isinstance(settles, dict):
            self._cancels.add(EventID(str(settles.get("before"))))
        for stopped in settles if isinstance(settles, list) else ():
            if isinstance(stopped, str) and stopped in self.found:
                self.found[EventID(stopped)].settled = self.found[EventID(stopped)].stopped = True
        if isinstance(answers, str) and answers in self.found:
            _add(event, self.found[EventID(answers)])
        answer = read_answer_event(event)
        if answer is None:
            return
        for again in answer.again:
            if again in self.found:
                self.found[again].events.insert(0, answer)
                self.found[again].of = EventID(str(answers))


def _add(event: Mapping[str, Any], status: AnswerStatus) -> None:
    content, answer = event["content"], read_answer_event(event)
    if content.get("msgtype") == "m.text" and answer is not None:
        status.events.insert(0, answer)
        return
    status.notices += 1
    status.settled = status.settled or not content.get(CONTINUES_KEY)
