"""What holds of every plan, whatever stands in Matrix, whatever the cache held, whatever failed.

The sites are random, and so wilder than any that was seen. A property that fails names the
smallest site on which it does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import attr
from hypothesis import given
from hypothesis import strategies as st
from mautrix.types import RoomID

from plugin.planner.plan import Plan
from plugin.planner.writes import Write
from plugin.topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    Binding,
    Space,
    Status,
    Topology,
)

from .snapshots import (
    FULL,
    NO_FAILURES,
    NOTHING,
    Conditions,
    Site,
    assert_second_run_writes_nothing,
    in_any_order,
    live,
    reconcile,
    without_incomplete,
)
from .strategies import SPACES, caches, conditions, foreign_events, later, sites


def reconciled(site: Site) -> tuple[Site, Topology]:
    """The site after one reconciliation that read everything, and what the cache then holds."""
    plan = reconcile(site, NOTHING, FULL)
    after = site.copy()
    after.apply(plan.writes)
    return after, plan.topology


def conversations(plan: Plan) -> dict[RoomID, str]:
    return {room_id: binding.platform_chat_id for room_id, binding in live(plan).items()}


@given(sites(), caches(), st.booleans())
def test_a_second_run_finds_nothing_to_do(site: Site, cached: Topology, full: bool) -> None:
    assert_second_run_writes_nothing(site, cached, Conditions(full=full))


@given(st.data(), sites(), conditions())
def test_runs_come_to_rest_although_reads_fail(
    data: st.DataObject, site: Site, reads: Conditions
) -> None:
    """The second knows the Spaces that the first one found, and asks less for that: it may take up
    what the first one had to leave."""
    site, cached = reconciled(site)
    site = data.draw(later(site))
    first = reconcile(site, cached, reads)
    site.apply(first.writes)
    second = reconcile(site, first.topology, reads)
    site.apply(second.writes)

    third = reconcile(site, second.topology, reads)

    assert third.writes == ()
    assert live(third) == live(second)
    before, after = conversations(first), conversations(second)
    assert {room_id: after.get(room_id) for room_id in before} == before


@given(sites(), caches())
def test_when_every_room_was_read_what_the_cache_held_of_whole_bindings_makes_no_difference(
    site: Site, cached: Topology
) -> None:
    cached = without_incomplete(cached, site)

    with_cache, without = (reconcile(site, held, FULL) for held in (cached, NOTHING))

    assert in_any_order(with_cache) == in_any_order(without)


@given(sites(), caches(), conditions(), st.randoms(use_true_random=False))
def test_the_order_of_rooms_links_and_events_makes_no_difference(
    site: Site, cached: Topology, reads: Conditions, random: Random
) -> None:
    shuffled = shuffle(site, random)

    plan, other = (reconcile(one, cached, reads) for one in (site, shuffled))

    assert in_any_order(plan) == in_any_order(other)


@given(sites(), caches(), st.randoms(use_true_random=False))
def test_two_machines_leave_the_same_in_matrix_to_the_byte(
    site: Site, cached: Topology, random: Random
) -> None:
    """One has a database and the other none, they meet rooms in another order, and one of them
    reads each chat's own state at once and the other by and by."""
    cached = without_incomplete(cached, site)
    shuffled = shuffle(site, random)

    for one, held, reads in ((site, cached, NO_FAILURES), (shuffled, NOTHING, FULL)):
        first = reconcile(one, held, reads)
        one.apply(first.writes)
        one.apply(reconcile(one, first.topology, FULL).writes)

    assert as_bytes(site) == as_bytes(shuffled)


@given(sites(), caches(), conditions())
def test_the_same_snapshot_gives_the_same_plan(
    site: Site, cached: Topology, reads: Conditions
) -> None:
    assert reconcile(site, cached, reads) == reconcile(site.copy(), cached, reads)


@given(sites(), conditions())
def test_on_a_site_in_order_failed_reads_change_no_route_and_write_nothing(
    site: Site, reads: Conditions
) -> None:
    site, cached = reconciled(site)
    before = live(reconcile(site, cached, NO_FAILURES))

    plan = reconcile(site, cached, reads)

    assert plan.writes == ()
    assert live(plan) == before


@given(st.data(), sites(), conditions())
def test_a_route_that_reading_every_chat_would_confirm_is_not_lost_to_a_failed_read(
    data: st.DataObject, site: Site, reads: Conditions
) -> None:
    site, cached = reconciled(site)
    site = data.draw(later(site))
    confirmed = live(reconcile(site, cached, FULL))

    found = live(reconcile(site, cached, reads))

    for room_id, chat in cached.chats.items():
        known = chat.binding.platform_chat_id
        if chat.status is Status.LIVE and conversation(confirmed, room_id) == known:
            assert conversation(found, room_id) == known


@given(st.data(), sites(), conditions())
def test_nothing_is_written_that_would_not_be_if_every_read_succeeded(
    data: st.DataObject, site: Site, reads: Conditions
) -> None:
    site, cached = reconciled(site)
    site = data.draw(later(site))
    # A Space that nobody knows for what it is and nobody can read cannot be reckoned with.
    known = {one.room_id for one in cached.spaces.values() if is_marked(site, one)}
    unheard_of = frozenset(SPACES) - known
    reads = attr.evolve(reads, failing=reads.failing - unheard_of)
    full = reconcile(site, cached, attr.evolve(reads, failing=frozenset()))

    partial = reconcile(site, cached, reads)

    # Whoever was read keeps the names that stand there until all were read that may have them.
    answered = [attr.evolve(write, content={}) for write in full.writes]
    assert [
        write
        for write in partial.writes
        if write not in full.writes
        and not (repeats(write, site) and attr.evolve(write, content={}) in answered)
    ] == []


@given(sites(), caches(), conditions())
def test_no_two_live_chats_share_a_conversation(
    site: Site, cached: Topology, reads: Conditions
) -> None:
    bindings = live(reconcile(site, cached, reads)).values()

    assert repeated(binding.platform_chat_id for binding in bindings) == []


@given(sites(), caches(), st.booleans())
def test_once_everything_was_read_no_owner_has_two_chats_of_one_number(
    site: Site, cached: Topology, full: bool
) -> None:
    chats = reconcile(site, cached, Conditions(full=full)).topology.chats.values()

    assert repeated((chat.owner, chat.binding.chat_id) for chat in chats) == []


@given(st.data(), sites(), caches(), conditions())
def test_what_others_send_changes_neither_chats_nor_writes(
    data: st.DataObject, site: Site, cached: Topology, reads: Conditions
) -> None:
    quiet = reconcile(site, cached, reads)
    for room_id, sent in data.draw(foreign_events(site)):
        site.send(room_id, sent)

    loud = reconcile(site, cached, reads)

    assert loud.topology == quiet.topology
    assert loud.writes == quiet.writes


@given(sites(), caches(), conditions())
def test_every_joined_room_that_was_not_understood_is_named(
    site: Site, cached: Topology, reads: Conditions
) -> None:
    """Whoever writes in one is told to wait, and not sent to a new Space."""
    plan = reconcile(site, cached, reads)

    spaces = {space.room_id for space in plan.topology.spaces.values()}
    unexplained = site.joined & reads.failing - plan.topology.chats.keys() - spaces
    assert {room_id for room_id in unexplained if was_read(room_id, reads)} <= plan.unread


def shuffle(site: Site, random: Random) -> Site:
    """The same rooms and events in another order."""
    shuffled = site.copy()
    shuffled.state.clear()
    for room_id in random.sample(sorted(site.state), len(site.state)):
        events = list(site.state[room_id].items())
        shuffled.state[room_id] = dict(random.sample(events, len(events)))
    return shuffled


def as_bytes(site: Site) -> bytes:
    """What stands in all rooms, the keys of a content in the order in which they were written."""
    rooms = {
        room_id: {str(kind): event["content"] for kind, event in sorted(events.items())}
        for room_id, events in sorted(site.state.items())
    }
    return json.dumps(rooms).encode()


def repeats(write: Write, site: Site) -> bool:
    """Whether a chat is written of under the names that stand in its own room, or in its mirrors
    where none that make sense stand there."""
    if write.chat is None:
        return False
    own = site.state[write.chat].get((BINDING_TYPE, ""))
    kept = names(own["content"]) if own is not None else None
    links = [state.get((CHILD_TYPE, write.chat)) for state in site.state.values()]
    mirrored = [names(link["content"].get(BINDING_TYPE)) for link in links if link is not None]
    written = (
        write.content if write.event_type == BINDING_TYPE else write.content.get(BINDING_TYPE)
    )
    return names(written) in ([kept] if kept is not None else mirrored)


def is_marked(site: Site, space: Space) -> bool:
    """Whether a Space still says whose it is as it is known."""
    marker = site.state.get(space.room_id, {}).get((MARKER_TYPE, ""))
    content = marker["content"] if marker is not None else None
    return isinstance(content, Mapping) and content.get("matrix_user_id") == space.owner


def names(content: Any) -> tuple[Any, Any] | None:
    whole = isinstance(content, Mapping) and {"chat_id", "platform_chat_id"} <= content.keys()
    return (content["chat_id"], content["platform_chat_id"]) if whole else None


def conversation(routed: dict[RoomID, Binding], room_id: RoomID) -> str | None:
    return routed[room_id].platform_chat_id if room_id in routed else None


def was_read(room_id: RoomID, reads: Conditions) -> bool:
    return reads.full or room_id in reads.failing


def repeated(values: object) -> list[object]:
    counted = Counter(values)  # type: ignore[call-overload]
    return [value for value, count in counted.items() if count > 1]
