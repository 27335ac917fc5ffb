"""The answers of an OpenAI-compatible chat/completions server, whole or in pieces.

Reading them is a matter of form alone, so it stands apart from sending: no connection in here,
and no settings. API: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attr

from . import sentences
from .failures import explain_filter, explain_nonsense
from .protocol import Turn

END = "[DONE]"
# What servers call the words in a chunk: the answer's, and the two names of reasoning.
WORDS = ("content", "reasoning_content", "reasoning")


@attr.frozen
class Chunk:
    """A part of an answer.

    `is_last` when the server said that the answer ends with it; `has_words` when the model said
    anything in it, be it to itself: `reasoning` is a sign of life and no part of the answer.
    `ending` is a sentence of ours about an answer that was cut short.
    """

    text: str
    is_last: bool
    has_words: bool
    reasoning: str = ""
    ending: str = ""


def build_messages(system_prompt: str, dialogue: Sequence[Turn]) -> list[dict[str, str]]:
    """The `messages` of a request, from what was said and, at the end, what is to be answered.

    Many models refuse a dialogue that does not begin with the user, or in which somebody speaks
    twice in a row; after a failed answer or a cut history both happen.
    """
    turns: list[dict[str, str]] = []
    for turn in dialogue:
        if turns and turns[-1]["role"] == turn.role:
            turns[-1]["content"] += f"\n\n{turn.text}"
        elif turns or turn.role == "user":
            turns.append({"role": turn.role, "content": turn.text})
    return [{"role": "system", "content": system_prompt}] * bool(system_prompt) + turns


def parse_json(text: str | bytes) -> Any:
    """What the server sent; raises PlatformError when it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise explain_nonsense("no JSON") from None


def read_chunk(answer: object, part: str) -> Chunk:
    """The piece in one chunk (`part` is `delta`) or in a whole answer (`message`).

    Chunks without a choice, which servers send for statistics, are pieces without text. Raises
    PlatformError for anything else without a choice, and for an answer that was held back.
    """
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    if choices == [] and part == "delta":
        return Chunk("", is_last=False, has_words=False)
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, Mapping):
        raise explain_nonsense("no choices")
    holder, reason = choice.get(part) or {}, choice.get("finish_reason")
    if reason == "content_filter":
        raise explain_filter()
    text = holder.get("content") or "" if isinstance(holder, Mapping) else None
    if not isinstance(text, str):
        raise explain_nonsense("no text in the choice")
    end = f"\n\n{sentences.CUT_SHORT}" if reason == "length" else ""
    said = [holder.get(name) for name in WORDS]
    words = [one if isinstance(one, str) else "" for one in said]
    # Some servers send the reasoning under both names.
    return Chunk(text, bool(reason), any(words), reasoning=words[1] or words[2], ending=end)
