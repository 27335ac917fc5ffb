"""What is noted in the account data: an instance's own, whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.types import RoomID, SyncToken

from plugin.matrix.account_data import (
    CURSOR_TYPE,
    INDEX_TYPE,
    RoomIndex,
    decode_cursor,
    decode_index,
    encode_cursor,
    encode_index,
    own_type,
    part_of,
)

INDEX = RoomIndex(frozenset({RoomID("!s:one.test")}), frozenset({RoomID("!b"), RoomID("!a")}))


def test_what_was_noted_is_read_back() -> None:
    assert decode_index(encode_index(INDEX)) == INDEX
    assert decode_cursor(encode_cursor(SyncToken("s1"))) == "s1"


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
