"""An event stream arrives in portions that nobody can foresee."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from plugin.platforms.sse import read_events

STREAM = "\ufeffdata: one\n\n: a comment\r\nevent: x\r\ndata:two\r\ndata: lines ✓\r\n\r\rdata\n\n"
EVENTS = ["one", "two\nlines ✓"]


async def read(chunks: Sequence[bytes]) -> list[str]:
    async def arrive() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [event async for event in read_events(arrive())]


@hypothesis.settings(deadline=None)
@given(st.lists(st.integers(0, len(STREAM.encode()))))
async def test_the_portions_make_no_difference(cuts: list[int]) -> None:
    stream = STREAM.encode()
    edges = [0, *sorted(cuts), len(stream)]

    assert await read([stream[a:b] for a, b in pairwise(edges)]) == EVENTS


async def test_a_last_event_without_its_empty_line_counts() -> None:
    assert await read([b"data: one\r"]) == ["one"]


async def test_a_line_that_breaks_off_does_not_count() -> None:
    assert await read([b"data: one\n\ndata: tw"]) == ["one"]


async def test_bytes_that_are_no_text_do_not_end_the_answer() -> None:
    assert await read([b"data: \xff\n\n"]) == ["\ufffd"]
