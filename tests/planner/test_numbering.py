"""Each owner's chats have numbers of their own, and chats without any get one: on every machine
the same, and never while a room that may have it is unread.
"""

from __future__ import annotations

from mautrix.types import RoomID

from plugin.topology.contents import backfilled_id
from plugin.topology.model import BINDING_TYPE, CHILD_TYPE, PARENT_TYPE, Chat, Reason, Status

from .snapshots import (
    ALICE,
    BOB,
    CHAT,
    NOTHING,
    OTHER,
    SPACE,
    Site,
    alices_space,
    bind,
    event,
    failing,
    live,
    reconcile,
    topology,
)
from .test_conflicts import KNOWN_SPACE, THIRD, add, names


def add_legacy(site: Site, room_id: RoomID, at: int) -> None:
    site.make_room(room_id, at=at)
    site.link_bare(room_id)


def test_the_older_keeps_a_number_that_two_have() -> None:
    site = alices_space()
    add(site, CHAT, 1, "one", at=20)
    add(site, OTHER, 1, "two", at=10)

    assert names(site) == {OTHER: ("C1", "two"), CHAT: ("C2", "one")}


def test_two_owners_may_have_chats_of_one_number() -> None:
    site = alices_space(1)
    theirs = bind(1, BOB, RoomID("!bobs:one.test"))
    site.make_space(theirs.space_id, BOB)
    site.make_chat(OTHER, theirs)
    site.link_chat(OTHER, theirs)

    assert names(site) == {CHAT: ("C1", "ali-1"), OTHER: ("C1", "bob-1")}


def test_no_number_is_given_while_a_room_that_may_have_it_is_unread() -> None:
    site = alices_space()
    add(site, CHAT, 1, "one", at=10)
    add(site, OTHER, 1, "two", at=20)
    site.make_chat(THIRD, bind(2))

    plan = reconcile(site, NOTHING, failing(THIRD))

    assert plan.writes == ()


def test_legacy_chats_get_the_next_numbers_by_age() -> None:
    site = alices_space(4)
    add_legacy(site, OTHER, at=30)
    add_legacy(site, THIRD, at=20)

    assert names(site) == {
        CHAT: ("C4", "ali-4"),
        THIRD: ("C5", backfilled_id(THIRD)),
        OTHER: ("C6", backfilled_id(OTHER)),
    }


def test_a_legacy_chat_gets_a_whole_binding_and_points_back() -> None:
    site = alices_space()
    add_legacy(site, OTHER, at=30)

    plan = reconcile(site)
    site.apply(plan.writes)

    assert site.content(OTHER, BINDING_TYPE) == live(plan)[OTHER].content("main")
    assert (PARENT_TYPE, SPACE) in site.state[OTHER]
    assert live(plan)[OTHER].platform == "echo"
    assert plan.reasons[OTHER] is Reason.BACKFILLED


def test_the_room_is_bound_before_its_space_says_so() -> None:
    site = alices_space()
    add_legacy(site, OTHER, at=30)

    rooms = [write.room_id for write in reconcile(site).writes]

    assert rooms.index(OTHER) < rooms.index(SPACE)


def test_no_legacy_chat_is_numbered_while_another_room_is_unread() -> None:
    site = alices_space(1)
    add_legacy(site, OTHER, at=30)
    site.make_chat(THIRD, bind(2))

    plan = reconcile(site, NOTHING, failing(THIRD))

    assert plan.writes == ()
    assert plan.unread == {OTHER, THIRD}


def test_the_number_of_a_lost_or_archived_chat_is_not_given_again() -> None:
    site = alices_space(1, 2)
    site.away.add(OTHER)
    site.send(SPACE, event("m.space.child", {}, CHAT, ALICE))
    add_legacy(site, THIRD, at=30)

    plan = reconcile(site)

    assert live(plan)[THIRD].chat_id == "C3"
    assert plan.topology.chats[OTHER].status is Status.LOST


def test_a_lost_chat_is_forgotten_when_another_has_its_number() -> None:
    """What `!restore C1` means must not depend on which of them is found first."""
    site = alices_space(1)
    add(site, OTHER, 1, "other", at=5)
    site.away.add(OTHER)

    plan = reconcile(site)

    assert plan.topology.chats.keys() == {CHAT}
    assert [(problem.room_id, problem.reason) for problem in plan.problems] == [
        (OTHER, Reason.LOST)
    ]
    assert plan.writes == ()


def test_of_two_lost_chats_with_one_number_one_is_known() -> None:
    site = alices_space(1)
    add(site, OTHER, 1, "other", at=5)
    site.away |= {CHAT, OTHER}

    assert reconcile(site).topology.chats.keys() == {CHAT}


def test_a_lost_chat_that_comes_back_gets_a_number_of_its_own() -> None:
    site = alices_space(1)
    add(site, OTHER, 1, "other", at=50)
    site.away.add(OTHER)
    alone = reconcile(site)
    site.away.discard(OTHER)

    chats = live(reconcile(site, alone.topology))

    assert [chats[room_id].chat_id for room_id in (CHAT, OTHER)] == ["C1", "C2"]


def test_a_lost_chat_is_not_forgotten_while_its_space_cannot_be_read() -> None:
    site = alices_space(1)
    lost = Chat.bound(OTHER, bind(1, platform_chat_id="other"), Status.LOST)
    known = topology([KNOWN_SPACE], [Chat.bound(CHAT, bind(1)), lost])

    plan = reconcile(site, known, failing(SPACE))

    assert plan.topology.chats.keys() == {CHAT, OTHER}


def test_chats_of_one_number_keep_it_while_another_chat_of_theirs_cannot_be_read() -> None:
    """The next number may be that one's: its room was bound anew, and its mirror not yet."""
    site = alices_space()
    add(site, CHAT, 1, "one", at=10)
    add(site, OTHER, 1, "two", at=20)
    add(site, THIRD, 3, "three", at=30)
    site.erase(SPACE, CHILD_TYPE, OTHER)
    known = topology([KNOWN_SPACE], [Chat.bound(THIRD, bind(2, platform_chat_id="three"))])

    plan = reconcile(site, known, failing(THIRD))

    assert live(plan).keys() == {CHAT, OTHER, THIRD}
    assert plan.writes == ()


def test_a_chat_that_lost_its_binding_goes_on_as_it_was_known_while_another_is_unread() -> None:
    site = alices_space(1, 2)
    known = reconcile(site).topology
    site.erase(OTHER, BINDING_TYPE)
    site.link_bare(OTHER)
    add(site, THIRD, 3, "three", at=5)
    site.erase(SPACE, CHILD_TYPE, THIRD)

    plan = reconcile(site, known, failing(THIRD))

    assert live(plan)[OTHER] == bind(2)
    assert plan.topology.chats[OTHER].stale
    assert plan.writes == ()
