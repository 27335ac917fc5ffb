"""Rows as anyone may have edited them: what makes no sense is none, and what was changed shows."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.types import RoomID, UserID

from plugin.cache.rows import (
    chat_row,
    decode_chat,
    decode_space,
    difference,
    digests,
    space_hash,
)
from plugin.topology.model import Binding, Chat, Space, Status, Topology

ALICE, BOB = UserID("@alice:one.test"), UserID("@bob:one.test")
SPACE = Space(RoomID("!space:one.test"), ALICE, 5)
CHAT = Chat(
    RoomID("!chat:one.test"), Binding("chat", "C1", SPACE.room_id, ALICE, "echo", "conversation")
)
OTHER = Chat(
    RoomID("!other:one.test"), Binding("chat", "C2", SPACE.room_id, ALICE, "echo", "another")
)
COLUMNS = (
    "room_id",
    "space_id",
    "matrix_user_id",
    "chat_id",
    "platform",
    "platform_chat_id",
    "status",
)
SPACE_ROW = {
    "space_id": SPACE.room_id,
    "matrix_user_id": ALICE,
    "created_at": 5,
    "digest": "00",
}


def row(chat: Chat = CHAT) -> dict[str, Any]:
    return dict(zip(COLUMNS, chat_row(chat), strict=True))


def of(*chats: Chat) -> Topology:
    return Topology({SPACE.room_id: SPACE}, {chat.room_id: chat for chat in chats})


@pytest.mark.parametrize("status", list(Status))
def test_a_chat_comes_back_as_it_went(status: Status) -> None:
    chat = Chat(CHAT.room_id, CHAT.binding, status)

    assert decode_chat(row(chat)) == chat


def test_a_space_comes_back_as_it_went() -> None:
    assert decode_space(SPACE_ROW) == (SPACE, "00")


@pytest.mark.parametrize(
    "change",
    [
        {"room_id": None},
        {"room_id": 7},
        {"status": "happy"},
        {"status": None},
        {"chat_id": "first"},
        {"platform": b"echo"},
        {"matrix_user_id": "alice"},
        {"platform_chat_id": ""},
        {"space_id": 1.5},
    ],
)
def test_a_chats_row_that_makes_no_sense_is_none(change: dict[str, Any]) -> None:
    assert decode_chat(row() | change) is None


@pytest.mark.parametrize(
    "change",
    [{"space_id": None}, {"matrix_user_id": ""}, {"created_at": "5"}, {"digest": None}],
)
def test_a_spaces_row_that_makes_no_sense_is_none(change: dict[str, Any]) -> None:
    assert decode_space(SPACE_ROW | change) is None


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
