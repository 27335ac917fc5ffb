"""Which Space is the owner's: the oldest that can be seen, the same on every machine."""

from __future__ import annotations

from mautrix.types import RoomID

from plugin.planner.choose_space import choose_spaces
from plugin.planner.upgrades import trace_upgrades
from plugin.topology.contents import child_content, removed_child_content
from plugin.topology.model import CHILD_TYPE, MARKER_TYPE, Chat, Marker, Space
from plugin.topology.snapshot import Room, Snapshot

from .snapshots import (
    ALICE,
    BOB,
    BOT,
    CHAT,
    IDENTITY,
    OTHER,
    SPACE,
    Conditions,
    Site,
    alices_space,
    bind,
    event,
    failing,
    live,
    reconcile,
    topology,
)

SECOND = RoomID("!second:one.test")


def space(room_id: RoomID, at: int, superseded_by: RoomID | None = None) -> Room:
    return Room(room_id, BOT, at, is_space=True, marker=Marker(ALICE, superseded_by))


def chosen(*rooms: Room) -> RoomID:
    snapshot = Snapshot(
        BOT, frozenset(room.room_id for room in rooms), {room.room_id: room for room in rooms}
    )
    return choose_spaces(snapshot, topology(), trace_upgrades(snapshot)).chosen[ALICE].room_id


def two_spaces() -> Site:
    site = alices_space(1)
    site.make_space(SECOND, at=5)
    return site


def test_the_oldest_wins() -> None:
    assert chosen(space(SECOND, at=1), space(SPACE, at=2)) == SECOND


def test_of_two_of_one_age_the_room_id_decides() -> None:
    assert chosen(space(SPACE, at=1), space(SECOND, at=1)) == SECOND


def test_a_superseded_space_stays_superseded() -> None:
    assert chosen(space(SECOND, at=1, superseded_by=SPACE), space(SPACE, at=2)) == SPACE


def test_a_superseded_space_is_chosen_when_there_is_no_other() -> None:
    assert chosen(space(SECOND, at=1, superseded_by=SPACE)) == SECOND


def test_each_owner_has_one() -> None:
    site = alices_space()
    site.make_space(SECOND, BOB)

    spaces = reconcile(site).topology.spaces.values()

    assert {(one.owner, one.room_id) for one in spaces} == {(ALICE, SPACE), (BOB, SECOND)}


def test_a_superseded_space_says_so_in_its_marker_and_is_kept() -> None:
    site = two_spaces()

    site.apply(reconcile(site).writes)

    assert site.content(SECOND, MARKER_TYPE)["superseded_by"] == SPACE
    assert "superseded_by" not in site.content(SPACE, MARKER_TYPE)
    assert site.joined >= {SPACE, SECOND}


def test_a_space_that_cannot_be_read_keeps_its_place_and_nothing_is_written() -> None:
    site = two_spaces()
    known = topology([Space(SPACE, ALICE, 1)])

    plan = reconcile(site, known, failing(SPACE))

    assert set(plan.topology.spaces) == {SPACE}
    assert plan.writes == ()


def test_a_space_that_cannot_be_read_is_not_forgotten_for_an_older_one() -> None:
    """Nor is it by the next run, which knows what this one left, and can read no more."""
    site, away = alices_space(1), failing(SPACE, CHAT)
    site.make_space(SECOND, at=0)
    site.make_chat(OTHER, bind(1, space_id=SECOND, platform_chat_id="other"))
    known = topology([Space(SPACE, ALICE, 1)], [Chat.bound(CHAT, bind(1))])

    first = reconcile(site, known, away)
    second = reconcile(site, first.topology, away)

    assert set(first.topology.spaces) == set(second.topology.spaces) == {SPACE}
    assert (first.writes, second.writes) == ((), ())


def test_a_space_that_only_its_chats_name_and_that_cannot_be_read_is_waited_for() -> None:
    """The database is gone and the one read that matters fails: another of the owner's Spaces,
    long superseded, must not take the chats."""
    site = two_spaces()
    site.apply(reconcile(site).writes)

    plan = reconcile(site, topology(), failing(SPACE))

    assert plan.writes == ()


def test_a_chat_removed_from_a_superseded_space_stays_while_the_chosen_one_is_unread() -> None:
    site = two_spaces()
    taken_out = removed_child_content(child_content(bind(1), IDENTITY))
    site.send(SECOND, event(CHILD_TYPE, taken_out, CHAT))
    known = topology([Space(SPACE, ALICE, 1)], [Chat.bound(CHAT, bind(1))])

    plan = reconcile(site, known, Conditions(frozenset({SPACE}), full=True))

    assert live(plan) == {CHAT: bind(1)}


def test_a_space_the_bot_is_no_longer_in_is_nobodys() -> None:
    site = alices_space()
    site.away.add(SPACE)

    plan = reconcile(site, topology([Space(SPACE, ALICE, 1)]))

    assert plan.topology.spaces == {}


def test_a_marker_by_somebody_else_makes_no_space() -> None:
    site = Site()
    site.make_room(SECOND, BOT)
    site.send(SECOND, event(MARKER_TYPE, Marker(ALICE).content("main"), sender=ALICE))

    assert reconcile(site).topology.spaces == {}
