"""A large answer means the same as a small one, and others have their turn while it is parsed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.matrix.large_json import SLICE, parse_large

# What would cut a list at the wrong place, if anything does.
tricky = st.text(alphabet='",\\[]{}: ä', max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | tricky,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(tricky, inner, max_size=3),
)
answers = st.dictionaries(tricky, st.lists(tricky, max_size=20) | values, max_size=25) | values
texts = st.builds(
    json.dumps,
    answers,
    ensure_ascii=st.booleans(),
    indent=st.sampled_from([None, 0, 2]),
    separators=st.sampled_from([(",", ":"), (" , ", " : ")]),
)
LONG = {"joined_rooms": [f"!{number}:one.test" for number in range(200_000)]}


def at_once(raw: bytes) -> Any:
    return json.loads(raw.decode(errors="replace"))


def in_slices(raw: bytes) -> Any:
    return parse_large([raw[:7], raw[7:]], 5)


def outcome(parse: Callable[[bytes], Any], raw: bytes) -> Any:
    try:
        return repr(parse(raw))
    except ValueError:
        return "no JSON"


@given(texts)
def test_what_is_parsed_in_slices_means_what_the_whole_means(text: str) -> None:
    assert outcome(in_slices, text.encode()) == outcome(at_once, text.encode()) != "no JSON"


@given(texts, st.integers(0), st.integers(0, 3), st.binary(max_size=2))
def test_what_was_damaged_on_its_way_is_no_answer_or_the_one_it_looks_like(
    text: str, at: int, lost: int, instead: bytes
) -> None:
    raw = text.encode()
    at %= len(raw)
    raw = raw[:at] + instead + raw[at + lost :]

    assert outcome(in_slices, raw) == outcome(at_once, raw)


@pytest.mark.parametrize("lost", [1, 2, 3, 1_000_000])
def test_a_long_list_of_which_the_end_is_lost_is_no_answer(lost: int) -> None:
    raw = json.dumps(LONG).encode()

    with pytest.raises(ValueError, match=r"line 1"):
        parse_large([raw[:-lost]])


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize(
    "answer",
    [
        LONG,
        {"v": 1, "spaces": LONG["joined_rooms"], "foreign": LONG["joined_rooms"]},
        {"chunk": [{"type": "m.room.member", "content": {"name": "a" * 100}}] * 50_000},
    ],
)
def test_while_a_long_list_is_parsed_others_have_their_turn(
    answer: Any, separators: tuple[str, str]
) -> None:
    """The interpreter changes threads between two calls, and never within one of its own."""
    text, turns = json.dumps(answer, separators=separators), 0

    def see(*_: Any) -> None:
        nonlocal turns
        turns += 1

    sys.setprofile(see)
    try:
        parsed = parse_large([text.encode()])
    finally:
        sys.setprofile(None)

    assert parsed == answer
    assert turns > 5 * len(text) / SLICE
