"""What differs between two topologies, and the digests by which an edit by hand shows."""

from __future__ import annotations

import pytest
from mautrix.types import RoomID, UserID

from plugin.cache.diff import Contents, difference, plan_update
from plugin.cache.digests import digests, space_hash
from plugin.topology.model import Binding, Chat, Space, Status, Topology

ALICE, BOB = UserID("@alice:one.test"), UserID("@bob:one.test")
SPACE = Space(RoomID("!space:one.test"), ALICE, 5)
CHAT = Chat(
    RoomID("!chat:one.test"), Binding("chat", "C1", SPACE.room_id, ALICE, "echo", "conversation")
)
OTHER = Chat(
    RoomID("!other:one.test"), Binding("chat", "C2", SPACE.room_id, ALICE, "echo", "another")
)


def of(*chats: Chat) -> Topology:
    return Topology({SPACE.room_id: SPACE}, {chat.room_id: chat for chat in chats})


@pytest.mark.parametrize(
    "changed",
    [
        of(),
        of(CHAT),
        of(CHAT, Chat(OTHER.room_id, OTHER.binding, Status.ARCHIVED)),
        of(CHAT, Chat(RoomID("!third"), OTHER.binding)),
    ],
    ids=["emptied", "removed", "changed", "moved"],
)
def test_whatever_is_changed_in_an_owners_chats_changes_their_digest(changed: Topology) -> None:
    assert digests(changed, [ALICE]) != digests(of(CHAT, OTHER), [ALICE])


def test_the_order_of_rows_and_other_peoples_chats_do_not() -> None:
    bobs = Chat(RoomID("!bobs"), Binding("chat", "C1", SPACE.room_id, BOB, "echo", "his"))

    assert digests(of(OTHER, CHAT, bobs), [ALICE]) == digests(of(CHAT, OTHER), [ALICE])


def test_a_space_and_its_digest_both_count() -> None:
    older = Space(SPACE.room_id, ALICE, 4)

    assert len({space_hash(SPACE, "00"), space_hash(SPACE, "01"), space_hash(older, "00")}) == 3


def test_the_same_differs_in_nothing() -> None:
    assert not difference(of(CHAT, OTHER), of(OTHER, CHAT))


def test_being_stale_is_nothing_to_write_down() -> None:
    assert not difference(of(CHAT), of(Chat(CHAT.room_id, CHAT.binding, stale=True)))


def test_what_differs_is_named_with_whom_it_concerns() -> None:
    archived = Chat(CHAT.room_id, CHAT.binding, Status.ARCHIVED)

    change = difference(of(CHAT, OTHER), Topology({}, {CHAT.room_id: archived}))

    assert (change.chats, change.gone_chats) == ([archived], [OTHER])
    assert (change.spaces, change.gone_spaces) == ([], [SPACE])
    assert change.owners == {ALICE}


def test_step_by_step_the_tables_hold_what_they_would_hold_at_once() -> None:
    first = plan_update(Contents(), of(CHAT), ()).contents

    assert (
        plan_update(first, of(CHAT, OTHER), ()).contents
        == plan_update(Contents(), of(CHAT, OTHER), ()).contents
    )
    assert plan_update(first, Topology(), ()).contents.digest == 0


def test_a_digest_in_doubt_is_written_although_nothing_differs() -> None:
    held = plan_update(Contents(), of(CHAT), ()).contents

    assert not plan_update(held, of(CHAT), ())
    assert plan_update(held, of(CHAT), [ALICE])
