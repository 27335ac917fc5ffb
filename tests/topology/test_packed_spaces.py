"""Spaces by owner: what is put in comes out as it was, and the garbage collector sees no Space."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mautrix.types import RoomID, UserID

from plugin.topology.model import Space, Topology
from plugin.topology.packed import PackedSpaces
from plugin.topology.routes import build_routes

ALICE, BOB = UserID("@alice:test"), UserID("@bob:test")
TEXT = st.text(st.characters() | st.sampled_from("\0\n !"), max_size=8)
SPACES = st.builds(Space, TEXT, TEXT, st.integers(), st.booleans())


@given(SPACES)
def test_a_space_comes_out_as_it_was_put_in(space: Space) -> None:
    spaces = PackedSpaces()
    spaces[space.owner] = space

    assert spaces[space.owner] == space
    assert spaces[space.owner].owner_left is space.owner_left


def test_who_has_no_space_has_none() -> None:
    spaces = PackedSpaces()
    spaces[ALICE] = Space(RoomID("!1"), ALICE)

    assert spaces.get(BOB) is None
    assert BOB not in spaces
    with pytest.raises(KeyError):
        spaces[BOB]


def test_a_copy_is_left_alone_by_later_changes() -> None:
    spaces = PackedSpaces()
    spaces[ALICE] = first = Space(RoomID("!1"), ALICE)
    copy = spaces.copy()

    spaces[BOB] = second = Space(RoomID("!2"), BOB, 7, True)
    del copy[ALICE]

    assert (dict(copy), dict(spaces)) == ({}, {ALICE: first, BOB: second})


def test_a_space_is_nothing_that_the_garbage_collector_goes_through() -> None:
    before = _tracked()

    routes = build_routes(Topology(_spaces(1_000), {}))

    assert len(routes.spaces) == 1_000
    assert _tracked() - before < 100


def _spaces(number: int) -> dict[RoomID, Space]:
    spaces = (Space(RoomID(f"!{at}"), UserID(f"@{at}:test"), at) for at in range(number))
    return {space.room_id: space for space in spaces}


def _tracked() -> int:
    """How many objects the collector goes through, once it has seen which ones it need not."""
    gc.collect()
    return len(gc.get_objects())
