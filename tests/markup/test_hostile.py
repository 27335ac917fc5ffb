"""Texts that were made to do harm: they leave as harmless HTML, and hold nobody up."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.markup.allowance import TooComplex
from plugin.markup.html import to_html, unfinished_to_html
from plugin.markup.unfinished import closed_prefix
from plugin.matrix.render import LONGEST, Renderer, RenderLimits
from plugin.matrix.split import PIECE_BYTES, split_message

from .allowed_html import read
from .hostile import BEGINNINGS, CUNNING, ENDLESS, fill

ALLOWED = RenderLimits().work
# Seconds of this thread's own time: what they guard against takes minutes.
FAR_BEYOND = 2.0


def check(text: str) -> None:
    """Refuse the HTML for a text, and for its beginning, if it may be more than looks."""
    for convert in (to_html, unfinished_to_html):
        try:
            html = convert(text, FAR_BEYOND)
        except TooComplex:
            continue
        read(html)


@pytest.mark.parametrize("text", CUNNING)
def test_nothing_leaves_that_the_spec_does_not_allow(text: str) -> None:
    check(text)


def test_there_are_enough_hostile_texts() -> None:
    assert len(set(CUNNING)) >= 60
    assert len(set(ENDLESS)) >= 60


TOKENS = st.sampled_from(
    [
        *"[]()!<>\\`*_~#-+=&;:'\"|.019a @/\n\t$^",
        *("](", "](<", "![", "```", "~~~", "    ", "  \n", "\n- ", "\n> ", "\n1. ", "[a]:"),
        *("http://x", "javascript:", "data:", "&quot;", "&#34;", "<a href=", "<img ", "onerror="),
        *("-->", "<!--", "</", "/>", "language-", "mxc://a/b", "\n\n", "é", "😀", "\u00a0"),
        *("<b>", "</b>", "<kbd>", "</kbd>", "<br>", "||", "$$", "\\(", "\\)", "\\[", "\\]"),
        *("<details>\n<summary>", "</summary>\n", "\n</details>\n", "[^1]", "\n[^1]:", "\u202e"),
        *("|-|-|\n", "| a | b |\n", "https://matrix.to/#/", "matrix:u/", "[x] "),
    ]
)


@settings(max_examples=300)
@given(st.one_of(st.lists(TOKENS, max_size=60).map("".join), st.text(max_size=200)))
def test_no_text_at_all_gets_anything_else_out(text: str) -> None:
    check(text)


@pytest.mark.parametrize("sign", ENDLESS)
def test_what_parsers_take_long_for_ends_when_its_time_is_over(sign: str) -> None:
    """Before, some of them would not have ended in a lifetime."""
    for beginning in BEGINNINGS:
        text = beginning + fill(sign, PIECE_BYTES)
        started_at = time.thread_time()
        with contextlib.suppress(TooComplex):
            read(to_html(text, ALLOWED))
        assert time.thread_time() - started_at < FAR_BEYOND


@pytest.mark.parametrize("sign", ENDLESS[::7])
async def test_a_megabyte_of_anything_is_cut_and_sent_and_holds_nobody_up(sign: str) -> None:
    text = "- a\n" + fill(sign, 1_000_000)
    renderer = Renderer(RenderLimits())
    started_at = time.thread_time()
    assert await renderer.render(text) is None
    pieces = split_message(text)
    closed_prefix(text[:LONGEST])
    # For as long as an answer may be, a fifth of this.
    assert time.thread_time() - started_at < FAR_BEYOND
    assert all(len(piece.encode()) <= PIECE_BYTES for piece in pieces)
    renderer.close()
