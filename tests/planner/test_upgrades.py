"""Rooms that were upgraded: followed only if both ends agree, over any number of upgrades."""

from __future__ import annotations

import pytest
from mautrix.types import RoomID, UserID

from plugin.planner.plan import Plan, make_plan
from plugin.topology.contents import backfilled_id
from plugin.topology.model import BINDING_TYPE, CHILD_TYPE, Reason, Status
from plugin.topology.snapshot import Snapshot

from .snapshots import (
    ALICE,
    BOT,
    CHAT,
    FULL,
    MALLORY,
    NOTHING,
    RULES,
    SPACE,
    Conditions,
    Site,
    alices_space,
    bind,
    event,
    failing,
    live,
    reconcile,
)

NEW = RoomID("!new:one.test")
NEWER = RoomID("!newer")
NEW_SPACE = RoomID("!new-space")
MOVED = {"v": 1, "instance": "main", "superseded_by": NEW}


def upgrade(
    site: Site, old: RoomID, new: RoomID, by: UserID = BOT, kind: str | None = None
) -> None:
    """What a client's "upgrade room" leaves behind."""
    content = {"predecessor": {"room_id": old}, **({"type": kind} if kind else {})}
    site.send(new, event("m.room.create", content, sender=by, at=90))
    site.send(old, event("m.room.tombstone", {"replacement_room": new}, sender=by))


def upgraded(by: UserID = BOT) -> Site:
    site = alices_space(1)
    upgrade(site, CHAT, NEW, by)
    return site


@pytest.mark.parametrize("by", [BOT, ALICE])
def test_the_binding_moves_to_the_room_that_took_over(by: UserID) -> None:
    site = upgraded(by)

    plan = reconcile(site, NOTHING, FULL)
    site.apply(plan.writes)

    assert live(plan) == {NEW: bind(1)}
    assert plan.reasons[CHAT] is Reason.UPGRADED
    assert site.content(NEW, BINDING_TYPE) == bind(1).content("main")
    assert site.content(CHAT, BINDING_TYPE) == MOVED
    assert site.content(SPACE, CHILD_TYPE, CHAT) == {}
    second = reconcile(site, plan.topology, FULL)
    assert second.writes == ()
    assert second.marked_upgraded == {CHAT}


def test_a_room_upgraded_twice_while_nobody_looked_is_followed_to_the_last() -> None:
    site = upgraded()
    upgrade(site, NEW, NEWER)

    assert live(reconcile(site, NOTHING, FULL)) == {NEWER: bind(1)}


def test_the_bot_joins_the_room_that_took_over() -> None:
    site = upgraded(ALICE)
    site.away.add(NEW)

    plan = reconcile(site, NOTHING, FULL)

    assert live(plan) == {NEW: bind(1)}
    assert NEW in site.joined


def test_a_tombstone_without_a_replacement_archives() -> None:
    site = alices_space(1)
    site.send(CHAT, event("m.room.tombstone", {"body": "closed"}, sender=ALICE))

    plan = reconcile(site, NOTHING, FULL)

    assert plan.topology.chats[CHAT].status is Status.ARCHIVED
    assert plan.writes == ()


def test_a_replacement_that_is_not_there_archives() -> None:
    site = alices_space(1)
    site.send(CHAT, event("m.room.tombstone", {"replacement_room": "!nowhere"}))

    assert live(reconcile(site, NOTHING, FULL)) == {}


def test_a_replacement_that_does_not_name_the_room_before_it_is_not_followed() -> None:
    site = alices_space(1)
    site.make_room(NEW, ALICE)
    site.send(CHAT, event("m.room.tombstone", {"replacement_room": NEW}, sender=ALICE))

    plan = reconcile(site, NOTHING, FULL)

    assert live(plan) == {}
    assert plan.topology.chats[CHAT].status is Status.ARCHIVED


def test_a_room_that_names_a_predecessor_replaces_nothing_without_a_tombstone() -> None:
    site = upgraded(MALLORY)
    site.erase(CHAT, "m.room.tombstone")

    plan = reconcile(site, NOTHING, FULL)

    assert live(plan) == {CHAT: bind(1)}
    assert plan.foreign == {NEW}


@pytest.mark.parametrize("before", [RoomID("!a-room"), RoomID("!z-room")])
def test_what_is_read_does_not_depend_on_the_order_of_room_ids(before: RoomID) -> None:
    site = Site()
    site.make_room(before, MALLORY)
    upgrade(site, before, NEW, MALLORY)
    known_foreign = Snapshot(BOT, site.joined, {}, foreign=frozenset({before}))

    plan = make_plan(site.read(known_foreign, [NEW], []), NOTHING, RULES)

    assert plan.to_read == frozenset()


def test_rooms_that_replace_each_other_end_nowhere() -> None:
    site = upgraded()
    upgrade(site, NEW, CHAT)

    plan = reconcile(site, NOTHING, FULL)

    assert live(plan) == {}


def test_a_replacement_that_cannot_be_read_is_waited_for() -> None:
    site = upgraded()

    plan = reconcile(site, NOTHING, failing(NEW))

    assert CHAT in live(plan)
    assert plan.writes == ()


def followed() -> tuple[Site, Plan]:
    """A chat that was upgraded, and the plan that was carried out for it."""
    site = upgraded()
    plan = reconcile(site, NOTHING, FULL)
    site.apply(plan.writes)
    return site, plan


@pytest.mark.parametrize("foreign", [frozenset(), frozenset({CHAT})])
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_an_upgraded_room_is_no_chat_again_when_its_replacement_is_lost(
    foreign: frozenset[RoomID], full: bool, known: bool
) -> None:
    site, plan = followed()
    site.away.add(NEW)
    site.refusing.add(NEW)
    cached = plan.topology if known else NOTHING

    again = reconcile(site, cached, Conditions(full=full, foreign=foreign))

    chats = again.topology.chats.values()
    assert [(chat.room_id, chat.status) for chat in chats] == [(NEW, Status.LOST)]
    assert again.writes == ()


def test_a_binding_that_has_not_moved_yet_stays_when_the_replacement_is_lost() -> None:
    site, plan = upgraded(), reconcile(upgraded(), NOTHING, FULL)
    site.apply(write for write in plan.writes if write.room_id == NEW)
    site.away.add(NEW)
    site.refusing.add(NEW)

    for cached in (plan.topology, NOTHING):
        chat = reconcile(site, cached, FULL).topology.chats[CHAT]
        assert (chat.status, chat.binding) == (Status.ARCHIVED, bind(1))


def test_a_chat_upgraded_again_goes_on_under_the_binding_it_had_last() -> None:
    site, plan = followed()
    renumbered = bind(4)
    site.send(NEW, event(BINDING_TYPE, renumbered.content("main")))
    site.link_chat(NEW, renumbered)
    upgrade(site, NEW, NEWER)

    assert live(reconcile(site, plan.topology, FULL)) == {NEWER: renumbered}


def test_the_binding_moves_although_its_owner_has_no_space_now() -> None:
    site = upgraded()
    site.away.add(SPACE)

    plan = reconcile(site, NOTHING, FULL)
    site.apply(plan.writes)

    assert live(plan) == {NEW: bind(1)}
    assert site.content(NEW, BINDING_TYPE) == bind(1).content("main")
    assert site.content(CHAT, BINDING_TYPE) == MOVED
    assert reconcile(site, plan.topology, FULL).writes == ()


def test_a_room_that_was_replaced_is_mirrored_nowhere_any_more() -> None:
    """A superseded Space mirrored it too, and the next start goes by mirrors alone."""
    site = upgraded()
    superseded = RoomID("!superseded:one.test")
    site.make_space(superseded, at=99)
    site.link_chat(CHAT, bind(1, space_id=superseded))

    plan = reconcile(site)
    site.apply(plan.writes)

    assert site.content(superseded, CHILD_TYPE, CHAT) == {}
    assert live(reconcile(site, plan.topology)).keys() == {NEW}


def test_what_took_over_from_a_room_without_a_binding_is_bound_and_both_say_so_at_once() -> None:
    site = alices_space()
    site.make_room(CHAT)
    upgrade(site, CHAT, NEW)
    site.link_bare(CHAT)
    site.link_bare(NEW)

    plan = reconcile(site)
    site.apply(plan.writes)

    assert live(plan)[NEW].platform_chat_id == backfilled_id(NEW)
    assert site.content(CHAT, BINDING_TYPE) == MOVED
    assert site.content(SPACE, CHILD_TYPE, CHAT) == {}
    assert reconcile(site, plan.topology, FULL).writes == ()


def test_an_upgraded_space_takes_its_chats_along() -> None:
    site = alices_space(1)
    upgrade(site, SPACE, NEW_SPACE, kind="m.space")

    plan = reconcile(site, NOTHING, FULL)
    site.apply(plan.writes)

    assert set(plan.topology.spaces) == {NEW_SPACE}
    assert live(plan) == {CHAT: bind(1, space_id=NEW_SPACE)}
    assert reconcile(site, plan.topology, FULL).writes == ()
