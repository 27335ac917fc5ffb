"""Rows as anyone may have edited them: what makes no sense is none, whatever stands beside it."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.types import RoomID, UserID

from plugin.cache.diff import chat_row
from plugin.cache.load import Decoder, decode_space
from plugin.topology.model import Binding, Chat, Space, Status

ALICE = UserID("@alice:one.test")
SPACE = Space(RoomID("!space:one.test"), ALICE, 5)
CHAT = Chat.bound(
    RoomID("!chat:one.test"), Binding("C1", SPACE.room_id, ALICE, "echo", "conversation")
)
OTHER = Chat.bound(
    RoomID("!other:one.test"), Binding("C2", SPACE.room_id, ALICE, "echo", "another")
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
SPACE_COLUMNS = ("space_id", "matrix_user_id", "created_at", "verified_at", "owner_left")
SPACE_ROW = (SPACE.room_id, ALICE, 5, 7, 0)


def chat_with(**changed: Any) -> list[Any]:
    """A chat's row, edited by hand."""
    return list((dict(zip(COLUMNS, chat_row(CHAT), strict=True)) | changed).values())


def space_with(**changed: Any) -> list[Any]:
    """A Space's row, edited by hand."""
    return list((dict(zip(SPACE_COLUMNS, SPACE_ROW, strict=True)) | changed).values())


@pytest.mark.parametrize("status", list(Status))
def test_a_chat_comes_back_as_it_went(status: Status) -> None:
    chat = Chat.bound(CHAT.room_id, CHAT.binding, status)

    assert Decoder().chat(chat_row(chat)) == chat


def test_a_space_comes_back_as_it_went() -> None:
    assert decode_space(SPACE_ROW) == (SPACE, 7)


@pytest.mark.parametrize("left", [False, True])
def test_that_its_owner_left_a_space_comes_back(left: bool) -> None:
    found = decode_space(space_with(owner_left=int(left)))

    assert found is not None
    assert found[0].owner_left == left


def test_chats_of_one_space_come_back_each_as_it_went() -> None:
    decoder, chats = Decoder(), [CHAT, OTHER, CHAT]

    assert [decoder.chat(chat_row(chat)) for chat in chats] == chats


EDITS = [
    {"room_id": None},
    {"room_id": 7},
    {"status": "happy"},
    {"status": None},
    {"chat_id": "first"},
    {"chat_id": 1},
    {"platform": b"echo"},
    {"platform": ""},
    {"matrix_user_id": "alice"},
    {"matrix_user_id": None},
    {"platform_chat_id": ""},
    {"platform_chat_id": None},
    {"space_id": 1.5},
    {"space_id": ["!space:one.test"]},
    {"chat_id": {}},
    {"status": ["live"]},
    {"platform": ["echo"]},
]


@pytest.mark.parametrize("edit", EDITS)
def test_a_chats_row_that_makes_no_sense_is_none(edit: dict[str, Any]) -> None:
    assert Decoder().chat(chat_with(**edit)) is None


@pytest.mark.parametrize("edit", EDITS)
def test_nor_does_it_make_sense_for_standing_among_rows_that_do(edit: dict[str, Any]) -> None:
    decoder = Decoder()
    before = decoder.chat(chat_row(CHAT))

    assert decoder.chat(chat_with(**edit)) is None
    assert decoder.chat(chat_row(CHAT)) == before == CHAT


@pytest.mark.parametrize(
    "edit", [{"matrix_user_id": "@eve:one.test"}, {"platform": "another"}, {"space_id": "!other"}]
)
def test_what_was_changed_in_one_row_is_that_rows_alone(edit: dict[str, str]) -> None:
    decoder, edited = Decoder(), chat_with(**edit)

    found = [decoder.chat(row) for row in (chat_row(CHAT), edited, chat_row(OTHER), edited)]

    assert [list(chat_row(chat)) for chat in found if chat is not None] == [
        list(chat_row(CHAT)),
        edited,
        list(chat_row(OTHER)),
        edited,
    ]


@pytest.mark.parametrize(
    "edit",
    [
        {"space_id": None},
        {"matrix_user_id": ""},
        {"created_at": "5"},
        {"verified_at": None},
        {"owner_left": 2},
        {"owner_left": "yes"},
    ],
)
def test_a_spaces_row_that_makes_no_sense_is_none(edit: dict[str, Any]) -> None:
    assert decode_space(space_with(**edit)) is None
