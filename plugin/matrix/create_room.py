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
BOTS_ALONE = (
    BINDING_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    "m.room.power_levels",
    "m.room.history_visibility",
    "m.room.server_acl",
    "m.room.tombstone",
    "m.room.join_rules",
)


@attr.frozen
class RoomSpec:
    """What a new room shall be, beside what makes it ours.

    Attributes:
        owner: whom it is for.
        name: its name.
        version: its room version.
        can_decrypt: the bot could go on in it if its owner turned encryption on.
    """

    owner: UserID
    name: str
    version: str
    can_decrypt: bool = False


def space_request(spec: RoomSpec, identity: Identity) -> dict[str, Any]:
    """The body of createRoom for a Space: private, and nobody writes messages in it."""
    marker = Marker(spec.owner).content(identity.instance)
    request = _request(spec, identity, events_default=BOT_POWER)
    # Whoever is in the Space may enter every chat in it and read what was said there, so nobody
    # is let in by a click; to a single chat its owner may invite.
    request["power_level_content_override"]["invite"] = BOT_POWER
    return {
        **request,
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
    events = dict.fromkeys(BOTS_ALONE, BOT_POWER)
    if not spec.can_decrypt:
        # It cannot be turned off again: one click would end the chat for good.
        events["m.room.encryption"] = BOT_POWER
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
            "events": events,
        },
    }


def _state(event_type: str, content: dict[str, Any], state_key: str = "") -> dict[str, Any]:
    return {"type": event_type, "state_key": state_key, "content": content}
