"""The register of rooms that are no chats answers why a room is none."""

from __future__ import annotations

from mautrix.types import RoomID, UserID

from plugin.reconciler.non_chats import NoChat, NonChats

ALICE, BOB = UserID("@alice:test"), UserID("@bob:test")
FIRST, SECOND, THIRD = RoomID("!first"), RoomID("!second"), RoomID("!third")


def test_a_room_that_is_not_in_it_has_no_reason() -> None:
    assert NonChats().reason(FIRST) is None


def test_the_last_reason_counts() -> None:
    register = NonChats()
    register.put([FIRST], NoChat.CREATED_BY_OTHERS)
    register.put([FIRST], NoChat.FOREIGN)

    assert register.reason(FIRST) is NoChat.FOREIGN


def test_superseded_spaces_are_replaced_by_owner() -> None:
    register = NonChats()
    register.put_superseded([ALICE, BOB], {FIRST: ALICE, SECOND: BOB})

    register.put_superseded([ALICE], {THIRD: ALICE, FIRST: BOB})

    assert register.superseded_of([ALICE]) == {THIRD}
    assert register.superseded_of([ALICE, BOB]) == {SECOND, THIRD}
    assert register.reason(FIRST) is None


def test_a_read_of_all_rooms_drops_what_it_finds_anew() -> None:
    register = NonChats()
    register.put([FIRST], NoChat.FOREIGN)
    register.put([SECOND, THIRD], NoChat.CREATED_BY_OTHERS)

    register.retain(frozenset({FIRST, SECOND}))

    reasons = [register.reason(one) for one in (FIRST, SECOND, THIRD)]
    assert reasons == [None, NoChat.CREATED_BY_OTHERS, None]


def test_rooms_that_the_bot_left_are_forgotten_but_superseded_spaces() -> None:
    register = NonChats()
    register.put([FIRST, SECOND], NoChat.FOREIGN)
    register.put_superseded([ALICE], {THIRD: ALICE})

    register.forget([FIRST, THIRD])

    assert register.rooms == {SECOND, THIRD}
    assert register.superseded_of([ALICE]) == {THIRD}
