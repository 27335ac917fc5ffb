"""What stands in Matrix and what must come of it, case by case."""

from __future__ import annotations

import attr
import pytest
from mautrix.types import RoomID

from plugin.topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Chat,
    Reason,
    Space,
    Status,
    Topology,
)

from .snapshots import (
    ALICE,
    BOB,
    BOT,
    CHAT,
    FULL,
    KNOWN,
    MALLORY,
    NO_FAILURES,
    NOTHING,
    OTHER,
    SPACE,
    Conditions,
    alices_space,
    bind,
    event,
    failing,
    live,
    reconcile,
    topology,
)

REMOVED = event(CHILD_TYPE, {}, CHAT, ALICE)


@pytest.mark.parametrize(
    "cached",
    [
        NOTHING,
        KNOWN,
        topology([Space(SPACE, ALICE, 1)]),
        topology(chats=[Chat.bound(CHAT, bind(9, platform_chat_id="wrong"))]),
        topology([Space(SPACE, BOB, 9)], [Chat.bound(CHAT, bind(1, BOB), Status.LOST)]),
        topology([Space(RoomID("!nowhere"), ALICE, 0)], [Chat.bound(RoomID("!gone"), bind(7))]),
    ],
)
@pytest.mark.parametrize("reads", [NO_FAILURES, FULL])
def test_whatever_the_cache_held_matrix_wins(cached: Topology, reads: Conditions) -> None:
    plan = reconcile(alices_space(1, 2), cached, reads)

    assert plan.topology == KNOWN
    assert plan.writes == ()


def test_a_chat_taken_out_of_the_space_is_archived_and_not_linked_again() -> None:
    site = alices_space(1)
    site.send(SPACE, REMOVED)

    plan = reconcile(site, KNOWN)

    assert plan.topology.chats[CHAT] == Chat.bound(CHAT, bind(1), Status.ARCHIVED)
    assert plan.reasons[CHAT] is Reason.ARCHIVED
    (write,) = plan.writes
    assert (write.room_id, write.event_type, write.content) == (CHAT, PARENT_TYPE, {})


def test_a_chat_put_back_by_its_owner_is_one_again() -> None:
    site = alices_space(1)
    site.link_bare(CHAT, sender=ALICE)
    archived = topology(KNOWN.spaces.values(), [Chat.bound(CHAT, bind(1), Status.ARCHIVED)])

    assert live(reconcile(site, archived)) == {CHAT: bind(1)}


@pytest.mark.parametrize("membership", ["leave", "ban"])
def test_a_chat_its_owner_left_is_archived_until_they_come_back(membership: str) -> None:
    site = alices_space(1)
    site.send(CHAT, event("m.room.member", {"membership": membership}, ALICE, ALICE))
    left = reconcile(site, KNOWN, FULL)
    site.send(CHAT, event("m.room.member", {"membership": "join"}, ALICE, ALICE))

    back = reconcile(site, left.topology)

    assert left.topology.chats[CHAT].status is Status.ARCHIVED
    assert (left.writes, back.writes) == ((), ())
    assert live(back) == {CHAT: bind(1)}


def test_an_archived_chat_stays_so_when_it_cannot_be_read() -> None:
    site = alices_space(1)
    site.send(CHAT, event("m.room.member", {"membership": "leave"}, ALICE, ALICE))
    known = reconcile(site, KNOWN, FULL).topology

    plan = reconcile(site, known, failing(CHAT))

    assert live(plan) == {}


def test_a_space_its_owner_left_is_kept() -> None:
    site = alices_space(1)
    site.send(SPACE, event("m.room.member", {"membership": "leave"}, ALICE, ALICE))

    plan = reconcile(site)

    assert plan.topology.spaces[SPACE].owner_left
    assert live(plan) == {CHAT: bind(1)}


def test_a_chat_the_bot_was_thrown_out_of_is_lost_and_left_alone() -> None:
    site = alices_space(1, 2)
    site.away.add(OTHER)

    plan = reconcile(site, KNOWN)

    assert plan.topology.chats[OTHER].status is Status.LOST
    assert plan.reasons[OTHER] is Reason.LOST
    assert live(plan) == {CHAT: bind(1)}
    assert plan.writes == ()


@pytest.mark.parametrize("unread", [SPACE, CHAT])
@pytest.mark.parametrize("reads", [NO_FAILURES, FULL])
def test_a_failed_read_leaves_the_known_route_and_writes_nothing(
    unread: RoomID, reads: Conditions
) -> None:
    plan = reconcile(alices_space(1, 2), KNOWN, attr.evolve(reads, failing=frozenset({unread})))

    assert live(plan) == {CHAT: bind(1), OTHER: bind(2)}
    assert plan.writes == ()


def test_without_a_cache_a_room_that_cannot_be_read_is_named_as_such() -> None:
    site = alices_space(1)
    site.erase(SPACE, CHILD_TYPE, CHAT)

    plan = reconcile(site, NOTHING, failing(CHAT))

    assert plan.unread == {CHAT}
    assert plan.unfinished == ()


def test_the_links_of_others_route_nothing_and_are_reported() -> None:
    site = alices_space(1)
    bobs = RoomID("!bobs:one.test")
    site.make_space(bobs, BOB)
    site.link_bare(CHAT, bobs, BOB)

    plan = reconcile(site)

    assert live(plan) == {CHAT: bind(1)}
    assert [(one.room_id, one.reason) for one in plan.problems] == [(bobs, Reason.FOREIGN)]


def test_an_onboarding_that_got_no_further_than_the_space_is_named() -> None:
    assert reconcile(alices_space()).unfinished == (ALICE,)


def test_one_whose_chats_are_all_archived_is_not_mistaken_for_unfinished() -> None:
    site = alices_space(1)
    site.send(SPACE, REMOVED)

    assert reconcile(site).unfinished == ()


def test_each_room_that_is_no_chat_has_a_reason_too() -> None:
    site = alices_space(1, 2)
    unreadable, garbled = RoomID("!unreadable:one.test"), RoomID("!garbled:one.test")
    site.make_room(unreadable)
    site.make_room(garbled)
    site.send(garbled, event(BINDING_TYPE, {"v": 1}))
    site.make_room(OTHER, MALLORY)
    site.erase(OTHER, BINDING_TYPE)
    site.erase(SPACE, CHILD_TYPE, OTHER)

    reasons = reconcile(site, conditions=failing(unreadable)).reasons

    assert reasons[OTHER] is Reason.FOREIGN
    assert reasons[garbled] is Reason.MALFORMED
    assert reasons[unreadable] is Reason.STALE


def test_rooms_that_others_created_are_foreign() -> None:
    site = alices_space(1)
    site.make_room(OTHER, ALICE)

    plan = reconcile(site)

    assert plan.foreign == {OTHER}
    assert OTHER not in plan.topology.chats


def test_a_room_of_another_instance_is_left_alone() -> None:
    """Ours links it, and once mirrored it, but it was given to another since."""
    site = alices_space(1)
    site.send(CHAT, event(BINDING_TYPE, bind(1).content("other")))

    plan = reconcile(site, conditions=FULL)

    assert plan.writes == ()
    assert live(plan) == {}


def test_a_space_of_another_instance_is_left_alone() -> None:
    site = alices_space(1)
    content = {**site.content(SPACE, MARKER_TYPE), "instance": "other"}
    site.send(SPACE, event(MARKER_TYPE, content))
    site.send(CHAT, event(BINDING_TYPE, bind(1).content("other")))

    assert reconcile(site).topology == NOTHING
    assert reconcile(site).writes == ()


def test_a_room_remembered_as_foreign_is_not_read_again() -> None:
    site = alices_space(1)
    site.make_room(OTHER, BOT)

    plan = reconcile(site, conditions=Conditions(frozenset({OTHER}), foreign=frozenset({OTHER})))

    assert plan.unread == frozenset()
