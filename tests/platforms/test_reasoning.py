"""What a model says to itself is told from its answer, in whatever pieces it comes."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.markup.html import to_html
from plugin.platforms.completions import Chunk
from plugin.platforms.openai import OpenAISettings
from plugin.platforms.protocol import Turn
from plugin.platforms.reasoning import MOST, Reasoning, without_reasoning

from .conversation import ask, chunk, events, running, say

FOLDED = "<details>\n<summary>Reasoning</summary>\n\n{}\n\n</details>\n\n{}"


def show(chunks: Iterable[Chunk], fold: bool) -> str:
    """What is shown of an answer."""
    reasoning = Reasoning(fold)
    return "".join([*map(reasoning.read, chunks), reasoning.finish()])


def said(text: str = "", reasoning: str = "", ending: str = "") -> Chunk:
    """A piece of an answer."""
    return Chunk(text, is_last=False, has_words=True, reasoning=reasoning, ending=ending)


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[Chunk]:
    """A text, cut anywhere."""
    cuts = sorted(draw(st.sets(st.integers(1, len(text) - 1))))
    return [said(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


TAGGED = "\n<think>\nHm, </th or <b>?\n</think>\n\nYes: `<think>` is </think> a tag."


@given(pieces(TAGGED))
def test_what_stands_between_tags_is_left_out_wherever_the_pieces_are_cut(
    chunks: list[Chunk],
) -> None:
    assert show(chunks, fold=False).strip() == "Yes: `<think>` is </think> a tag."


@given(pieces(TAGGED))
def test_or_it_is_folded_away(chunks: list[Chunk]) -> None:
    expected = FOLDED.format("Hm, </th or <b>?\n", "Yes: `<think>` is </think> a tag.")
    assert "".join(show(chunks, fold=True).split()) == "".join(expected.split())


@given(pieces("<thinking>a</thinking><think>b</think>c <d"))
def test_several_thoughts_in_a_row_are_folded_as_one(chunks: list[Chunk]) -> None:
    assert show(chunks, fold=True) == FOLDED.format("ab", "c <d")


@pytest.mark.parametrize("text", ["<thin ice", "<", "a <think>b</think>", "  <b>x</b>"])
def test_what_only_looks_like_a_tag_is_part_of_the_answer(text: str) -> None:
    assert show([said(letter) for letter in text], fold=False).strip() == text.strip()


def test_fields_for_reasoning_are_left_out_or_folded() -> None:
    chunks = [said(reasoning="Let me "), said(reasoning="think."), said("Yes"), said(".")]

    assert show(chunks, fold=False) == "Yes."
    assert show(chunks, fold=True) == FOLDED.format("Let me think.", "Yes.")


def test_code_that_a_thought_leaves_open_does_not_fold_the_answer_away() -> None:
    shown = show([said(reasoning="Try:\n```py\nx = 1"), said("Yes.")], fold=True)

    assert to_html(shown, 5.0).endswith("</code></pre>\n</details>\n<p>Yes.</p>\n")


def test_of_endless_thoughts_a_part_is_folded() -> None:
    shown = show([*[said(reasoning="thought " * 100)] * 100, said("Yes.")], fold=True)

    assert len(shown) < MOST + 100
    assert shown.endswith(" …\n\n</details>\n\nYes.")


@pytest.mark.parametrize("fold", [True, False])
def test_thoughts_without_an_answer_are_no_answer(fold: bool) -> None:
    for thought in (said("<think>hm"), said("<think>hm</think>\n"), said(reasoning="hm")):
        reasoning = Reasoning(fold)
        reasoning.read(thought)
        reasoning.finish()
        assert not reasoning.has_answer


def test_an_answer_that_is_cut_short_in_its_thoughts_says_so() -> None:
    assert show([said("<think>hm", ending="\n\n(Stopped.)")], fold=False) == "\n\n(Stopped.)"


@given(st.text(st.sampled_from("ab`\n<>/ ")), st.integers(1, 3))
def test_what_was_folded_away_does_not_go_back_to_the_model(thought: str, messages: int) -> None:
    """A long thought stands in several messages, each of which is folded."""
    parts = [FOLDED.format(thought, "")] * messages
    assert without_reasoning("\n\n".join(parts) + "Yes.") == "Yes."


@pytest.mark.parametrize(
    ("settings", "shown"), [({}, "Yes."), ({"reasoning": "fold"}, FOLDED.format("Hm.", "Yes."))]
)
async def test_a_server_that_thinks_is_understood_and_not_told_what_it_thought(
    http: aiohttp.ClientSession, settings: dict[str, str], shown: str
) -> None:
    thought = {"choices": [{"delta": {"reasoning_content": "Hm.", "reasoning": "Hm."}}]}
    reply = events(thought, chunk("Yes"), chunk(".", "stop"), "[DONE]")
    async with running(reply) as server:
        raw = {"base_url": server.base_url, "model": "m", **settings}
        platform = OpenAISettings.parse(raw, "platforms.x").build(http)
        earlier = [Turn("user", "Well?"), Turn("assistant", FOLDED.format("Hm.", "No."))]
        assert "".join(await ask(platform, say("Really?", earlier))) == shown

    contents = [one["content"] for one in server.questions[0]["messages"]]
    assert contents == ["Well?", "No.", "Really?"]


def test_the_setting_has_two_values() -> None:
    raw = {"base_url": "http://x", "model": "m", "reasoning": "show"}
    with pytest.raises(ValueError, match=r"reasoning: found .show., expected hide or fold"):
        OpenAISettings.parse(raw, "platforms.x")
