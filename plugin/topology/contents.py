"""The contents of the state events that tie a Space and its chats together.

One place, because a chat is tied the same way when it is made, restored, relinked or backfilled,
and a reconciliation must find nothing to change in what any of them wrote.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .marks import Identity, usable_via
from .model import BINDING_TYPE, VERSION, Binding

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

BACKFILL_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://spacekeeper.chat/backfill")


def server_of(user_id: UserID) -> str:
    """The server name in a user id; room ids of version 12 have none (MSC4291)."""
    return user_id.partition(":")[2]


def via_servers(bot: UserID, owner: UserID) -> list[str]:
    """The servers through which a room of ours can be found: the bot's and the owner's."""
    return list(dict.fromkeys((server_of(bot), server_of(owner))))


def child_content(
    binding: Binding, identity: Identity, standing: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An `m.space.child` that links a chat and mirrors its binding.

    Args:
        binding: the chat's binding.
        identity: the bot, and the instance named in the mirror.
        standing: the content that stands now, if any: the owner's `order`, `suggested` and
            `via` are kept.
    """
    content = dict(standing or {})
    if not (usable_via(content.get("via")) and content["via"]):
        content["via"] = via_servers(identity.bot, binding.matrix_user_id)
    content.setdefault("suggested", True)
    content.setdefault("order", f"{binding.number:06d}")
    content[BINDING_TYPE] = binding.content(identity.instance)
    return content


def removed_child_content(standing: Mapping[str, Any]) -> dict[str, Any]:
    """An `m.space.child` without `via`: the chat is out of the Space, its mirror stays readable
    (client-server API, section 11.34.1)."""
    return {key: value for key, value in standing.items() if key != "via"}


def moved_content(successor: RoomID, identity: Identity) -> dict[str, Any]:
    """What stands in a room in its binding's place once that moved to the room's successor."""
    return {"v": VERSION, "instance": identity.instance, "superseded_by": successor}


def parent_content(bot: UserID, owner: UserID) -> dict[str, Any]:
    """An `m.space.parent` that points back to the Space (section 11.34.2)."""
    return {"via": via_servers(bot, owner), "canonical": True}


def join_rules_content(space_id: RoomID) -> dict[str, Any]:
    """An `m.room.join_rules` that admits whoever is in the Space (section 8.7.5, MSC3083)."""
    allow = [{"type": "m.room_membership", "room_id": space_id}]
    return {"join_rule": "restricted", "allow": allow}


def backfilled_id(room_id: RoomID) -> str:
    """The `platform_chat_id` of a chat that has none: the same for a room on any machine."""
    return str(uuid.uuid5(BACKFILL_NAMESPACE, room_id))
