"""What a model says to itself before it answers: left out, or folded away in front of the answer.

Servers send it in fields of their own, or in the text between tags, in pieces that may end in the
middle of a tag. Nothing of it goes back to the model with later questions.
"""

from __future__ import annotations

import re

from . import sentences
from .completions import Chunk

# Characters that are folded away; more nobody reads.
MOST = 20_000
OPENING = f"<details>\n<summary>{sentences.REASONING}</summary>\n\n"
CLOSING = "\n\n</details>\n\n"
_TAG = re.compile(r"\s*<(think|thinking)>\s*")
_TAGS = ("<think>", "<thinking>")
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})", re.MULTILINE)
_FOLDED = re.compile(re.escape(OPENING) + r".*?\n</details>\s*", re.DOTALL)


def without_reasoning(answer: str) -> str:
    """An answer as it goes back to the model: without what was folded away in front of it."""
    while found := _FOLDED.match(answer):
        answer = answer[found.end() :]
    return answer


class Reasoning:
    """Tells the reasoning in one answer from its words, piece by piece."""

    def __init__(self, fold: bool) -> None:
        """
        Args:
            fold: whether the reasoning is shown, folded away.
        """
        self.fold = fold
        self.has_answer = False
        # The tag that closes the reasoning in the text; and what came and may be part of a tag.
        self._end = ""
        self._held = ""
        self._folded = ""

    def read(self, chunk: Chunk) -> str:
        """What is shown of the next piece."""
        shown = self._think(chunk.reasoning)
        shown += self._read_text(chunk.text)
        if chunk.ending:
            shown += self.finish() + self._say(chunk.ending)
        return shown

    def finish(self) -> str:
        """What is shown of the rest, when the answer is over."""
        held, self._held = self._held, ""
        shown = self._think(held) if self._end else self._say(held)
        self._end = ""
        return shown + self._close()

    def _read_text(self, text: str) -> str:
        if self.has_answer:
            return text
        text, self._held = self._held + text, ""
        if self._end:
            return self._read_thought(text)
        if found := _TAG.match(text):
            self._end = f"</{found[1]}>"
            return self._read_thought(text[found.end() :])
        if any(tag.startswith(text.lstrip()) for tag in _TAGS):
            self._held = text
            return ""
        return self._say(text)

    def _read_thought(self, text: str) -> str:
        thought, end, rest = text.partition(self._end)
        if end:
            self._end = ""
            return self._think(thought) + self._read_text(rest)
        # The tag may have begun.
        begun = next((n for n in range(len(self._end), 0, -1) if text.endswith(self._end[:n])), 0)
        self._held = text[len(text) - begun :]
        return self._think(text[: len(text) - begun])

    def _think(self, thought: str) -> str:
        room = MOST - len(self._folded)
        if not self.fold or not thought or room < 0 or self.has_answer:
            return ""
        is_first = not self._folded
        thought = thought.lstrip() if is_first else thought
        self._folded += thought
        shown = thought if len(thought) <= room else f"{thought[:room]} …"
        return OPENING + shown if is_first and thought else shown

    def _say(self, text: str) -> str:
        if not text.strip():
            # Nothing yet: an answer does not begin with blank lines.
            return ""
        closing = self._close()
        self.has_answer = True
        return closing + (text.lstrip("\r\n") if closing else text)

    def _close(self) -> str:
        if not self._folded or self.has_answer:
            return ""
        marks = _FENCE.findall(self._folded[:MOST])
        self._folded, folded = "", self._folded
        # Code that was left open would take the answer in.
        fence = f"\n{marks[0]}" if len(marks) % 2 else ""
        return fence + CLOSING if folded else ""
