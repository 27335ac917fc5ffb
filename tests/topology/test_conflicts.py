"""Two chats under one name, and chats without any: settled the same way on every machine."""

from __future__ import annotations

from mautrix.types import RoomID

from plugin.topology.contents import backfilled_id
from plugin.topology.model import BINDING_TYPE, PARENT_TYPE, Chat, Reason, Space, Status

from .worlds import (
    ALICE,
    BOB,
    CHAT,
    NOTHING,
    OTHER,
    SPACE,
    THOROUGH,
    Site,
    bind,
    event,
    failing,
    home,
    live,
    reconcile,
    topology,
)

THIRD = RoomID("!third:one.test")
KNOWN_SPACE = Space(SPACE, ALICE, 1)


def add(site: Site, room_id: RoomID, number: int, conversation: str, at: int) -> None:
    """One more chat of Alice's, in order but for the names it goes by."""
    binding = bind(number, platform_chat_id=conversation)
    site.make_chat(room_id, binding, at)
    site.link_chat(room_id, binding)


def add_legacy(site: Site, room_id: RoomID, at: int) -> None:
    site.make_room(room_id, at=at)
    site.link_bare(room_id)


def names(site: Site) -> dict[RoomID, tuple[str, str]]:
    bindings = live(reconcile(site))
    return {
        room_id: (binding.chat_id, binding.platform_chat_id)
        for room_id, binding in bindings.items()
    }


def test_the_older_keeps_a_conversation_that_two_claim() -> None:
    site = home()
    add(site, CHAT, 1, "shared", at=20)
    add(site, OTHER, 2, "shared", at=10)

    plan = reconcile(site)

    assert live(plan)[OTHER].platform_chat_id == "shared"
    assert live(plan)[CHAT].platform_chat_id == backfilled_id(CHAT)
    assert [problem.reason for problem in plan.problems] == [Reason.BACKFILLED]


def test_of_two_of_one_age_the_room_id_decides() -> None:
    site = home()
    add(site, CHAT, 1, "shared", at=10)
    add(site, OTHER, 2, "shared", at=10)

    assert live(reconcile(site))[CHAT].platform_chat_id == "shared"


def test_the_older_keeps_a_number_that_two_have() -> None:
    site = home()
    add(site, CHAT, 1, "one", at=20)
    add(site, OTHER, 1, "two", at=10)

    assert names(site) == {OTHER: ("C1", "two"), CHAT: ("C2", "one")}


def test_of_a_chat_and_its_exact_copy_the_older_keeps_both_names() -> None:
    site = home()
    add(site, CHAT, 1, "shared", at=10)
    add(site, OTHER, 1, "shared", at=20)

    assert names(site) == {CHAT: ("C1", "shared"), OTHER: ("C2", backfilled_id(OTHER))}


def test_two_owners_may_have_chats_of_one_number() -> None:
    site = home(1)
    theirs = bind(1, BOB, RoomID("!bobs:one.test"))
    site.make_space(theirs.space_id, BOB)
    site.make_chat(OTHER, theirs)
    site.link_chat(OTHER, theirs)

    assert names(site) == {CHAT: ("C1", "ali-1"), OTHER: ("C1", "bob-1")}


def test_a_settled_conflict_stands_in_the_room_and_stays_settled() -> None:
    site = home()
    add(site, CHAT, 1, "shared", at=10)
    add(site, OTHER, 2, "shared", at=20)
    first = reconcile(site)
    site.apply(first.writes)

    assert site.content(OTHER, BINDING_TYPE)["platform_chat_id"] == backfilled_id(OTHER)
    assert reconcile(site, first.topology, THOROUGH).writes == ()


def test_a_room_that_cannot_be_read_does_not_lose_its_route_to_a_newcomer() -> None:
    site = home()
    add(site, CHAT, 1, "shared", at=10)
    known = topology([KNOWN_SPACE], [Chat(CHAT, bind(1, platform_chat_id="shared"))])
    add(site, OTHER, 2, "shared", at=20)

    plan = reconcile(site, known, failing(CHAT))

    assert live(plan)[CHAT].platform_chat_id == "shared"
    assert OTHER not in live(plan)
    assert plan.writes == ()


def test_no_number_is_given_while_a_room_that_may_have_it_is_unread() -> None:
    site = home()
    add(site, CHAT, 1, "one", at=10)
    add(site, OTHER, 1, "two", at=20)
    site.make_chat(THIRD, bind(2))

    plan = reconcile(site, NOTHING, failing(THIRD))

    assert plan.writes == ()


def test_legacy_chats_get_the_next_numbers_by_age() -> None:
    site = home(4)
    add_legacy(site, OTHER, at=30)
    add_legacy(site, THIRD, at=20)

    assert names(site) == {
        CHAT: ("C4", "ali-4"),
        THIRD: ("C5", backfilled_id(THIRD)),
        OTHER: ("C6", backfilled_id(OTHER)),
    }


def test_a_legacy_chat_gets_a_whole_binding_and_points_back() -> None:
    site = home()
    add_legacy(site, OTHER, at=30)

    plan = reconcile(site)
    site.apply(plan.writes)

    assert site.content(OTHER, BINDING_TYPE) == live(plan)[OTHER].content("main")
    assert (PARENT_TYPE, SPACE) in site.state[OTHER]
    assert live(plan)[OTHER].platform == "echo"
    assert plan.reasons[OTHER] is Reason.BACKFILLED


def test_the_room_is_bound_before_its_space_says_so() -> None:
    site = home()
    add_legacy(site, OTHER, at=30)

    rooms = [write.room_id for write in reconcile(site).writes]

    assert rooms.index(OTHER) < rooms.index(SPACE)


def test_no_legacy_chat_is_numbered_while_another_room_is_unread() -> None:
    site = home(1)
    add_legacy(site, OTHER, at=30)
    site.make_chat(THIRD, bind(2))

    plan = reconcile(site, NOTHING, failing(THIRD))

    assert plan.writes == ()
    assert plan.unread == {OTHER, THIRD}


def test_the_number_of_a_lost_or_archived_chat_is_not_given_again() -> None:
    site = home(1, 2)
    site.away.add(OTHER)
    site.send(SPACE, event("m.space.child", {}, CHAT, ALICE))
    add_legacy(site, THIRD, at=30)

    plan = reconcile(site)

    assert live(plan)[THIRD].chat_id == "C3"
    assert plan.topology.chats[OTHER].status is Status.LOST
