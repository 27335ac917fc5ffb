"""Where a message goes: looked up in memory, changed all at once, never set back."""

from __future__ import annotations

from mautrix.types import RoomID

from plugin.topology.current_routes import CurrentRoutes
from plugin.topology.model import Chat, Space, Status
from plugin.topology.routes import Routes, build_routes

from ..planner.snapshots import ALICE, BOB, CHAT, OTHER, SPACE, bind, topology

THIRD = RoomID("!third:one.test")
BOBS_SPACE = RoomID("!bobs:one.test")
FIRST, SECOND = Chat.bound(CHAT, bind(2)), Chat.bound(OTHER, bind(10))
BOBS = Chat.bound(THIRD, bind(1, BOB, BOBS_SPACE))
SPACES = [Space(SPACE, ALICE), Space(BOBS_SPACE, BOB)]
ALL = topology(SPACES, [SECOND, BOBS, FIRST])


def in_force() -> CurrentRoutes:
    routing = CurrentRoutes()
    routing.fill(build_routes(ALL))
    return routing


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
    lost = Chat.bound(THIRD, bind(11), Status.LOST)

    routing = in_force()

    assert routing.next_number(ALICE) == 11
    routing.put_chat(lost)
    assert routing.next_number(ALICE) == 12


def test_what_is_indexed_can_be_had_back() -> None:
    assert build_routes(ALL).topology() == ALL


def test_what_was_had_back_is_left_alone_by_later_changes() -> None:
    routing = in_force()

    before = routing.topology()
    routing.put_chat(Chat.bound(CHAT, bind(2), Status.ARCHIVED))

    assert before == ALL


def test_a_chat_that_is_taken_up_is_no_longer_unread() -> None:
    routing = CurrentRoutes()
    routing.fill(build_routes(topology(SPACES, [FIRST]), frozenset({OTHER, THIRD})))

    routing.put_chat(SECOND)

    assert routing.lookup(OTHER) == SECOND
    assert routing.unread == {THIRD}


def test_one_owners_part_is_replaced_and_nobody_elses() -> None:
    routing = in_force()
    moved = Chat.bound(CHAT, bind(2), Status.ARCHIVED)

    routing.replace_part(frozenset({ALICE}), topology([SPACES[0]], [moved]))

    assert routing.chats_of(ALICE) == [moved]
    assert routing.chats_of(BOB) == [BOBS]
    assert routing.lookup(OTHER) is None


def test_a_chat_that_goes_to_another_owner_is_theirs_alone() -> None:
    routing = in_force()

    routing.put_chat(Chat.bound(CHAT, bind(2, BOB, BOBS_SPACE)))

    assert routing.chats_of(ALICE) == [SECOND]
    assert [chat.room_id for chat in routing.chats_of(BOB)] == [THIRD, CHAT]


def test_a_part_is_what_these_owners_have() -> None:
    part = build_routes(ALL).part(frozenset({BOB}))

    assert part == topology([SPACES[1]], [BOBS])


def test_a_swap_puts_everything_in_force_at_once() -> None:
    routing = in_force()

    assert (routing.topology(), routing.owner_of(SPACE)) == (ALL, ALICE)
    assert routing.chats_of(ALICE) == [FIRST, SECOND]


def test_whose_part_is_replaced_by_the_same_counts_as_unchanged() -> None:
    routing = in_force()

    routing.replace_part(frozenset({ALICE, BOB}), topology(SPACES, [FIRST, BOBS]))

    assert routing.touched_since(0, ALICE)
    assert not routing.touched_since(0, BOB)


def test_a_space_in_another_ones_place_is_the_owners_alone() -> None:
    routing, newer = in_force(), Space(RoomID("!newer:one.test"), ALICE)

    routing.replace_part(frozenset({ALICE}), topology([newer], [FIRST, SECOND]))

    assert (routing.owner_of(newer.room_id), routing.owner_of(SPACE)) == (ALICE, None)
    assert routing.touched_since(0, ALICE)


def test_that_an_owner_left_their_space_is_taken_up_too() -> None:
    routing, left = in_force(), Space(SPACE, ALICE, owner_left=True)

    routing.replace_part(frozenset({ALICE}), topology([left], [FIRST, SECOND]))

    assert routing.spaces[ALICE].owner_left


def test_a_chat_that_is_found_to_be_another_owners_leaves_the_first() -> None:
    routing = in_force()

    routing.replace_part(frozenset({BOB}), topology([SPACES[1]], [Chat.bound(CHAT, bind(2, BOB))]))

    assert routing.chats_of(ALICE) == [SECOND]
    assert [chat.room_id for chat in routing.chats_of(BOB)] == [CHAT]
    assert routing.counts[Status.LIVE] == 2


def test_owners_come_in_batches_that_leave_nobody_out() -> None:
    routing = in_force()

    assert list(routing.in_batches([ALICE, BOB])) == [frozenset({ALICE, BOB})]
    assert list(routing.in_batches([])) == []


def test_chats_are_counted_by_status() -> None:
    routing = in_force()

    routing.put_chat(Chat.bound(CHAT, bind(2), Status.ARCHIVED))

    assert (routing.counts[Status.LIVE], routing.counts[Status.ARCHIVED]) == (2, 1)
