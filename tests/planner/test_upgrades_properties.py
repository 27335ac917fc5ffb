"""What holds of every plan where rooms were closed and replaced, in whatever order and however
badly: it is the same on every machine, whatever that one remembers.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mautrix.types import RoomID

from plugin.topology.model import Topology

from .snapshots import (
    FULL,
    NOTHING,
    Conditions,
    Site,
    assert_second_run_writes_nothing,
    in_any_order,
    live,
    reconcile,
    without_incomplete,
)
from .strategies import CHATS, caches, upgraded_sites


def is_closed(site: Site, room_id: str) -> bool:
    return any(kind == "m.room.tombstone" for kind, _ in site.state[room_id])  # type: ignore[index]


@given(upgraded_sites(), caches(), st.booleans())
def test_a_second_run_finds_nothing_to_do(site: Site, cached: Topology, full: bool) -> None:
    assert_second_run_writes_nothing(site, cached, Conditions(full=full))


@given(upgraded_sites(), caches())
def test_what_was_remembered_makes_no_difference(site: Site, cached: Topology) -> None:
    cached = without_incomplete(cached, site)

    with_cache, without = (reconcile(site.copy(), held, FULL) for held in (cached, NOTHING))

    assert in_any_order(with_cache) == in_any_order(without)


@given(upgraded_sites(), caches(), st.frozensets(st.sampled_from(CHATS)))
def test_rooms_known_as_upgraded_are_no_chats_again_whatever_is_lost(
    site: Site, cached: Topology, lost: frozenset[RoomID]
) -> None:
    plan = reconcile(site, cached, FULL)
    site.apply(plan.writes)
    marked_upgraded = reconcile(site, plan.topology, FULL).marked_upgraded
    site.away |= lost & site.joined
    site.refusing |= lost
    remembering = Conditions(full=True, foreign=marked_upgraded)

    with_index, without = (reconcile(site.copy(), NOTHING, one) for one in (remembering, FULL))

    assert with_index.topology == without.topology
    assert with_index.writes == without.writes


@given(upgraded_sites(), caches())
def test_no_closed_room_is_a_live_chat(site: Site, cached: Topology) -> None:
    assert [one for one in live(reconcile(site, cached, FULL)) if is_closed(site, one)] == []
