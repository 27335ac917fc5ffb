"""A binding that lacks a part is completed part by part, and what it still says stays as it is.

The room's own words count first, then its mirror in the Space, then the cache; what none of them
says is computed, the same on every machine.
"""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.types import RoomID

from plugin.topology.contents import backfilled_id, child_content
from plugin.topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    PARENT_TYPE,
    Binding,
    Chat,
    Reason,
    Space,
    Topology,
)

from .snapshots import (
    ALICE,
    BOB,
    BOT,
    CHAT,
    FULL,
    IDENTITY,
    MALLORY,
    NOTHING,
    OTHER,
    SPACE,
    Conditions,
    Site,
    assert_second_run_writes_nothing,
    event,
    failing,
    live,
    reconcile,
    topology,
)

THIRD = RoomID("!third:one.test")
PARTS = ("room_type", *Binding._fields)
WHOLE = {
    CHAT: Binding("C7", SPACE, ALICE, "gpt", "talk-7"),
    OTHER: Binding("C9", SPACE, ALICE, "gpt", "talk-9"),
    THIRD: Binding("C4", SPACE, ALICE, "claude", "talk-4"),
}
KNOWN = topology(
    [Space(SPACE, ALICE, 1)], [Chat.bound(room_id, whole) for room_id, whole in WHOLE.items()]
)
# What is computed of a part that stands nowhere. The numbers go by age: OTHER is the oldest.
COMPUTED: dict[str, dict[RoomID, str]] = {
    "room_type": {},
    "chat_id": {OTHER: "C1", THIRD: "C2", CHAT: "C3"},
    "space_id": dict.fromkeys(WHOLE, SPACE),
    "matrix_user_id": dict.fromkeys(WHOLE, ALICE),
    "platform": dict.fromkeys(WHOLE, "echo"),
    "platform_chat_id": {room_id: backfilled_id(room_id) for room_id in WHOLE},
}
ABSENT = object()
# Values of a wrong type or form, for each part: they count as lacking.
GARBLED: dict[str, list[Any]] = {
    "room_type": [ABSENT, None, 7, "", ["chat"]],
    "chat_id": [ABSENT, None, 7, "", "seven", "C0", "C07", ["C7"]],
    "space_id": [ABSENT, None, 7, "", "space", {}],
    "matrix_user_id": [ABSENT, None, 7, "", "alice", [ALICE]],
    "platform": [ABSENT, None, 7, "", ["gpt"]],
    "platform_chat_id": [ABSENT, None, 7, "", {"id": "talk-7"}],
}


def whole_site() -> Site:
    site = Site()
    site.make_space()
    for room_id, at in ((OTHER, 10), (THIRD, 20), (CHAT, 30)):
        site.make_chat(room_id, WHOLE[room_id], at)
        site.link_chat(room_id, WHOLE[room_id])
    return site


def lacking(whole: Binding, part: str, value: Any = ABSENT) -> dict[str, Any]:
    """A binding's content without a part, or with something else in its place."""
    content = {**whole.content("main"), part: value}
    return {key: one for key, one in content.items() if one is not ABSENT}


def damage(site: Site, room_id: RoomID, where: str, part: str, value: Any = ABSENT) -> None:
    """Let a part lack in a chat's room, in its mirror, or in both; a second part lacks beside it
    where this is called twice."""
    whole = WHOLE[room_id]
    if where in ("room", "both"):
        site.send(room_id, event(BINDING_TYPE, lacking(whole, part, value)))
    if where in ("mirror", "both"):
        content = child_content(whole, IDENTITY)
        content[BINDING_TYPE] = lacking(whole, part, value)
        site.send(SPACE, event(CHILD_TYPE, content, room_id))


def assert_standing(site: Site, expected: dict[RoomID, Binding]) -> None:
    """Each binding stands in its room and in its mirror, to the byte."""
    for room_id, whole in expected.items():
        content = whole.content("main")
        assert site.content(room_id, BINDING_TYPE) == content
        assert site.content(SPACE, CHILD_TYPE, room_id)[BINDING_TYPE] == content


def completed(site: Site, cached: Topology = NOTHING) -> dict[RoomID, Binding]:
    """What is routed after a run, which leaves the next one nothing to do."""
    plan = reconcile(site, cached, FULL)
    site.apply(plan.writes)
    again = reconcile(site, plan.topology, FULL)
    assert again.writes == ()
    assert again.topology == plan.topology == reconcile(site, NOTHING).topology
    return live(plan)


@pytest.mark.parametrize("rooms", [[CHAT], [CHAT, OTHER, THIRD]], ids=["one", "several"])
@pytest.mark.parametrize("cached", [KNOWN, NOTHING], ids=["cache kept", "cache gone"])
@pytest.mark.parametrize("where", ["room", "mirror", "both"])
@pytest.mark.parametrize("part", PARTS)
def test_what_a_binding_still_says_stays(
    part: str, where: str, cached: Topology, rooms: list[RoomID]
) -> None:
    site, expected = whole_site(), dict(WHOLE)
    for room_id in rooms:
        damage(site, room_id, where, part)
        if where == "both" and cached is NOTHING and part != "room_type":
            value = COMPUTED[part][room_id]
            if part == "chat_id" and rooms == [CHAT]:
                value = "C10"
            expected[room_id] = WHOLE[room_id]._replace(**{part: value})  # type: ignore[arg-type]

    assert completed(site, cached) == expected
    assert_standing(site, expected)


@pytest.mark.parametrize("where", ["room", "both"])
@pytest.mark.parametrize(
    ("part", "value"), [(part, value) for part, values in GARBLED.items() for value in values]
)
def test_a_value_of_a_wrong_type_or_form_counts_as_lacking(
    part: str, value: Any, where: str
) -> None:
    site = whole_site()
    damage(site, CHAT, where, part, value)

    assert completed(site, KNOWN) == WHOLE
    assert_standing(site, WHOLE)


@pytest.mark.parametrize("mirrored", PARTS)
@pytest.mark.parametrize("own", PARTS)
def test_the_room_and_its_mirror_complete_each_other(own: str, mirrored: str) -> None:
    site = whole_site()
    damage(site, CHAT, "room", own)
    damage(site, CHAT, "mirror", mirrored)

    found = completed(site)

    if own == mirrored:
        assert found[CHAT].platform_chat_id == COMPUTED["platform_chat_id"][CHAT] or (
            own != "platform_chat_id" and found[CHAT].platform_chat_id == "talk-7"
        )
    else:
        assert found == WHOLE


@pytest.mark.parametrize("kept", PARTS[1:])
def test_a_single_part_that_is_left_stays(kept: str) -> None:
    site = whole_site()
    value = WHOLE[CHAT]._asdict()[kept]
    site.send(CHAT, event(BINDING_TYPE, {"v": 1, kept: value}))
    site.link_bare(CHAT)

    found = completed(site)[CHAT]

    computed = Binding("C10", SPACE, ALICE, "echo", backfilled_id(CHAT))
    assert found == computed._replace(**{kept: value})


def test_where_nothing_is_left_in_matrix_the_cache_tells() -> None:
    site = whole_site()
    site.erase(CHAT, BINDING_TYPE)
    site.link_bare(CHAT)

    assert completed(site, KNOWN) == WHOLE


def test_so_it_does_where_the_owner_put_the_link_elsewhere() -> None:
    site = whole_site()
    site.erase(CHAT, BINDING_TYPE)
    site.link_bare(CHAT, sender=ALICE)

    assert completed(site, KNOWN) == WHOLE


@pytest.mark.parametrize("cached", [KNOWN, NOTHING], ids=["cache kept", "cache gone"])
def test_a_room_that_was_taken_out_and_says_nothing_is_no_chat(cached: Topology) -> None:
    """A Space that another one took the place of still links it."""
    site, younger = whole_site(), RoomID("!younger:one.test")
    site.make_space(younger, at=9)
    site.link_bare(CHAT, younger)
    site.erase(CHAT, BINDING_TYPE)
    site.send(SPACE, event(CHILD_TYPE, {}, CHAT, ALICE))

    plan = reconcile(site, cached, FULL)

    assert CHAT not in plan.topology.chats
    assert [write for write in plan.writes if CHAT in (write.room_id, write.state_key)] == []


@pytest.mark.parametrize("points_back", [True, False])
def test_a_link_of_the_owners_makes_a_chat_only_of_what_points_back(points_back: bool) -> None:
    site = whole_site()
    site.send(CHAT, event(BINDING_TYPE, {"v": 1, "platform": "gpt"}))
    site.link_bare(CHAT, sender=ALICE)
    if not points_back:
        site.erase(CHAT, PARENT_TYPE, SPACE)

    plan = reconcile(site)

    assert (CHAT in live(plan)) is points_back


def test_a_lost_chat_that_nobody_can_name_is_forgotten() -> None:
    site = whole_site()
    damage(site, OTHER, "mirror", "chat_id")
    site.away.add(OTHER)

    assert reconcile(site).topology.chats.keys() == WHOLE.keys() - {OTHER}


def test_rows_that_were_edited_complete_nothing() -> None:
    site = whole_site()
    damage(site, CHAT, "both", "platform_chat_id")
    edited = Topology(KNOWN.spaces, KNOWN.chats, reliable=False)

    assert completed(site, edited)[CHAT].platform_chat_id == backfilled_id(CHAT)


def test_what_another_chat_says_in_matrix_counts_for_more_than_what_the_cache_says() -> None:
    site = whole_site()
    damage(site, OTHER, "both", "platform_chat_id")
    damage(site, THIRD, "both", "chat_id")
    stolen = [
        Chat.bound(OTHER, WHOLE[OTHER]._replace(platform_chat_id="talk-7")),
        Chat.bound(THIRD, WHOLE[THIRD]._replace(chat_id="C7")),
    ]

    found = completed(site, topology([Space(SPACE, ALICE, 1)], stolen))

    assert found[CHAT] == WHOLE[CHAT]
    assert found[OTHER] == WHOLE[OTHER]._replace(platform_chat_id=backfilled_id(OTHER))
    assert found[THIRD] == WHOLE[THIRD]._replace(chat_id="C10")


def test_the_room_is_written_before_its_mirror() -> None:
    site = whole_site()
    damage(site, CHAT, "both", "platform")

    writes = reconcile(site, NOTHING, FULL).writes

    assert [write.room_id for write in writes] == [CHAT, SPACE]


def test_a_mirror_that_lacks_a_part_has_the_room_read() -> None:
    site = whole_site()
    damage(site, CHAT, "mirror", "platform_chat_id")

    plan = reconcile(site, NOTHING)

    assert live(plan) == WHOLE
    assert [write.room_id for write in plan.writes] == [SPACE]


@pytest.mark.parametrize("part", PARTS)
def test_a_chat_taken_out_of_the_space_stays_so_when_its_binding_is_completed(part: str) -> None:
    site = whole_site()
    damage(site, CHAT, "room", part)
    site.send(SPACE, event(CHILD_TYPE, {}, CHAT, ALICE))

    plan = reconcile(site, KNOWN, FULL)
    site.apply(plan.writes)

    assert plan.reasons[CHAT] is Reason.ARCHIVED
    assert site.content(CHAT, BINDING_TYPE) == WHOLE[CHAT].content("main")
    assert reconcile(site, plan.topology, FULL).writes == ()


@pytest.mark.parametrize("part", ["platform", "platform_chat_id", "space_id", "matrix_user_id"])
def test_the_number_of_a_lost_chat_whose_mirror_lacks_a_part_is_not_given_again(part: str) -> None:
    site = whole_site()
    damage(site, OTHER, "mirror", part)
    site.away.add(OTHER)
    site.make_room(fresh := RoomID("!fresh:one.test"), at=99)
    site.link_bare(fresh)

    assert live(reconcile(site))[fresh].chat_id == "C10"


def test_what_is_known_of_such_a_chat_stays_the_same_from_run_to_run() -> None:
    """It is mirrored in a Space that another one took the place of."""
    site, older = whole_site(), RoomID("!older:one.test")
    damage(site, CHAT, "mirror", "platform")
    site.make_space(older, at=0)
    site.away.add(CHAT)

    assert_second_run_writes_nothing(site, NOTHING, FULL)


@pytest.mark.parametrize("sender", [ALICE, MALLORY])
def test_words_that_the_bot_did_not_send_complete_nothing(sender: Any) -> None:
    site = whole_site()
    damage(site, CHAT, "both", "platform_chat_id")
    forged = child_content(WHOLE[CHAT]._replace(platform_chat_id="stolen"), IDENTITY)
    site.send(SPACE, event(CHILD_TYPE, forged, CHAT, sender))

    assert completed(site)[CHAT].platform_chat_id == backfilled_id(CHAT)


def test_whom_the_mirror_names_counts_for_more_than_the_owner_of_a_space_that_is_named() -> None:
    """A part that something still says is not computed from another one, which may be wrong."""
    site, bobs = whole_site(), RoomID("!a-space:one.test")
    site.make_space(bobs, BOB, at=0)
    content = lacking(WHOLE[CHAT]._replace(space_id=bobs), "matrix_user_id")
    site.send(CHAT, event(BINDING_TYPE, content))

    assert completed(site) == WHOLE


@pytest.mark.parametrize("where", ["room", "both"])
@pytest.mark.parametrize("named", ["somebody else's", "another account's", "no Space", "nothing"])
def test_a_space_that_is_not_the_owners_is_replaced_and_nothing_beside_it(
    named: str, where: str
) -> None:
    site, wrong = whole_site(), RoomID("!a-space:one.test")
    if named == "somebody else's":
        site.make_space(wrong, BOB, at=0)
    elif named == "another account's":
        create = event("m.room.create", {"type": "m.space"}, sender=MALLORY, at=0)
        site.send(wrong, create)
    elif named == "no Space":
        site.make_room(wrong, at=0)
    damage(site, CHAT, where, "space_id", wrong)

    assert completed(site) == WHOLE
    assert_standing(site, WHOLE)


def test_a_link_that_its_owner_put_elsewhere_leaves_the_rest_to_the_cache() -> None:
    """Their client sends the mirror along as it was; it counts no more. Their order is kept."""
    site = whole_site()
    damage(site, CHAT, "room", "platform_chat_id")
    moved = {**child_content(WHOLE[CHAT], IDENTITY), "order": "first of all"}
    moved[BINDING_TYPE] = WHOLE[CHAT]._replace(platform_chat_id="stolen").content("main")
    site.send(SPACE, event(CHILD_TYPE, moved, CHAT, ALICE))

    assert completed(site, KNOWN) == WHOLE
    assert_standing(site, WHOLE)
    assert site.content(SPACE, CHILD_TYPE, CHAT)["order"] == "first of all"


@pytest.mark.parametrize(("at", "numbers"), [(5, ("C7", "C10")), (99, ("C10", "C7"))])
@pytest.mark.parametrize("part", [part for part in PARTS if part != "chat_id"])
def test_a_number_that_another_chat_says_too_is_the_older_ones(
    part: str, at: int, numbers: tuple[str, str]
) -> None:
    """What lacks beside it makes no difference, and each keeps its conversation."""
    site, fresh = whole_site(), RoomID("!fresh:one.test")
    claim = WHOLE[CHAT]._replace(platform_chat_id="talk-fresh")
    site.make_chat(fresh, claim, at)
    site.link_chat(fresh, claim)
    damage(site, CHAT, "room", part)

    found = completed(site)

    assert (found[fresh].chat_id, found[CHAT].chat_id) == numbers
    assert found[fresh].platform_chat_id == "talk-fresh"
    assert found[CHAT].platform_chat_id == "talk-7"


def test_nobody_gets_a_chat_by_linking_it() -> None:
    """Bob links Alice's chat, which no longer says whose it is, in a Space of his own."""
    site, bobs = whole_site(), RoomID("!a-space:one.test")
    site.make_space(bobs, BOB, at=0)
    site.link_bare(CHAT, bobs, BOB)
    damage(site, CHAT, "both", "matrix_user_id")

    assert completed(site) == WHOLE


def test_a_chat_that_names_an_unread_space_goes_to_nobody_who_links_it() -> None:
    """It no longer says whose it is; the Space that it names would."""
    site, bobs = whole_site(), RoomID("!a-space:one.test")
    site.make_space(bobs, BOB, at=0)
    site.link_bare(CHAT, bobs)
    damage(site, CHAT, "both", "matrix_user_id")

    plan = reconcile(site, NOTHING, Conditions(frozenset({SPACE}), full=True))

    assert CHAT not in live(plan)
    assert plan.writes == ()


def test_a_room_that_only_says_that_the_bot_wrote_something_is_nobodys() -> None:
    site = whole_site()
    site.make_room(nobodys := RoomID("!nobodys:one.test"))
    site.send(nobodys, event(BINDING_TYPE, {"v": 1, "platform": "gpt"}))

    plan = reconcile(site)

    assert plan.topology == KNOWN
    assert plan.writes == ()


@pytest.mark.parametrize("part", PARTS)
def test_what_a_later_version_wrote_is_left_alone(part: str) -> None:
    site = whole_site()
    site.send(CHAT, event(BINDING_TYPE, {**lacking(WHOLE[CHAT], part), "v": 2}))

    plan = reconcile(site, KNOWN, FULL)

    assert plan.writes == ()
    assert plan.elsewhere == {CHAT}


@pytest.mark.parametrize("sender", [ALICE, MALLORY])
def test_what_others_let_a_room_point_to_makes_no_part_of_a_binding(sender: Any) -> None:
    site, theirs = whole_site(), RoomID("!a-space:three.test")
    damage(site, CHAT, "room", "space_id")
    site.away.add(SPACE)
    site.send(CHAT, event(PARENT_TYPE, {"via": ["three.test"]}, theirs, sender))

    assert live(reconcile(site))[CHAT] == WHOLE[CHAT]


@pytest.mark.parametrize("part", PARTS)
def test_without_the_space_a_chat_that_says_enough_works_on(part: str) -> None:
    """The bot is out of the Space: the room itself still points to it."""
    site = whole_site()
    damage(site, CHAT, "room", part)
    site.away.add(SPACE)
    plan = reconcile(site, KNOWN, FULL)

    assert live(plan) == WHOLE
    site.apply(plan.writes)
    assert reconcile(site, plan.topology, FULL).writes == ()


def test_without_the_space_what_is_no_rooms_id_gives_way_to_what_the_room_points_to() -> None:
    site = whole_site()
    damage(site, CHAT, "room", "space_id", "Alice's Space")
    site.away.add(SPACE)

    assert live(reconcile(site))[CHAT] == WHOLE[CHAT]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("cached", [KNOWN, NOTHING], ids=["cache kept", "cache gone"])
def test_while_the_space_cannot_be_read_nothing_is_made_up(part: str, cached: Topology) -> None:
    site = whole_site()
    damage(site, CHAT, "room", part)

    plan = reconcile(site, cached, Conditions(frozenset({SPACE}), full=True))

    assert plan.writes == ()
    assert live(plan).get(CHAT) in (WHOLE[CHAT], None)
    assert cached is NOTHING or live(plan) == WHOLE


@pytest.mark.parametrize("part", [part for part in PARTS if part != "chat_id"])
def test_a_room_of_nobody_knows_whom_that_is_unread_keeps_no_chat_from_working(part: str) -> None:
    site = whole_site()
    damage(site, CHAT, "both", part)
    site.make_room(unread := RoomID("!unread:one.test"))

    plan = reconcile(site, KNOWN, failing(unread))

    assert live(plan) == WHOLE


def test_the_order_in_which_rooms_are_read_makes_no_difference() -> None:
    site = whole_site()
    for room_id in WHOLE:
        damage(site, room_id, "both", "chat_id")
    backwards = site.copy()
    backwards.state = dict(reversed(backwards.state.items()))

    assert completed(site) == completed(backwards)


@pytest.mark.parametrize("cached", [KNOWN, NOTHING], ids=["cache kept", "cache gone"])
@pytest.mark.parametrize("part", ["platform", "platform_chat_id"])
def test_what_is_said_of_somebody_elses_chat_completes_nobodys(
    part: str, cached: Topology
) -> None:
    """The room says that it is Bob's. Mirror and cache still have it as Alice's."""
    site, bobs = whole_site(), RoomID("!a-space:one.test")
    site.make_space(bobs, BOB, at=0)
    content = lacking(WHOLE[CHAT]._replace(matrix_user_id=BOB, space_id=bobs), part)
    site.send(CHAT, event(BINDING_TYPE, content))

    found = completed(site, cached)[CHAT]

    assert found.matrix_user_id == BOB
    assert found._asdict()[part] == COMPUTED[part][CHAT]


@pytest.mark.parametrize("part", PARTS)
def test_a_room_that_its_owner_made_is_completed_too(part: str) -> None:
    """They upgraded the chat; it is not linked yet, and the room before is gone."""
    site = whole_site()
    site.make_room(CHAT, ALICE, at=30)
    site.erase(SPACE, CHILD_TYPE, CHAT)
    damage(site, CHAT, "room", part)

    found = completed(site, KNOWN)

    assert found == WHOLE
    assert_standing(site, WHOLE)


def test_the_mirror_in_the_space_that_counts_comes_before_one_in_another() -> None:
    site, younger = whole_site(), RoomID("!a-space:one.test")
    site.make_space(younger, at=9)
    old = WHOLE[CHAT]._replace(space_id=younger, platform="an older one")
    site.send(younger, event(CHILD_TYPE, child_content(old, IDENTITY), CHAT))
    damage(site, CHAT, "room", "platform")

    assert completed(site) == WHOLE


def test_a_mirror_that_names_somebody_else_than_its_space_is_none() -> None:
    site, bobs = whole_site(), RoomID("!a-space:one.test")
    site.make_space(bobs, BOB, at=0)
    site.send(bobs, event(CHILD_TYPE, child_content(WHOLE[CHAT], IDENTITY), CHAT))
    site.erase(SPACE, CHILD_TYPE, CHAT)
    site.erase(CHAT, BINDING_TYPE)

    found = completed(site)[CHAT]

    assert (found.matrix_user_id, found.platform_chat_id) == (BOB, backfilled_id(CHAT))


@pytest.mark.parametrize("part", PARTS)
def test_the_mirror_completes_a_chat_that_was_upgraded_before(part: str) -> None:
    site, fresh = whole_site(), RoomID("!fresh:one.test")
    damage(site, CHAT, "room", part)
    site.send(CHAT, event("m.room.tombstone", {"replacement_room": fresh}))
    create = {"predecessor": {"room_id": CHAT}}
    site.send(fresh, event("m.room.create", create, sender=BOT, at=99))

    assert completed(site)[fresh] == WHOLE[CHAT]


def test_a_chat_that_was_upgraded_before_it_was_completed_keeps_what_it_said() -> None:
    site, fresh = whole_site(), RoomID("!fresh:one.test")
    damage(site, CHAT, "both", "platform")
    site.send(CHAT, event("m.room.tombstone", {"replacement_room": fresh}))
    create = {"predecessor": {"room_id": CHAT}}
    site.send(fresh, event("m.room.create", create, sender=BOT, at=99))

    found = completed(site)

    assert found[fresh] == WHOLE[CHAT]._replace(platform="echo")
    assert CHAT not in found
