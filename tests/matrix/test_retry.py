"""How long a further try waits: longer each time, never for ever, and not all at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plugin.matrix.retry import Backoff


@given(st.integers(1, 10_000), st.floats(1, 1000))
def test_a_wait_is_never_longer_than_the_longest(failures: int, longest: float) -> None:
    assert 0 < Backoff(longest=longest).delay(failures) <= longest


@given(st.integers(1, 4))
def test_each_wait_doubles_give_or_take_half(failures: int) -> None:
    backoff = Backoff(first=0.5)
    most = 0.5 * 2 ** (failures - 1)

    assert most / 2 <= backoff.delay(failures) <= most
