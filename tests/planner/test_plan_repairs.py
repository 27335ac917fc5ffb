"""What is missing in Matrix is written again, once, and in the right place."""

from __future__ import annotations

import pytest
from mautrix.types import RoomID

from plugin.topology.contents import backfilled_id, child_content
from plugin.topology.model import BINDING_TYPE, CHILD_TYPE, PARENT_TYPE, Reason

from .snapshots import (
    ALICE,
    CHAT,
    FULL,
    IDENTITY,
    KNOWN,
    NOTHING,
    SPACE,
    Site,
    alices_space,
    bind,
    event,
    live,
    reconcile,
)


def is_restored(site: Site) -> bool:
    """One run mends the link, so that the next finds nothing to do and everything routed."""
    first = reconcile(site)
    site.apply(first.writes)
    again = reconcile(site, first.topology, FULL)
    mirror = site.content(SPACE, CHILD_TYPE, CHAT)[BINDING_TYPE]
    return again.writes == () and CHAT in live(again) and mirror == bind(1).content("main")


@pytest.mark.parametrize(
    "link",
    [
        event(CHILD_TYPE, {"via": ["one.test"]}, CHAT),
        event(CHILD_TYPE, child_content(bind(9), IDENTITY), CHAT),
        event(CHILD_TYPE, child_content(bind(9), IDENTITY), CHAT, ALICE),
        event(CHILD_TYPE, {"via": "no list"}, CHAT, ALICE),
        event(CHILD_TYPE, {"via": ["one.test"], BINDING_TYPE: "garbled"}, CHAT),
    ],
    ids=["no mirror", "another mirror", "altered by the owner", "malformed", "garbled"],
)
def test_a_mirror_that_is_missing_or_altered_is_written_again(link: dict[str, object]) -> None:
    site = alices_space(1)
    site.send(SPACE, link)

    plan = reconcile(site, conditions=FULL)
    site.apply(plan.writes)

    assert live(plan) == {CHAT: bind(1)}
    assert site.content(SPACE, CHILD_TYPE, CHAT)[BINDING_TYPE] == bind(1).content("main")
    assert reconcile(site, plan.topology, FULL).writes == ()


def test_what_the_owner_set_in_a_link_is_kept_when_it_is_written_again() -> None:
    site = alices_space(1)
    site.link_bare(CHAT, sender=ALICE, via=["two.test"], order="zz", suggested=False)

    site.apply(reconcile(site).writes)

    content = site.content(SPACE, CHILD_TYPE, CHAT)
    assert (content["via"], content["order"], content["suggested"]) == (["two.test"], "zz", False)


def test_a_chat_that_was_never_linked_is_linked() -> None:
    site = alices_space(1)
    site.erase(SPACE, CHILD_TYPE, CHAT)

    assert is_restored(site)


def test_a_binding_that_is_gone_from_the_room_comes_back_from_its_mirror() -> None:
    site = alices_space(1)
    site.erase(CHAT, BINDING_TYPE)

    site.apply(reconcile(site, conditions=FULL).writes)

    assert site.content(CHAT, BINDING_TYPE) == bind(1).content("main")


def test_a_chat_that_lost_its_pointer_to_the_space_gets_it_back() -> None:
    site = alices_space(1)
    site.erase(CHAT, PARENT_TYPE, SPACE)

    site.apply(reconcile(site, conditions=FULL).writes)

    assert site.content(CHAT, PARENT_TYPE, SPACE)["canonical"] is True


def test_without_the_space_its_chats_keep_working_and_come_along_to_the_next() -> None:
    site = alices_space(1)
    site.away.add(SPACE)
    orphaned = reconcile(site, KNOWN)
    fresh = RoomID("!fresh:one.test")
    site.make_space(fresh, at=50)

    plan = reconcile(site, orphaned.topology)
    site.apply(plan.writes)

    assert live(orphaned) == {CHAT: bind(1)}
    assert orphaned.writes == ()
    assert plan.reasons[CHAT] is Reason.ADOPTED
    assert site.content(CHAT, BINDING_TYPE)["space_id"] == fresh
    assert (PARENT_TYPE, fresh) in site.state[CHAT]
    assert (CHILD_TYPE, CHAT) in site.state[fresh]
    assert reconcile(site, plan.topology, FULL).writes == ()


def test_a_chat_that_moved_no_longer_points_to_the_superseded_space() -> None:
    site, older = alices_space(1), RoomID("!older:one.test")
    site.make_space(older, at=0)

    plan = reconcile(site)
    site.apply(plan.writes)

    assert site.content(CHAT, PARENT_TYPE, older)["canonical"] is True
    assert site.content(CHAT, PARENT_TYPE, SPACE) == {}
    assert reconcile(site, plan.topology, FULL).writes == ()


def test_a_chat_that_moved_no_longer_points_to_the_space_that_the_bot_was_put_out_of() -> None:
    site, fresh = alices_space(1), RoomID("!fresh:one.test")
    site.away.add(SPACE)
    site.make_space(fresh, at=50)

    plan = reconcile(site, KNOWN)
    site.apply(plan.writes)

    assert site.content(CHAT, PARENT_TYPE, SPACE) == {}
    assert reconcile(site, plan.topology, FULL).writes == ()


def test_a_pointer_to_a_space_that_is_none_of_ours_stays() -> None:
    site = alices_space(1)
    site.send(CHAT, event(PARENT_TYPE, {"via": ["two.test"]}, "!clients:two.test"))

    assert reconcile(site, KNOWN, FULL).writes == ()


def test_rooms_of_version_12_have_no_server_and_are_as_good() -> None:
    site, space_id, room_id = Site(), RoomID("!spacehash"), RoomID("!chathash")
    site.make_space(space_id)
    site.make_room(room_id)
    site.link_bare(room_id, space_id)

    plan = reconcile(site)
    site.apply(plan.writes)

    assert live(plan)[room_id].platform_chat_id == backfilled_id(room_id)
    assert site.content(space_id, CHILD_TYPE, room_id)["via"] == ["one.test"]
    assert reconcile(site, NOTHING).writes == ()
