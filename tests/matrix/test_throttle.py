"""How long a further try waits: longer each time, never for ever, and not all at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plugin.matrix import throttle as retry
from plugin.matrix.throttle import LONGEST_WAIT, wait_before


@given(st.integers(1, 10_000))
def test_a_wait_is_never_longer_than_the_longest(attempt: int) -> None:
    assert 0 < wait_before(attempt) <= LONGEST_WAIT


@given(st.integers(1, 10_000), st.floats(1, 1000))
def test_whoever_has_more_time_says_how_long(attempt: int, ceiling: float) -> None:
    assert wait_before(attempt, ceiling) <= ceiling


@given(st.integers(1, 4))
def test_each_wait_doubles_give_or_take_half(attempt: int) -> None:
    longest = retry.FIRST_WAIT * 2**attempt

    assert longest / 2 <= wait_before(attempt) <= longest
