"""What an instance notes in the bot's account data: an index of its rooms, and a sync token.

Each instance has events of its own, so that writing one is never a matter of reading, changing
and writing what others noted. The index saves requests and is never the truth: without it, a
start reads more rooms and comes to the same result. Only the bot's own account can write
account data (client-server API, section 13.10), so nobody else can hide a chat by naming it here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import attr
from mautrix.types import RoomID, SyncToken

# Once, one event held these for all instances: still read where an instance has none of its own.
INDEX_TYPE = "chat.spacekeeper.spaces"
CURSOR_TYPE = "chat.spacekeeper.cursor"
# An instance's key that may stand in an event type, and in a URL, as it is.
PLAIN_KEY = re.compile(r"[a-z0-9._-]{1,64}")


@attr.frozen
class RoomIndex:
    """What one instance noted: its Spaces, and the joined rooms that are none of its own."""

    spaces: frozenset[RoomID] = frozenset()
    foreign: frozenset[RoomID] = frozenset()


def own_type(shared: str, instance: str) -> str:
    """The type of the event that one instance alone writes.

    Args:
        shared: `INDEX_TYPE` or `CURSOR_TYPE`.
        instance: the instance's key, which may be any text.
    """
    if PLAIN_KEY.fullmatch(instance):
        return f"{shared}.{instance}"
    digest = hashlib.blake2b(instance.encode(errors="replace"), digest_size=16)
    return f"{shared}.{digest.hexdigest()}"


def decode_index(content: Any) -> RoomIndex:
    """The index in an event's content; empty where its values are of the wrong types."""
    if not isinstance(content, Mapping):
        return RoomIndex()
    spaces, foreign = _rooms(content.get("spaces")), _rooms(content.get("foreign"))
    if spaces is None or foreign is None:
        return RoomIndex()
    return RoomIndex(spaces, foreign)


def encode_index(index: RoomIndex) -> dict[str, Any]:
    """The content of the event that holds this index."""
    return {"v": 1, "spaces": sorted(index.spaces), "foreign": sorted(index.foreign)}


def decode_cursor(content: Any) -> SyncToken | None:
    """The sync token in an event's content, or None where there is none."""
    token = content.get("token") if isinstance(content, Mapping) else None
    return SyncToken(token) if isinstance(token, str) and token else None


def encode_cursor(token: SyncToken) -> dict[str, Any]:
    """The content of the event that holds this sync token."""
    return {"v": 1, "token": token}


def part_of(shared: Mapping[str, Any], instance: str) -> dict[str, Any]:
    """An instance's part of an event that all instances shared, as its own event has it."""
    instances = shared.get("instances")
    part = instances.get(instance) if isinstance(instances, dict) else None
    # The shared cursor was a mapping of instances to tokens.
    return part if isinstance(part, dict) else {"token": part}


def _rooms(value: Any) -> frozenset[RoomID] | None:
    if not isinstance(value, list) or not all(isinstance(room_id, str) for room_id in value):
        return None
    return frozenset(RoomID(room_id) for room_id in value)
