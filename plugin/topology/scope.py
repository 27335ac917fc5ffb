"""Which events may change whose topology: they say where to read again, never what is there.

The same rule holds for live events and for what a sync tells after a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attr

from .model import BINDING_TYPE, CHILD_TYPE, MARKER_TYPE, Status
from .routes import Routes

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

TOPOLOGY_TYPES = (
    "m.room.create",
    "m.room.member",
    "m.room.tombstone",
    CHILD_TYPE,
    BINDING_TYPE,
    MARKER_TYPE,
)


@attr.frozen
class Scope:
    """Where to read Matrix again; false if it names nothing.

    Attributes:
        owners: owners whose Spaces and chats are to be read.
        rooms: rooms to read, whoever's they are.
    """

    owners: frozenset[UserID] = frozenset()
    rooms: frozenset[RoomID] = frozenset()

    def __or__(self, other: Scope) -> Scope:
        return Scope(self.owners | other.owners, self.rooms | other.rooms)

    def __sub__(self, other: Scope) -> Scope:
        return Scope(self.owners - other.owners, self.rooms - other.rooms)

    def __and__(self, other: Scope) -> Scope:
        return Scope(self.owners & other.owners, self.rooms & other.rooms)

    def __bool__(self) -> bool:
        return bool(self.owners or self.rooms)


def affected_by(event: Mapping[str, Any], room_id: RoomID, routes: Routes, bot: UserID) -> Scope:
    """Where to read again after an event.

    Args:
        event: a state event, as the homeserver sent it.
        room_id: the room it stands in.
        routes: the routes in force.
        bot: the bot's user id.
    """
    kind, state_key = event.get("type"), event.get("state_key")
    chat, space_owner = routes.lookup(room_id), routes.owner_of(room_id)
    owner = chat.owner if chat is not None else space_owner
    if owner is None or not isinstance(state_key, str):
        return Scope()
    everything = Scope(frozenset({owner}), frozenset({room_id}))
    if kind in ("m.room.tombstone", BINDING_TYPE, MARKER_TYPE):
        return everything
    if kind == CHILD_TYPE and space_owner is not None:
        linked = frozenset({state_key}) if state_key.startswith("!") else frozenset()
        return Scope(frozenset({owner}), linked)  # type: ignore[arg-type]
    if kind == "m.room.member" and state_key == bot:
        return everything
    if kind == "m.room.member" and state_key == owner:
        content = event.get("content")
        membership = content.get("membership") if isinstance(content, dict) else None
        live = chat is not None and chat.status is Status.LIVE
        # An owner who joins a live chat changes nothing: the chat was made for that.
        return Scope() if live and membership in ("join", "invite") else everything
    return Scope()
