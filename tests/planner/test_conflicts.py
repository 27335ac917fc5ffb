"""Two chats with one conversation: resolved the same way on every machine."""

from __future__ import annotations

import attr
from mautrix.types import RoomID

from plugin.topology.contents import backfilled_id
from plugin.topology.model import BINDING_TYPE, CHILD_TYPE, Chat, Reason, Space

from .snapshots import (
    ALICE,
    CHAT,
    FULL,
    OTHER,
    SPACE,
    Site,
    alices_space,
    bind,
    failing,
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


def names(site: Site) -> dict[RoomID, tuple[str, str]]:
    bindings = live(reconcile(site))
    return {
        room_id: (binding.chat_id, binding.platform_chat_id)
        for room_id, binding in bindings.items()
    }


def test_the_older_keeps_a_conversation_that_two_have() -> None:
    site = alices_space()
    add(site, CHAT, 1, "shared", at=20)
    add(site, OTHER, 2, "shared", at=10)

    plan = reconcile(site)

    assert live(plan)[OTHER].platform_chat_id == "shared"
    assert live(plan)[CHAT].platform_chat_id == backfilled_id(CHAT)
    assert [problem.reason for problem in plan.problems] == [Reason.BACKFILLED]


def test_of_two_of_one_age_the_room_id_decides() -> None:
    site = alices_space()
    add(site, CHAT, 1, "shared", at=10)
    add(site, OTHER, 2, "shared", at=10)

    assert live(reconcile(site))[CHAT].platform_chat_id == "shared"


def test_of_a_chat_and_its_exact_copy_the_older_keeps_both_names() -> None:
    site = alices_space()
    add(site, CHAT, 1, "shared", at=10)
    add(site, OTHER, 1, "shared", at=20)

    assert names(site) == {CHAT: ("C1", "shared"), OTHER: ("C2", backfilled_id(OTHER))}


def test_a_resolved_conflict_stands_in_the_room_and_stays_resolved() -> None:
    site = alices_space()
    add(site, CHAT, 1, "shared", at=10)
    add(site, OTHER, 2, "shared", at=20)
    first = reconcile(site)
    site.apply(first.writes)

    assert site.content(OTHER, BINDING_TYPE)["platform_chat_id"] == backfilled_id(OTHER)
    assert reconcile(site, first.topology, FULL).writes == ()


def test_a_room_that_cannot_be_read_does_not_lose_its_route_to_a_newcomer() -> None:
    site = alices_space()
    add(site, CHAT, 1, "shared", at=10)
    known = topology([KNOWN_SPACE], [Chat.bound(CHAT, bind(1, platform_chat_id="shared"))])
    add(site, OTHER, 2, "shared", at=20)

    plan = reconcile(site, known, failing(CHAT))

    assert live(plan)[CHAT].platform_chat_id == "shared"
    assert OTHER not in live(plan)
    assert plan.writes == ()


def test_a_chat_whose_room_was_set_back_goes_on_as_before_until_the_other_can_be_read() -> None:
    """Both say "shared". Where both are read, this one keeps what it was given."""
    site = alices_space()
    add(site, CHAT, 1, "shared", at=10)
    add(site, OTHER, 2, "shared", at=20)
    given = bind(2, platform_chat_id=backfilled_id(OTHER))
    known = topology(
        [KNOWN_SPACE],
        [Chat.bound(CHAT, bind(1, platform_chat_id="shared")), Chat.bound(OTHER, given)],
    )

    plan = reconcile(site, known, attr.evolve(FULL, failing=frozenset({CHAT})))

    assert live(plan) == live(reconcile(site, known, FULL))
    assert live(plan)[OTHER] == given
    assert plan.writes == ()


def test_nobody_gets_another_conversation_while_a_third_chat_cannot_be_read() -> None:
    """It may be older than both, and its number may be the one they would be given."""
    site = alices_space()
    add(site, CHAT, 1, "shared", at=10)
    add(site, OTHER, 2, "shared", at=20)
    site.make_chat(THIRD, bind(2, platform_chat_id="third"), at=5)

    plan = reconcile(site, conditions=failing(THIRD))

    assert live(plan).keys() == {CHAT}
    assert plan.unread == {OTHER, THIRD}
    assert plan.writes == ()


def test_a_chat_that_had_the_conversation_keeps_it_although_its_number_changed() -> None:
    site = alices_space()
    add(site, CHAT, 1, "shared", at=10)
    add(site, OTHER, 2, "shared", at=5)
    known = topology([KNOWN_SPACE], [Chat.bound(CHAT, bind(3, platform_chat_id="shared"))])

    plan = reconcile(site, known, attr.evolve(FULL, failing=frozenset({OTHER})))

    assert live(plan).keys() == {CHAT}


def test_a_chat_is_linked_as_its_room_says_until_an_older_one_can_be_read() -> None:
    site = alices_space()
    add(site, CHAT, 1, "shared", at=20)
    site.erase(SPACE, CHILD_TYPE, CHAT)
    site.make_chat(OTHER, bind(1, platform_chat_id="shared"), at=10)

    site.apply(reconcile(site, conditions=failing(OTHER)).writes)
    linked = site.content(SPACE, CHILD_TYPE, CHAT)[BINDING_TYPE]
    site.apply(reconcile(site).writes)

    assert linked == bind(1, platform_chat_id="shared").content("main")
    assert names(site) == {OTHER: ("C1", "shared"), CHAT: ("C2", backfilled_id(CHAT))}
