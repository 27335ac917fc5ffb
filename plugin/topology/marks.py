"""Our own marks in Matrix, read back: bindings, mirrors and markers, or nothing.

Whoever sent them was checked before; here it is checked whether they are whole, and whether
they are this instance's to use.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import attr

from .model import VERSION, Binding, Marker

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

CHAT_ID = re.compile(r"C[1-9][0-9]{0,8}")
# What a binding is made of, beside the room's type, which is the same in all of them.
PARTS = ("chat_id", "space_id", "matrix_user_id", "platform", "platform_chat_id")


@attr.frozen
class Identity:
    """Who is looking: the bot's user id and the instance's key, as its bindings name it."""

    bot: UserID
    instance: str


def usable_via(via: Any) -> bool:
    """Whether a `via` names servers: a list of strings (client-server API, section 11.34)."""
    return isinstance(via, list) and all(isinstance(server, str) for server in via)


def is_elsewhere(content: Mapping[str, Any], identity: Identity) -> bool:
    """Whether another instance, or a later version of this plugin, wrote this content."""
    version = content.get("v")
    newer = isinstance(version, int) and version > VERSION
    instance = content.get("instance")
    return newer or (isinstance(instance, str) and instance != identity.instance)


def decode_marker(content: Mapping[str, Any]) -> Marker | None:
    """A Space's marker, or None if it names no user."""
    owner, successor = content.get("matrix_user_id"), content.get("superseded_by")
    if not is_user_id(owner) or not (successor is None or isinstance(successor, str)):
        return None
    return Marker(cast("UserID", owner), cast("RoomID | None", successor))


def decode_binding(content: Mapping[str, Any]) -> Binding | None:
    """A chat's binding, or None if a part is missing or of the wrong kind."""
    if content.get("room_type") != "chat":
        return None
    return make_binding([content.get(part) for part in PARTS])


def make_binding(parts: list[Any]) -> Binding | None:
    """The binding of these `PARTS`, in their order, or None if one is of the wrong kind."""
    for part in parts:
        if not (isinstance(part, str) and part):
            return None
    chat_id, space_id, owner, platform, conversation = parts
    if not (CHAT_ID.fullmatch(chat_id) and is_user_id(owner)):
        return None
    # Spaces, owners and platforms recur in every binding: one string each for all of them.
    space_id, owner, platform = sys.intern(space_id), sys.intern(owner), sys.intern(platform)
    return Binding(
        "chat",
        chat_id,
        cast("RoomID", space_id),
        cast("UserID", owner),
        platform,
        conversation,
    )


def is_user_id(value: Any) -> bool:
    """Whether this looks like a Matrix user id (appendices, section 4.2.2)."""
    return isinstance(value, str) and value.startswith("@") and ":" in value
