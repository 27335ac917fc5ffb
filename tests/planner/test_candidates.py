"""What one room is, said by its own state, by the Spaces that link it, or by nobody."""

from __future__ import annotations

from mautrix.types import RoomID

from plugin.topology.model import BINDING_TYPE, CHILD_TYPE, Chat, Reason, Space, Status

from .snapshots import (
    ALICE,
    BOB,
    CHAT,
    MALLORY,
    NO_FAILURES,
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

OLD_SPACE = RoomID("!old-space:one.test")
SPACES = [Space(SPACE, ALICE, 1)]


def test_a_trusted_mirror_spares_the_read_of_the_chat() -> None:
    plan = reconcile(alices_space(1), topology(SPACES), Conditions(frozenset({CHAT})))

    assert plan.topology.chats[CHAT] == Chat.bound(CHAT, bind(1))


def test_a_chat_that_was_not_live_is_read_in_spite_of_its_mirror() -> None:
    known = topology(SPACES, [Chat.bound(CHAT, bind(1), Status.LOST)])

    plan = reconcile(alices_space(1), known, NO_FAILURES)

    assert plan.topology.chats[CHAT] == Chat.bound(CHAT, bind(1))


def test_the_rooms_own_binding_counts_for_more_than_its_mirror() -> None:
    site = alices_space(1)
    moved = bind(1, platform_chat_id="moved")
    site.send(CHAT, event(BINDING_TYPE, moved.content("main")))

    assert live(reconcile(site, conditions=Conditions(full=True))) == {CHAT: moved}


def test_a_mirror_for_another_owner_is_not_believed() -> None:
    site = alices_space()
    site.link_chat(CHAT, bind(1, BOB))
    site.make_room(CHAT, MALLORY)

    plan = reconcile(site)

    assert live(plan) == {}
    assert [problem.reason for problem in plan.problems] == [Reason.FOREIGN]


def test_the_chosen_spaces_mirror_counts_for_more_than_a_superseded_spaces() -> None:
    site = alices_space(1)
    site.make_space(OLD_SPACE, at=99)
    site.link_chat(CHAT, bind(2, space_id=OLD_SPACE))

    assert live(reconcile(site)) == {CHAT: bind(1)}


def test_a_room_the_owner_linked_and_the_bot_made_is_no_legacy_chat() -> None:
    """Only what the bot linked itself was ever a chat."""
    site = alices_space()
    site.make_room(CHAT)
    site.link_bare(CHAT, sender=ALICE)

    plan = reconcile(site)

    assert plan.topology.chats == {}
    assert plan.writes == ()


def test_a_room_of_somebody_elses_that_the_bot_linked_is_no_legacy_chat() -> None:
    site = alices_space()
    site.make_room(CHAT, MALLORY)
    site.link_bare(CHAT)

    plan = reconcile(site)

    assert plan.topology.chats == {}
    assert plan.foreign == {CHAT}


def test_a_legacy_chat_that_was_taken_out_of_the_space_is_left_alone() -> None:
    site = alices_space()
    site.make_room(CHAT)
    site.send(SPACE, event(CHILD_TYPE, {}, CHAT, ALICE))

    plan = reconcile(site)

    assert plan.topology.chats == {}
    assert plan.writes == ()


def test_a_legacy_chat_taken_out_of_the_chosen_space_is_archived_at_once() -> None:
    """A superseded Space still links it, so its owner is known."""
    site = alices_space()
    site.make_space(OLD_SPACE, at=99)
    site.make_room(CHAT)
    site.link_bare(CHAT, OLD_SPACE)
    site.send(SPACE, event(CHILD_TYPE, {}, CHAT, ALICE))

    assert live(reconcile(site)) == {}


def test_an_unread_room_goes_by_its_mirror_for_now() -> None:
    plan = reconcile(alices_space(1), topology(SPACES), Conditions(frozenset({CHAT}), full=True))

    assert plan.topology.chats[CHAT] == Chat.bound(CHAT, bind(1), stale=True)
    assert plan.reasons[CHAT] is Reason.STALE


def test_an_unread_space_leaves_its_chats_as_they_were_known() -> None:
    archived = Chat.bound(OTHER, bind(2), Status.ARCHIVED)
    known = topology(SPACES, [Chat.bound(CHAT, bind(1)), archived])

    plan = reconcile(alices_space(1, 2), known, failing(SPACE, OTHER))

    assert plan.topology.chats[CHAT].stale
    assert plan.topology.chats[OTHER].status is Status.ARCHIVED


def test_a_lost_chat_of_an_unread_space_stays_known_as_lost() -> None:
    site = alices_space(1, 2)
    site.away.add(OTHER)
    known = topology(SPACES, [Chat.bound(CHAT, bind(1)), Chat.bound(OTHER, bind(2))])

    plan = reconcile(site, known, failing(SPACE))

    assert plan.topology.chats[OTHER].status is Status.LOST


def test_a_room_that_only_the_cache_knows_is_forgotten() -> None:
    known = topology(SPACES, [Chat.bound(RoomID("!nowhere:one.test"), bind(7))])

    assert reconcile(alices_space(1), known).topology.chats.keys() == {CHAT}
