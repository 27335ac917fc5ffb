"""Where a message goes: looked up in memory, changed all at once, never set back."""

from __future__ import annotations

from mautrix.types import RoomID

from plugin.topology.model import Chat, Space, Status
from plugin.topology.routes import CurrentRoutes, Routes, build_routes

from ..planner.snapshots import ALICE, BOB, CHAT, OTHER, SPACE, bind, topology

THIRD = RoomID("!third:one.test")
BOBS_SPACE = RoomID("!bobs:one.test")
FIRST, SECOND = Chat(CHAT, bind(2)), Chat(OTHER, bind(10))
BOBS = Chat(THIRD, bind(1, BOB, BOBS_SPACE))
SPACES = [Space(SPACE, ALICE), Space(BOBS_SPACE, BOB)]
ALL = topology(SPACES, [SECOND, BOBS, FIRST])


def slot() -> CurrentRoutes:
    slot = CurrentRoutes()
    slot.swap(build_routes(ALL), 0)
    return slot


def test_a_room_leads_to_its_chat_and_any_other_to_none() -> None:
    routes = build_routes(ALL)

    assert routes.lookup(CHAT) == FIRST
    assert routes.lookup(RoomID("!unknown:one.test")) is None
    assert routes.lookup(SPACE) is None


def test_an_owners_chats_come_by_number() -> None:
    routes = build_routes(ALL)

    assert routes.chats_of(ALICE) == [FIRST, SECOND]
    assert routes.chats_of(BOB) == [BOBS]


def test_somebody_without_chats_has_none_and_begins_at_one() -> None:
    assert Routes().chats_of(ALICE) == []
    assert Routes().next_number(ALICE) == 1


def test_the_next_number_is_past_every_one_that_was_used() -> None:
    lost = Chat(THIRD, bind(11), Status.LOST)

    assert build_routes(ALL).next_number(ALICE) == 11
    assert build_routes(ALL).with_chat(lost).next_number(ALICE) == 12


def test_what_is_indexed_can_be_had_back() -> None:
    assert build_routes(ALL).topology() == ALL


def test_adding_a_chat_leaves_the_routes_that_others_hold_as_they_were() -> None:
    before = build_routes(topology(SPACES, [FIRST]), frozenset({OTHER, THIRD}))

    after = before.with_chat(SECOND)

    assert (before.lookup(OTHER), after.lookup(OTHER)) == (None, SECOND)
    assert after.unread == {THIRD}


def test_one_owners_part_is_replaced_and_nobody_elses() -> None:
    moved = Chat(CHAT, bind(2), Status.ARCHIVED)

    routes = build_routes(ALL).replace_part(
        frozenset({ALICE}), topology([SPACES[0]], [moved]), frozenset({OTHER})
    )

    assert routes.chats_of(ALICE) == [moved]
    assert routes.chats_of(BOB) == [BOBS]
    assert routes.unread == {OTHER}


def test_a_part_is_what_these_owners_have() -> None:
    part = build_routes(ALL).part(frozenset({BOB}))

    assert part == topology([SPACES[1]], [BOBS])


def test_a_swap_puts_everything_in_force_at_once() -> None:
    slot = CurrentRoutes()

    slot.swap(build_routes(ALL), slot.changes)

    assert slot.current == build_routes(ALL)


def test_a_swap_does_not_undo_what_changed_since_it_looked() -> None:
    """Alice archives one chat and is given another while the homeserver is being read."""
    routing = slot()
    looked_at = routing.changes
    archived, new = Chat(CHAT, bind(2), Status.ARCHIVED), Chat(RoomID("!new"), bind(11))
    routing.put_chat(archived)
    routing.put_chat(new)

    routing.swap(build_routes(ALL), looked_at)

    assert routing.current.chats_of(ALICE) == [archived, SECOND, new]


def test_a_swap_does_not_take_away_a_space_made_since_it_looked() -> None:
    routing = slot()
    looked_at = routing.changes
    routing.put_space(Space(RoomID("!newer:one.test"), ALICE))

    routing.swap(build_routes(ALL), looked_at)

    assert routing.current.spaces[ALICE].room_id == "!newer:one.test"
    assert routing.current.spaces[BOB].room_id == BOBS_SPACE


def test_a_swap_takes_up_what_was_found_of_owners_who_did_nothing_meanwhile() -> None:
    routing = slot()
    looked_at = routing.changes
    routing.put_chat(SECOND)

    routing.swap(build_routes(topology([SPACES[0]], [SECOND])), looked_at)

    assert routing.current.chats_of(BOB) == []
    assert not routing.touched_since(looked_at, BOB)
    assert routing.touched_since(looked_at, ALICE)


def test_what_changed_before_it_looked_is_superseded_by_what_was_found() -> None:
    routing = slot()
    routing.put_chat(Chat(CHAT, bind(2), Status.ARCHIVED))

    routing.swap(build_routes(ALL), routing.changes)

    assert routing.current.chats_of(ALICE) == [FIRST, SECOND]


def test_live_chats_can_be_counted() -> None:
    routes = build_routes(ALL).with_chat(Chat(CHAT, bind(2), Status.ARCHIVED))

    assert (routes.count(Status.LIVE), routes.count(Status.ARCHIVED)) == (2, 1)
