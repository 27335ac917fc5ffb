"""The createRoom requests for a Space and for a chat.

Everything that identifies a room is in its `initial_state` and the invitation in its `invite`:
no moment exists in which a room of ours cannot be recognised, whatever fails afterwards.
"""

from __future__ import annotations

from typing import Any

import attr
from mautrix.types import UserID

from ..topology.contents import join_rules_content, parent_content
from ..topology.model import BINDING_TYPE, MARKER_TYPE, PARENT_TYPE, Binding, Identity, Marker

# From 12 on the creator stands above all power levels and must not be listed (MSC4289).
LISTS_CREATOR = frozenset(str(version) for version in range(1, 12))
# Joining by membership of a Space came with version 8 (MSC3083), and stays in those to come.
LACKS_RESTRICTED = frozenset(str(version) for version in range(1, 8))

OWNER_POWER = 50
BOT_POWER = 100


@attr.frozen
class RoomSpec:
    """What a new room shall be, beside what makes it ours."""

    owner: UserID
    name: str
    version: str


def space_request(spec: RoomSpec, identity: Identity) -> dict[str, Any]:
    """The body of createRoom for a Space: private, and nobody writes messages in it."""
    marker = Marker(spec.owner).content(identity.instance)
    return {
        **_request(spec, identity, events_default=BOT_POWER),
        "creation_content": {"type": "m.space"},
        "initial_state": [_state(MARKER_TYPE, marker)],
    }


def chat_request(spec: RoomSpec, binding: Binding, identity: Identity) -> dict[str, Any]:
    """The body of createRoom for a chat; whoever is in the Space may come back to it."""
    parent = parent_content(identity.bot, spec.owner)
    initial_state = [
        _state(BINDING_TYPE, binding.content(identity.instance)),
        _state(PARENT_TYPE, parent, binding.space_id),
    ]
    if spec.version not in LACKS_RESTRICTED:
        initial_state.append(_state("m.room.join_rules", join_rules_content(binding.space_id)))
    return {**_request(spec, identity, events_default=0), "initial_state": initial_state}


def _request(spec: RoomSpec, identity: Identity, events_default: int) -> dict[str, Any]:
    users = {spec.owner: OWNER_POWER}
    if spec.version in LISTS_CREATOR:
        users[identity.bot] = BOT_POWER
    return {
        # trusted_private_chat would give the owner the bot's own power.
        "preset": "private_chat",
        "visibility": "private",
        "room_version": spec.version,
        "name": spec.name,
        "invite": [spec.owner],
        "power_level_content_override": {
            "users": users,
            "users_default": 0,
            "events_default": events_default,
            "state_default": OWNER_POWER,
            "invite": OWNER_POWER,
            "events": {
                BINDING_TYPE: BOT_POWER,
                MARKER_TYPE: BOT_POWER,
                PARENT_TYPE: BOT_POWER,
                "m.room.power_levels": BOT_POWER,
                "m.room.history_visibility": BOT_POWER,
                "m.room.server_acl": BOT_POWER,
                "m.room.tombstone": BOT_POWER,
                "m.room.join_rules": BOT_POWER,
            },
        },
    }


def _state(event_type: str, content: dict[str, Any], state_key: str = "") -> dict[str, Any]:
    return {"type": event_type, "state_key": state_key, "content": content}
