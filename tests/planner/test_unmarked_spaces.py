"""A Space of the bot's that lost its marker: its chats say whose it is, and it is marked again."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.types import RoomID

from plugin.topology.contents import child_content
from plugin.topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Binding,
    Marker,
    Topology,
)

from .snapshots import (
    ALICE,
    BOB,
    CHAT,
    FULL,
    IDENTITY,
    KNOWN,
    MALLORY,
    NO_FAILURES,
    NOTHING,
    OTHER,
    SPACE,
    Conditions,
    Site,
    alices_space,
    assert_second_run_writes_nothing,
    bind,
    event,
    failing,
    live,
    reconcile,
    topology,
)

SECOND = RoomID("!second:one.test")
MARKER = Marker(ALICE).content("main")
BINDINGS = {CHAT: bind(1), OTHER: bind(2)}


def unmarked(*numbers: int) -> Site:
    """Alice's Space without its marker, and with chats in it."""
    site = alices_space(*numbers)
    site.erase(SPACE, MARKER_TYPE)
    return site


def is_marked_again(site: Site, cached: Topology = NOTHING, reads: Conditions = FULL) -> bool:
    """One run marks the Space and changes nothing else, and the next finds nothing to do."""
    plan = reconcile(site, cached, reads)
    site.apply(plan.writes)
    assert live(plan) == BINDINGS
    assert reconcile(site, plan.topology, FULL).writes == ()
    marked = plan.topology.spaces.keys() == {SPACE}
    return marked and bool(site.content(SPACE, MARKER_TYPE) == MARKER)


@pytest.mark.parametrize("reads", [NO_FAILURES, FULL])
@pytest.mark.parametrize("cached", [KNOWN, NOTHING], ids=["cache kept", "cache gone"])
def test_a_space_that_its_chats_name_is_their_owners(cached: Topology, reads: Conditions) -> None:
    assert is_marked_again(unmarked(1, 2), cached, reads)


@pytest.mark.parametrize("marker", [{}, {"v": 1}, {"v": 1, "matrix_user_id": "alice"}])
def test_a_marker_that_names_nobody_is_none(marker: Any) -> None:
    site = alices_space(1, 2)
    site.send(SPACE, event(MARKER_TYPE, marker))

    assert is_marked_again(site)


def test_the_mirrors_suffice_where_the_chats_lost_their_bindings() -> None:
    site = unmarked(1, 2)
    for room_id in BINDINGS:
        site.erase(room_id, BINDING_TYPE)

    assert is_marked_again(site)


def test_the_chats_suffice_where_the_space_lost_their_mirrors() -> None:
    site = unmarked(1, 2)
    for room_id in BINDINGS:
        site.link_bare(room_id, sender=ALICE)

    assert is_marked_again(site)


def test_one_chat_that_names_it_suffices_for_those_that_lost_a_part() -> None:
    site = unmarked(1, 2)
    content = {key: value for key, value in bind(2).content("main").items() if key[0] != "m"}
    site.send(OTHER, event(BINDING_TYPE, content))
    link = child_content(bind(2), IDENTITY)
    site.send(SPACE, event(CHILD_TYPE, {**link, BINDING_TYPE: content}, OTHER))

    assert is_marked_again(site)


@pytest.mark.parametrize("marked", [SPACE, SECOND])
def test_of_it_and_a_marked_one_the_oldest_wins(marked: RoomID) -> None:
    site = alices_space(1)
    site.make_space(SECOND, at=5)
    site.make_chat(OTHER, bind(2, space_id=SECOND))
    site.link_chat(OTHER, bind(2, space_id=SECOND))
    site.erase(SPACE if marked == SECOND else SECOND, MARKER_TYPE)

    plan = reconcile(site)
    site.apply(plan.writes)

    assert live(plan) == BINDINGS
    assert plan.topology.spaces.keys() == {SPACE}
    assert site.content(SPACE, MARKER_TYPE) == MARKER
    assert site.content(SECOND, MARKER_TYPE) == Marker(ALICE, SPACE).content("main")
    assert reconcile(site, plan.topology, FULL).writes == ()


def test_of_two_without_a_marker_the_oldest_wins() -> None:
    site = unmarked(1)
    site.make_space(SECOND, at=5)
    site.erase(SECOND, MARKER_TYPE)
    site.make_chat(OTHER, bind(2, space_id=SECOND))
    site.link_chat(OTHER, bind(2, space_id=SECOND))

    assert is_marked_again(site)
    assert site.content(SECOND, MARKER_TYPE)["superseded_by"] == SPACE


def test_each_owner_gets_their_own_back() -> None:
    site, bobs = unmarked(1), bind(1, BOB, SECOND)
    site.make_space(SECOND, BOB)
    site.make_chat(OTHER, bobs)
    site.link_chat(OTHER, bobs)
    site.erase(SECOND, MARKER_TYPE)

    spaces = reconcile(site).topology.spaces.values()

    assert {(one.owner, one.room_id) for one in spaces} == {(ALICE, SPACE), (BOB, SECOND)}


def test_a_space_that_its_chats_do_not_name_is_nobodys() -> None:
    site = alices_space(1)
    site.make_space(SECOND, BOB, at=0)
    site.erase(SECOND, MARKER_TYPE)
    site.link_bare(CHAT, SECOND)

    plan = reconcile(site)

    assert plan.topology.spaces.keys() == {SPACE}
    assert plan.writes == ()


def test_an_old_mirror_makes_no_space_theirs_that_the_chat_has_left() -> None:
    site = alices_space(1)
    site.make_space(SECOND, at=0)
    site.erase(SECOND, MARKER_TYPE)
    site.send(SECOND, event(CHILD_TYPE, child_content(bind(1, space_id=SECOND), IDENTITY), CHAT))

    plan = reconcile(site)

    assert plan.topology.spaces.keys() == {SPACE}
    assert plan.writes == ()


@pytest.mark.parametrize("sender", [ALICE, MALLORY])
def test_what_others_say_makes_nobody_an_owner(sender: Any) -> None:
    site = unmarked()
    site.make_room(CHAT)
    forged = bind(1, sender)
    site.send(CHAT, event(BINDING_TYPE, forged.content("main"), sender=sender))
    site.send(SPACE, event(CHILD_TYPE, child_content(forged, IDENTITY), CHAT, sender))
    site.send(SPACE, event(MARKER_TYPE, Marker(sender).content("main"), sender=sender))

    plan = reconcile(site)

    assert plan.topology == NOTHING
    assert plan.writes == ()


@pytest.mark.parametrize("creator", [ALICE, MALLORY])
def test_a_space_that_the_bot_did_not_make_is_never_theirs(creator: Any) -> None:
    site = unmarked(1)
    site.send(SPACE, event("m.room.create", {"type": "m.space"}, sender=creator, at=1))

    assert reconcile(site).topology.spaces == {}


def test_a_space_of_another_instance_is_left_to_it() -> None:
    site = alices_space(1)
    site.send(SPACE, event(MARKER_TYPE, {**MARKER, "instance": "other"}))

    plan = reconcile(site)

    assert plan.topology.spaces == {}
    assert [write for write in plan.writes if write.room_id == SPACE] == []


@pytest.mark.parametrize("cached", [KNOWN, NOTHING], ids=["cache kept", "cache gone"])
def test_while_a_chat_cannot_be_read_the_space_is_theirs_and_nothing_is_written(
    cached: Topology,
) -> None:
    plan = reconcile(unmarked(1, 2), cached, failing(OTHER))

    assert plan.topology.spaces.keys() == {SPACE}
    assert plan.writes == ()
    assert live(plan) == BINDINGS


def test_a_known_space_is_kept_while_nothing_that_names_it_can_be_read() -> None:
    site = unmarked(1, 2)
    for room_id in BINDINGS:
        site.link_bare(room_id, sender=ALICE)

    plan = reconcile(site, KNOWN, failing(CHAT, OTHER))

    assert plan.topology.spaces.keys() == {SPACE}
    assert plan.writes == ()
    assert live(plan) == BINDINGS


def test_chats_that_are_all_taken_out_still_name_it() -> None:
    site = unmarked(1)
    link = child_content(bind(1), IDENTITY)
    site.send(SPACE, event(CHILD_TYPE, {**link, "via": []}, CHAT))

    assert reconcile(site).topology.spaces.keys() == {SPACE}


def test_a_chat_of_which_the_cache_says_the_rest_names_it_at_once() -> None:
    site = unmarked(1)
    content = bind(1).content("main")
    site.send(CHAT, event(BINDING_TYPE, {"v": 1, "matrix_user_id": content["matrix_user_id"]}))
    site.link_bare(CHAT, sender=ALICE)

    assert_second_run_writes_nothing(site, KNOWN, FULL)
    assert site.content(SPACE, MARKER_TYPE) == MARKER


def test_contradicting_chats_are_decided_alike_on_every_machine() -> None:
    site = unmarked(1, 2)
    site.send(OTHER, event(BINDING_TYPE, Binding("C2", SPACE, BOB, "echo", "x").content("main")))
    backwards = site.copy()
    backwards.state = dict(reversed(backwards.state.items()))

    plans = [reconcile(one) for one in (site, backwards)]

    assert plans[0].topology == plans[1].topology
    assert [one.owner for one in plans[0].topology.spaces.values()] == [ALICE]
    assert topology(plans[0].topology.spaces.values()).spaces == plans[1].topology.spaces


def test_whom_most_chats_name_owns_it() -> None:
    site, third = unmarked(1, 2), RoomID("!third:one.test")
    for room_id, number in ((OTHER, 2), (third, 3)):
        bobs = bind(number, BOB)
        site.make_chat(room_id, bobs)
        site.link_chat(room_id, bobs)

    assert [one.owner for one in reconcile(site).topology.spaces.values()] == [BOB]


def test_a_chat_that_went_to_another_instance_names_nobody() -> None:
    site = unmarked(1)
    site.send(CHAT, event(BINDING_TYPE, bind(1).content("other")))

    assert reconcile(site, conditions=FULL).topology.spaces == {}


def test_what_is_left_of_a_mirror_suffices_where_its_chat_says_nothing() -> None:
    site = unmarked(1, 2)
    for number, room_id in enumerate(BINDINGS, 1):
        content = {**bind(number).content("main"), "platform": None}
        site.send(room_id, event(BINDING_TYPE, {"v": 1, "platform": "echo"}))
        site.erase(room_id, PARENT_TYPE, SPACE)
        link = child_content(bind(number), IDENTITY)
        site.send(SPACE, event(CHILD_TYPE, {**link, BINDING_TYPE: content}, room_id))

    assert reconcile(site).topology.spaces.keys() == {SPACE}


def test_the_cache_tells_which_space_a_chat_named_that_names_none() -> None:
    site = unmarked(1)
    site.send(CHAT, event(BINDING_TYPE, {"v": 1, "matrix_user_id": bind(1).matrix_user_id}))
    site.erase(CHAT, PARENT_TYPE, SPACE)
    site.link_bare(CHAT, sender=ALICE)

    assert reconcile(site, KNOWN, FULL).topology.spaces.keys() == {SPACE}


def test_a_chat_that_took_over_from_another_names_what_that_one_named() -> None:
    site, fresh = unmarked(1), RoomID("!fresh:one.test")
    site.send(CHAT, event("m.room.tombstone", {"replacement_room": fresh}))
    site.send(fresh, event("m.room.create", {"predecessor": {"room_id": CHAT}}, at=99))
    site.erase(SPACE, CHILD_TYPE, CHAT)
    site.link_bare(fresh, sender=ALICE)

    plan = reconcile(site)

    assert plan.topology.spaces.keys() == {SPACE}
    assert live(plan) == {fresh: bind(1)}
