"""What an instance keeps in the account data: its own events, whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.errors import MForbidden
from mautrix.types import RoomID

from plugin.matrix.account_data import (
    CURSOR_TYPE,
    INDEX_TYPE,
    AccountData,
    RoomIndex,
    decode_cursor,
    decode_index,
    encode_index,
    own_type,
    part_of,
)
from plugin.matrix.api import NoAnswer

from .http_server import FORBIDDEN, NOT_FOUND, Homeserver, Reply

BOT = "@keeper:one.test"
SPACE, OTHER = RoomID("!space:one.test"), RoomID("!other:one.test")
SHARED_PATH = f"user/{BOT}/account_data/{INDEX_TYPE}"
INDEX_PATH = f"{SHARED_PATH}.main"

INDEX = RoomIndex(frozenset({RoomID("!s:one.test")}), frozenset({RoomID("!b"), RoomID("!a")}))


def test_what_was_noted_is_read_back() -> None:
    assert decode_index(encode_index(INDEX)) == INDEX
    assert decode_cursor({"v": 1, "token": "s1"}) == "s1"


def test_the_same_index_is_noted_in_the_same_words() -> None:
    assert encode_index(INDEX)["foreign"] == ["!a", "!b"]


def test_each_instance_has_events_of_its_own() -> None:
    keys = ("main", "other", "Main", "Häuschen 1/2", "Häuschen 1%2F2", "", "x" * 300)
    types = {own_type(shared, key) for shared in (INDEX_TYPE, CURSOR_TYPE) for key in keys}

    assert own_type(INDEX_TYPE, "main") == "chat.spacekeeper.spaces.main"
    assert len(types) == 2 * len(keys)
    assert all(kind.isascii() and len(kind) < 100 and "/" not in kind for kind in types)


def test_what_all_instances_shared_once_is_understood() -> None:
    index = {"instances": {"main": encode_index(INDEX), "other": {}}}
    cursor = {"instances": {"main": "s1"}}

    assert decode_index(part_of(index, "main")) == INDEX
    assert decode_index(part_of(index, "other")) == RoomIndex()
    assert decode_cursor(part_of(cursor, "main")) == "s1"
    assert decode_cursor(part_of(cursor, "other")) is None


@pytest.mark.parametrize(
    "garbled",
    [None, 7, {}, {"spaces": "!s", "foreign": {}}, {"spaces": ["!s", 7], "foreign": []}],
)
def test_a_garbled_index_is_none(garbled: Any) -> None:
    assert decode_index(garbled) == RoomIndex()


@pytest.mark.parametrize("garbled", [{}, {"instances": 7}, {"instances": {"main": []}}])
def test_garbled_shared_data_is_none(garbled: dict[str, Any]) -> None:
    assert decode_index(part_of(garbled, "main")) == RoomIndex()
    assert decode_cursor(part_of(garbled, "main")) is None


async def test_an_index_is_written_alone_and_only_if_it_changed(
    account_data: AccountData, homeserver: Homeserver
) -> None:
    homeserver.tell(INDEX_PATH, NOT_FOUND, {})
    index = RoomIndex(frozenset({SPACE}))

    await account_data.read_index()
    await account_data.write_index(index)
    await account_data.write_index(index)

    (written,) = [asked for asked in homeserver.asked if asked.method == "PUT"]
    assert (written.path, written.body) == (INDEX_PATH, encode_index(index))
    assert account_data.index == index


async def test_what_all_instances_shared_once_is_read_and_not_written(
    account_data: AccountData, homeserver: Homeserver
) -> None:
    index = RoomIndex(frozenset({SPACE}), frozenset({OTHER}))
    homeserver.tell(INDEX_PATH, NOT_FOUND, {})
    homeserver.tell(SHARED_PATH, {"instances": {"main": encode_index(index), "theirs": {}}})

    assert await account_data.read_index() == index
    await account_data.write_index(RoomIndex())

    assert homeserver.paths("PUT") == [INDEX_PATH]


@pytest.mark.parametrize("answer", [Reply(500), FORBIDDEN])
async def test_an_index_that_cannot_be_read_is_not_written_over(
    account_data: AccountData, homeserver: Homeserver, answer: Any
) -> None:
    homeserver.tell(INDEX_PATH, answer)

    with pytest.raises(NoAnswer):
        await account_data.write_index(RoomIndex(frozenset({SPACE})))
    await account_data.add_space(SPACE)

    assert homeserver.paths("PUT") == []


async def test_a_new_space_that_is_not_taken_is_noted_later(
    account_data: AccountData, homeserver: Homeserver
) -> None:
    homeserver.tell(INDEX_PATH, NOT_FOUND, FORBIDDEN, {})
    index = RoomIndex(frozenset({SPACE}))

    await account_data.add_space(SPACE)
    assert account_data.index == RoomIndex()
    await account_data.write_index(index)

    written = [asked.body for asked in homeserver.asked if asked.method == "PUT"]
    assert written == [encode_index(index)] * 2
    assert account_data.index == index


async def test_a_cursor_that_cannot_be_read_is_not_taken_for_none(
    account_data: AccountData, homeserver: Homeserver
) -> None:
    homeserver.tell(f"user/{BOT}/account_data/chat.spacekeeper.cursor.main", FORBIDDEN)

    with pytest.raises(MForbidden):
        await account_data.read_cursor()
