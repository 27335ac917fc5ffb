"""The contents of the plugin's own state events: written, and read back.

They stand in one place because a chat is linked the same way when it is made, restored, relinked
or backfilled: a reconciliation must find nothing to change in what any of them wrote. Who sent
an event is not checked here, that is decode.py's part.
"""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from .model import BINDING_TYPE, VERSION, Binding, Identity, Marker, PartialBinding

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

BACKFILL_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://spacekeeper.chat/backfill")
CHAT_ID = re.compile(r"C[1-9][0-9]{0,8}")
LATEST = 2**53 - 1  # the largest number of canonical JSON (appendices, section 3.1)
# What a binding consists of, without `room_type`, which is the same in all of them.
BINDING_FIELDS = ("chat_id", "space_id", "matrix_user_id", "platform", "platform_chat_id")


def child_content(
    binding: Binding, identity: Identity, standing: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An `m.space.child` that links a chat and mirrors its binding (client-server API, section
    11.34.1).

    Args:
        binding: the chat's binding.
        identity: the bot, and the instance named in the mirror.
        standing: the content that stands in the Space now, if any: the owner's `order`,
            `suggested` and usable `via` are kept. It is not changed.

    Returns:
        The whole content to send.
    """
    content = dict(standing or {})
    if not (is_usable_via(content.get("via")) and content["via"]):
        content["via"] = via_servers(identity.bot, binding.matrix_user_id)
    content.setdefault("suggested", True)
    content.setdefault("order", f"{binding.number:06d}")
    content[BINDING_TYPE] = binding.content(identity.instance)
    return content


def removed_child_content(standing: Mapping[str, Any]) -> dict[str, Any]:
    """The same `m.space.child` without `via`: the chat is out of the Space, its mirror stays
    readable (client-server API, section 11.34.1)."""
    return {key: value for key, value in standing.items() if key != "via"}


def moved_content(replacement: RoomID, identity: Identity) -> dict[str, Any]:
    """What stands in an upgraded room in its binding's place, once the binding moved to the
    replacement."""
    return {"v": VERSION, "instance": identity.instance, "superseded_by": replacement}


def parent_content(bot: UserID, owner: UserID) -> dict[str, Any]:
    """An `m.space.parent` that points back to the Space (client-server API, section 11.34.2)."""
    return {"via": via_servers(bot, owner), "canonical": True}


def join_rules_content(space_id: RoomID) -> dict[str, Any]:
    """An `m.room.join_rules` that admits the members of the Space (client-server API, section
    8.7.5; MSC3083)."""
    allow = [{"type": "m.room_membership", "room_id": space_id}]
    return {"join_rule": "restricted", "allow": allow}


def allowed_rooms_in(content: Mapping[str, Any]) -> frozenset[RoomID] | None:
    """The rooms whose members an `m.room.join_rules` admits; None unless it is `restricted`."""
    if content.get("join_rule") != "restricted":
        return None
    allow = content["allow"] if isinstance(content.get("allow"), list) else []
    rooms = (room_id_in(one, "room_id") for one in allow)
    return frozenset(room_id for room_id in rooms if room_id is not None)


def sent_at(event: Mapping[str, Any]) -> int:
    """When an event was sent, in milliseconds since the epoch; 0 if it does not say."""
    at = event.get("origin_server_ts")
    return at if type(at) is int and 0 <= at <= LATEST else 0


def backfilled_id(room_id: RoomID) -> str:
    """The `platform_chat_id` of a chat that has none: the same for a room on any machine."""
    return str(uuid.uuid5(BACKFILL_NAMESPACE, room_id))


def via_servers(bot: UserID, owner: UserID) -> list[str]:
    """The servers through which a chat or a Space can be joined: the bot's, then the owner's."""
    return list(dict.fromkeys((server_of(bot), server_of(owner))))


def server_of(user_id: UserID) -> str:
    """The server name in a user id, its port included. Room ids of version 12 have none
    (MSC4291)."""
    return user_id.partition(":")[2]


def is_usable_via(via: Any) -> bool:
    """Whether a `via` names servers: a list of strings (client-server API, section 11.34)."""
    return isinstance(via, list) and all(isinstance(server, str) for server in via)


def is_user_id(value: Any) -> bool:
    """Whether this looks like a Matrix user id (appendices, section 4.2.2)."""
    return isinstance(value, str) and value.startswith("@") and ":" in value


def is_from_elsewhere(content: Mapping[str, Any], identity: Identity) -> bool:
    """Whether another instance, or a later version of this plugin, wrote this content."""
    version = content.get("v")
    newer = isinstance(version, int) and version > VERSION
    return newer or (is_signed(content) and content["instance"] != identity.instance)


def is_signed(content: Mapping[str, Any]) -> bool:
    """Whether this content says which instance wrote it."""
    instance = content.get("instance")
    return isinstance(instance, str) and bool(instance)


def decode_marker(content: Mapping[str, Any]) -> Marker | None:
    """A Space's marker, or None if a field is missing or of the wrong kind; never raises."""
    owner, superseded_by = content.get("matrix_user_id"), content.get("superseded_by")
    if not is_user_id(owner) or not (superseded_by is None or isinstance(superseded_by, str)):
        return None
    return Marker(cast("UserID", owner), cast("RoomID | None", superseded_by))


def room_id_in(content: Any, key: str) -> RoomID | None:
    """The room id that stands under a key, if one does; never raises."""
    value = content.get(key) if isinstance(content, dict) else None
    return cast("RoomID", value) if isinstance(value, str) and value.startswith("!") else None


def decode_binding(
    content: Mapping[str, Any],
) -> tuple[Binding, None] | tuple[None, PartialBinding]:
    """A chat's binding; or, where a part of it is missing or of the wrong kind, the others,
    however few these are. What it says of its writer is a part, too. Never raises."""
    if content.get("room_type") == "chat" and content.get("v") == VERSION and is_signed(content):
        binding = make_binding([content.get(field) for field in BINDING_FIELDS])
        if binding is not None:
            return binding, None
    valid = {
        field: value
        for field in BINDING_FIELDS
        if isinstance(value := content.get(field), str) and value and _has_form(field, value)
    }
    return None, PartialBinding(**valid)  # type: ignore[arg-type]


def _has_form(field: str, value: str) -> bool:
    if field == "chat_id":
        return CHAT_ID.fullmatch(value) is not None
    if field == "space_id":
        return value.startswith("!")
    return field != "matrix_user_id" or is_user_id(value)


def make_binding(fields: Sequence[Any]) -> Binding | None:
    """A binding out of values nobody checked yet; never raises.

    Args:
        fields: one value for each of `BINDING_FIELDS`, in their order.

    Returns:
        The binding, or None if a value is missing or of the wrong kind.
    """
    for field in fields:
        if not (isinstance(field, str) and field):
            return None
    chat_id, space_id, owner, platform, platform_chat_id = fields
    if not (CHAT_ID.fullmatch(chat_id) and space_id.startswith("!") and is_user_id(owner)):
        return None
    # Spaces, owners and platforms recur in every binding: one string each for all of them.
    space_id, owner, platform = sys.intern(space_id), sys.intern(owner), sys.intern(platform)
    return Binding(
        chat_id,
        cast("RoomID", space_id),
        cast("UserID", owner),
        platform,
        platform_chat_id,
    )
