"""What has a place in a history: for any turns, and any budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plugin.delivery.history_budget import LEAST, Exchange, HistoryBudget

TEXTS = (st.integers(0, 5_000) | st.integers(0, 100)).map("x".__mul__)
EXCHANGES = st.lists(st.builds(Exchange, TEXTS, TEXTS), max_size=8)
BUDGETS = st.integers(1, 20_000) | st.integers(1, 300)


def tell(newest_first: list[Exchange], characters: int) -> tuple[list[Exchange], bool]:
    """What is told, newest first, and whether something is left out."""
    budget = HistoryBudget(characters)
    for exchange in newest_first:
        if not budget.add(exchange):
            break
    return budget.fill()[::-1], budget.left_out


@given(EXCHANGES, BUDGETS)
def test_no_more_is_told_than_has_a_place(exchanges: list[Exchange], characters: int) -> None:
    told, _ = tell(exchanges, characters)

    assert sum(one.size for one in told) <= characters


@given(EXCHANGES, BUDGETS)
def test_all_is_told_whole_or_it_is_known_that_something_is_left_out(
    exchanges: list[Exchange], characters: int
) -> None:
    told, left_out = tell(exchanges, characters)

    assert left_out == (told != exchanges)


@given(EXCHANGES, BUDGETS)
def test_turns_are_told_from_the_newest_on_without_a_gap(
    exchanges: list[Exchange], characters: int
) -> None:
    told, _ = tell(exchanges, characters)

    for one, whole in zip(told, exchanges, strict=False):
        assert one.size <= whole.size
        assert bool(one.question) == bool(whole.question)
        assert bool(one.answer) == bool(whole.answer)


@given(EXCHANGES, BUDGETS)
def test_what_fits_is_told_whole(exchanges: list[Exchange], characters: int) -> None:
    if sum(one.size for one in exchanges) <= characters:
        assert tell(exchanges, characters) == (exchanges, False)


@given(st.integers(10, 50), st.integers(1_000, 100_000))
def test_a_turn_of_any_length_leaves_a_place_for_those_before_it(
    short: int, characters: int
) -> None:
    long = Exchange("Tell me", "x" * 1_000_000)
    before = [Exchange("a" * short, "b" * short)] * 3

    told, left_out = tell([long, *before], characters)

    assert told[1:] == before
    assert told[0].size >= characters // 2 - 1
    assert "left out here" in told[0].answer
    assert left_out


def test_a_budget_too_small_for_a_sentence_tells_nothing_of_a_long_turn() -> None:
    assert tell([Exchange("Tell me", "x" * 1_000)], LEAST - 1) == ([], True)
