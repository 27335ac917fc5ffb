"""The benchmark judges what is added to an answer, not the wait that is meant."""

from __future__ import annotations

import pytest

from dev.bench.streaming import HELD_BACK, Seen, Streaming
from dev.bench.streaming_table import MAX_ADDED, streaming_table

SEND = 0.02


def judged(after_first: float, after_last: float) -> list[str]:
    """What is said of an answer whose first word, and whose last, is seen so much later."""
    direct = Seen(first=0.0, whole=6.0, after_first=0.0, after_last=0.0)
    ours = Seen(after_first, 6.0 + after_last, after_first, after_last, edits=3)
    table = streaming_table(Streaming([direct], [ours], [SEND])).splitlines()
    (first,) = [line for line in table if "the same without" in line]
    (last,) = [line for line in table if "last word" in line]
    return ["met" if " met: " in line else "MISSED" for line in (first, last)]


@pytest.mark.parametrize(
    ("beyond", "verdict"),
    [(MAX_ADDED + SEND - 0.001, "met"), (MAX_ADDED + SEND + 0.001, "MISSED")],
)
def test_an_answer_may_come_later_by_the_allowed_time_and_one_message(
    beyond: float, verdict: str
) -> None:
    assert judged(HELD_BACK + beyond, 0.0) == [verdict, "met"]
    assert judged(HELD_BACK, beyond) == ["met", verdict]
