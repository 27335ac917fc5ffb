"""What was asked in one chat and what was answered, event by event as they come.

A message is lost if it has no whole answer in the end, answered twice if it has two, and out of
order if one that was written after it was answered before it. Reads nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]

ANSWERS = "chat.spacekeeper.answers"
LIVE = "chat.spacekeeper.live"
# In the notice that not all of a chat is told to its platform any more.
LEFT_OUT = "chat.spacekeeper.left_out"


@dataclass
class Ledger:
    """One chat of `owner`'s. The counts are of answers; `live` has the messages whose answer is
    still being written; `strange`, as sentences, whatever the bot said that answers none with its
    own words."""

    owner: str
    asked: dict[str, str] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    live: set[str] = field(default_factory=set)
    shown_live: int = 0
    repeated: int = 0
    disordered: int = 0
    strange: list[str] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    _last: int = -1
    _is_told: bool = False

    @property
    def waiting(self) -> int:
        """How many messages have no whole answer yet."""
        return len(self.asked) - len(self.answered - self.live)

    @property
    def lost(self) -> list[str]:
        """The words of the messages that have no whole answer."""
        whole = self.answered - self.live
        return [words for event_id, words in self.asked.items() if event_id not in whole]

    @property
    def is_sound(self) -> bool:
        """Whether nothing came twice, out of order, or as it should not."""
        return not (self.repeated or self.disordered or self.strange)

    def take(self, events: Iterable[Event]) -> None:
        """Count these events of the chat's timeline, which follow those counted before."""
        for event in events:
            content = event["content"]
            if event["type"] != "m.room.message" or "body" not in content:
                continue
            if content.get("m.relates_to", {}).get("rel_type") == "m.replace":
                # Nothing is asked or answered by it; what it says at last must fit the question.
                self._take_words(content.get(ANSWERS), content["m.new_content"])
                continue
            if event["sender"] == self.owner:
                self._places[event["event_id"]] = len(self.asked)
                self.asked[event["event_id"]] = content["body"]
            elif content.get(ANSWERS) in self.asked and content["msgtype"] == "m.text":
                self._take_answer(content[ANSWERS], content)
            elif LEFT_OUT in content and not self._is_told:
                # The history has grown beyond its budget, which is said once.
                self._is_told = True
            else:
                self.strange.append(f"{event['event_id']}: {content['body'][:200]!r}")

    def _take_words(self, question: str | None, content: Event) -> None:
        words = content["body"]
        if LIVE in content or question not in self.asked:
            return
        self.live.discard(question)
        if words != self.asked[question]:
            self.strange.append(f"{self.asked[question]!r} was answered by {words[:200]!r}")

    def _take_answer(self, question: str, content: Event) -> None:
        place = self._places[question]
        if question in self.answered:
            self.repeated += 1
        elif place < self._last:
            self.disordered += 1
        if LIVE in content:
            self.live.add(question)
            self.shown_live += 1
        self._take_words(question, content)
        self.answered.add(question)
        self._last = max(self._last, place)
