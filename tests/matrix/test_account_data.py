"""The hint in the account data: kept beside others', believed only where it is whole."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.types import RoomID

from plugin.matrix.account_data import RoomIndex, decode_index, encode_index

HINT = RoomIndex(frozenset({RoomID("!s:one.test")}), frozenset({RoomID("!b"), RoomID("!a")}))


def test_what_was_noted_is_read_back() -> None:
    assert decode_index(encode_index({}, "main", HINT), "main") == HINT


def test_instances_keep_theirs_side_by_side() -> None:
    content = encode_index(encode_index({}, "other", HINT), "main", RoomIndex())

    assert decode_index(content, "other") == HINT
    assert decode_index(content, "main") == RoomIndex()


def test_the_same_hint_is_noted_in_the_same_words() -> None:
    assert encode_index({}, "main", HINT)["instances"]["main"]["foreign"] == ["!a", "!b"]


@pytest.mark.parametrize(
    "garbled",
    [
        {},
        {"instances": []},
        {"instances": {}},
        {"instances": {"main": "text"}},
        {"instances": {"main": {"spaces": "!s", "foreign": {}}}},
        {"instances": {"main": {"spaces": [7, None, {}]}}},
    ],
)
def test_a_garbled_hint_is_none_and_is_written_over(garbled: dict[str, Any]) -> None:
    assert decode_index(garbled, "main") == RoomIndex()
    assert decode_index(encode_index(garbled, "main", HINT), "main") == HINT
