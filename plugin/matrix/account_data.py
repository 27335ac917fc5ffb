"""The hint in the bot's account data: which rooms are Spaces, and which joined rooms are foreign.

It saves requests and is never the truth: without it, or with a wrong one, a start reads more
rooms and comes to the same result. Instances on one bot account keep theirs side by side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import attr
from mautrix.types import RoomID, SyncToken

INDEX_TYPE = "chat.spacekeeper.spaces"
CURSOR_TYPE = "chat.spacekeeper.cursor"


@attr.frozen
class RoomIndex:
    """What one instance noted: its Spaces, and the joined rooms that are none of its own."""

    spaces: frozenset[RoomID] = frozenset()
    foreign: frozenset[RoomID] = frozenset()


def decode_index(content: Mapping[str, Any], instance: str) -> RoomIndex:
    """The instance's hint in the account data; empty where there is none or it is garbled."""
    instances = content.get("instances")
    mine = instances.get(instance) if isinstance(instances, dict) else None
    if not isinstance(mine, dict):
        return RoomIndex()
    index = RoomIndex(_rooms(mine.get("spaces")), _rooms(mine.get("foreign")))
    # A chat that somebody added to the foreign rooms would never be looked at.
    return index if mine.get("digest") == _digest(index) else RoomIndex()


def encode_index(content: Mapping[str, Any], instance: str, index: RoomIndex) -> dict[str, Any]:
    """The account data with this instance's hint in it, and the other instances' untouched."""
    standing = content.get("instances")
    others = standing if isinstance(standing, dict) else {}
    mine = {
        "spaces": sorted(index.spaces),
        "foreign": sorted(index.foreign),
        "digest": _digest(index),
    }
    return {"v": 1, "instances": {**others, instance: mine}}


def decode_cursor(content: Mapping[str, Any], instance: str) -> SyncToken | None:
    """The instance's sync token in the account data, or None where there is none."""
    instances = content.get("instances")
    token = instances.get(instance) if isinstance(instances, dict) else None
    return SyncToken(token) if isinstance(token, str) and token else None


def encode_cursor(content: Mapping[str, Any], instance: str, token: SyncToken) -> dict[str, Any]:
    """The account data with this instance's token in it, and the other instances' untouched."""
    standing = content.get("instances")
    others = standing if isinstance(standing, dict) else {}
    return {"v": 1, "instances": {**others, instance: token}}


def _digest(index: RoomIndex) -> str:
    text = "\0".join([*sorted(index.spaces), "", *sorted(index.foreign)])
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


def _rooms(value: Any) -> frozenset[RoomID]:
    if not isinstance(value, list):
        return frozenset()
    return frozenset(RoomID(room_id) for room_id in value if isinstance(room_id, str))
