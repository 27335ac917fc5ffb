"""Python's garbage collector is the whole process's: nothing is left changed behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from plugin.collector import NEVER, collector_paused, full_collections_spared


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    enabled, thresholds = gc.isenabled(), gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    (gc.enable if enabled else gc.disable)()


def test_a_pause_ends_even_if_what_it_was_for_fails() -> None:
    paused: list[bool] = []

    def fail() -> None:
        with collector_paused():
            paused.append(not gc.isenabled())
            raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        fail()

    assert paused == [True]
    assert gc.isenabled()


def test_a_collector_that_somebody_switched_off_stays_off() -> None:
    gc.disable()

    with collector_paused():
        pass

    assert not gc.isenabled()


def test_the_young_are_looked_through_while_the_old_are_spared() -> None:
    before = gc.get_threshold()

    with full_collections_spared():
        during = gc.get_threshold()

    assert during == (*before[:2], NEVER)
    assert gc.get_threshold() == before


def test_two_instances_that_start_together_leave_it_as_it_was() -> None:
    before = gc.get_threshold()
    one, other = full_collections_spared(), full_collections_spared()

    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    other.__exit__(None, None, None)

    assert gc.get_threshold() == before
