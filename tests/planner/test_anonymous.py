"""Several instances on one account, and something that does not say to which of them it belongs:
it goes with the Space that it names, nobody else's instance takes it, and it is signed again.
"""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.types import RoomID

from plugin.planner.plan import make_plan
from plugin.topology.contents import child_content
from plugin.topology.model import BINDING_TYPE, CHILD_TYPE, MARKER_TYPE, Identity, Marker
from plugin.topology.snapshot import Snapshot

from .snapshots import (
    ALICE,
    BOT,
    CHAT,
    FULL,
    IDENTITY,
    KNOWN,
    NO_FAILURES,
    NOTHING,
    OTHER,
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

THEIRS = Identity(BOT, "theirs")
THEIR_SPACE = RoomID("!a-space:one.test")
BINDINGS = {CHAT: bind(1), OTHER: bind(2)}
READS = pytest.mark.parametrize("reads", [NO_FAILURES, FULL])


def unsigned(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != "instance"}


def shared_account() -> Site:
    """Alice has a Space of another instance's, too, which is the older one."""
    site = alices_space(1, 2)
    site.send(THEIR_SPACE, event("m.room.create", {"type": "m.space"}, at=0))
    site.send(THEIR_SPACE, event(MARKER_TYPE, Marker(ALICE).content("theirs")))
    return site


def add_their_chat(site: Site, signed: bool = False) -> RoomID:
    room_id, binding = RoomID("!their-chat:one.test"), bind(1, space_id=THEIR_SPACE)
    site.make_chat(room_id, binding, at=2)
    content = binding.content("theirs")
    site.send(room_id, event(BINDING_TYPE, content if signed else unsigned(content)))
    link = child_content(binding, THEIRS)
    site.send(THEIR_SPACE, event(CHILD_TYPE, link, room_id))
    return room_id


@READS
@pytest.mark.parametrize("cached", [KNOWN, NOTHING], ids=["cache kept", "cache gone"])
def test_what_another_instances_chat_says_no_more_is_left_to_that_one(
    cached: Any, reads: Conditions
) -> None:
    site = shared_account()
    theirs = add_their_chat(site)

    plan = reconcile(site, cached, reads)

    assert plan.topology == KNOWN
    assert plan.writes == ()
    assert theirs in plan.elsewhere


def test_so_is_a_chat_of_theirs_that_names_no_space_and_is_linked_there() -> None:
    site = shared_account()
    theirs = add_their_chat(site)
    site.send(theirs, event(BINDING_TYPE, {"v": 1, "matrix_user_id": ALICE, "chat_id": "C1"}))

    plan = reconcile(site)

    assert plan.topology == KNOWN
    assert plan.writes == ()


def test_while_their_space_cannot_be_read_nothing_is_written_for_a_chat_that_names_it() -> None:
    site = shared_account()
    add_their_chat(site)

    plan = reconcile(site, KNOWN, failing(THEIR_SPACE))

    assert plan.writes == ()
    assert live(plan) == BINDINGS


def test_the_space_that_a_chat_names_is_read_although_only_the_chat_was_looked_at() -> None:
    site = shared_account()
    theirs = add_their_chat(site)
    looked_at = site.read(Snapshot(BOT, frozenset({theirs}), {}), [theirs], ())

    assert make_plan(looked_at, NOTHING, RULES).to_read == {THEIR_SPACE}


def test_their_space_that_no_longer_says_so_is_known_by_its_chats() -> None:
    site = shared_account()
    add_their_chat(site, signed=True)
    site.send(THEIR_SPACE, event(MARKER_TYPE, unsigned(Marker(ALICE).content("theirs"))))

    plan = reconcile(site)

    assert plan.topology == KNOWN
    assert plan.writes == ()
    assert THEIR_SPACE in plan.elsewhere


@pytest.mark.parametrize("garbled", [None, 7, "", ["main"]])
@READS
def test_an_own_chat_is_signed_again_and_else_as_before(garbled: Any, reads: Conditions) -> None:
    site = shared_account()
    content = unsigned(bind(1).content("main"))
    if garbled is not None:
        content["instance"] = garbled
    site.send(CHAT, event(BINDING_TYPE, content))
    site.send(
        SPACE, event(CHILD_TYPE, {**child_content(bind(1), IDENTITY), BINDING_TYPE: content}, CHAT)
    )

    plan = reconcile(site, NOTHING, reads)
    site.apply(plan.writes)

    assert live(plan) == BINDINGS
    assert site.content(CHAT, BINDING_TYPE) == bind(1).content("main")
    assert site.content(SPACE, CHILD_TYPE, CHAT)[BINDING_TYPE] == bind(1).content("main")
    assert reconcile(site, plan.topology, FULL).writes == ()


def test_an_own_chat_that_another_instance_links_alone_is_an_own_one_all_the_same() -> None:
    site = shared_account()
    site.send(CHAT, event(BINDING_TYPE, unsigned(bind(1).content("main"))))
    site.erase(SPACE, CHILD_TYPE, CHAT)
    site.send(THEIR_SPACE, event(CHILD_TYPE, child_content(bind(1), THEIRS), CHAT))

    plan = reconcile(site)

    assert live(plan) == BINDINGS


@pytest.mark.parametrize("version", [None, "1", 1.5])
def test_a_version_that_makes_no_sense_is_written_again(version: Any) -> None:
    site = alices_space(1, 2)
    site.send(CHAT, event(BINDING_TYPE, {**bind(1).content("main"), "v": version}))

    site.apply(reconcile(site, NOTHING, FULL).writes)

    assert site.content(CHAT, BINDING_TYPE) == bind(1).content("main")


def test_an_own_space_is_signed_again() -> None:
    site = shared_account()
    site.send(SPACE, event(MARKER_TYPE, unsigned(Marker(ALICE).content("main"))))

    plan = reconcile(site)
    site.apply(plan.writes)

    assert plan.topology == KNOWN
    assert site.content(SPACE, MARKER_TYPE) == Marker(ALICE).content("main")
    assert reconcile(site, plan.topology, FULL).writes == ()


def test_so_is_one_that_another_instance_mirrors_a_chat_in_too() -> None:
    site = shared_account()
    site.send(SPACE, event(MARKER_TYPE, unsigned(Marker(ALICE).content("main"))))
    link = child_content(bind(1, space_id=THEIR_SPACE), THEIRS)
    site.send(SPACE, event(CHILD_TYPE, link, add_their_chat(site, signed=True)))

    site.apply(reconcile(site).writes)

    assert site.content(SPACE, MARKER_TYPE) == Marker(ALICE).content("main")


def test_an_unsigned_chat_without_a_space_works_on() -> None:
    """The bot is out of the Space, and no other instance's names the chat."""
    site = alices_space(1)
    site.send(CHAT, event(BINDING_TYPE, unsigned(bind(1).content("main"))))
    site.away.add(SPACE)

    plan = reconcile(site)
    site.apply(plan.writes)

    assert live(plan) == {CHAT: bind(1)}
    assert reconcile(site, plan.topology, FULL).writes == ()
