"""Raw room state to `Room`, event by event.

State is written by every client there is, so a malformed event must cost that event alone: it is
ignored and reported, and the rest of the room is used. Nothing here raises on what Matrix
sent. Only what the bot itself sent counts as a binding, a mirror or a marker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .contents import (
    allowed_rooms_in,
    decode_binding,
    decode_marker,
    is_from_elsewhere,
    is_signed,
    is_usable_via,
    room_id_in,
    sent_at,
)
from .model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Binding,
    Identity,
    Marker,
    PartialBinding,
    Problem,
    Reason,
)
from .snapshot import Link, Room, Tombstone, are_of_another

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

MEMBERSHIPS = frozenset({"invite", "join", "knock", "leave", "ban"})


def decode_room(room_id: RoomID, events: Iterable[Any], identity: Identity) -> Room | None:
    """What a room's full state says.

    Args:
        room_id: the room the state was read from.
        events: the JSON values of `GET /rooms/{roomId}/state`, in any order.
        identity: the bot, whose events alone count as its marks, and its instance.

    Returns:
        The room, or None if no usable `m.room.create` was among the events: then the answer was
        no room state, and nothing may be concluded from it. Never raises.
    """
    decoder = _RoomDecoder(room_id, identity)
    for event in events:
        decoder.decode(event)
    return decoder.room()


class _RoomDecoder:
    """One pass over a room's state; each `_decode_…` handles one event type."""

    def __init__(self, room_id: RoomID, identity: Identity) -> None:
        self.room_id = room_id
        self.identity = identity
        self.create: Mapping[str, Any] | None = None
        self.allowed_rooms: frozenset[RoomID] | None = None
        self.tombstone: Tombstone | None = None
        self.name = ""
        self.members: dict[UserID, str] = {}
        self.marker: Marker | None = None
        self.binding: Binding | None = None
        self.partial: PartialBinding | None = None
        self.bound_elsewhere = self.anonymous = False
        self.superseded_by: RoomID | None = None
        self.parents: set[RoomID] = set()
        self.links: dict[RoomID, Link] = {}
        self.problems: list[Problem] = []

    def room(self) -> Room | None:
        if self.create is None:
            return None
        content, creator = self.create["content"], self.create["sender"]
        # In a room that somebody else created, that one has the power to replace a marker.
        is_space, ours = content.get("type") == "m.space", creator == self.identity.bot
        elsewhere = self.anonymous and are_of_another(self.links.values())
        return Room(
            room_id=self.room_id,
            creator=creator,
            created_at=sent_at(self.create),
            is_space=is_space,
            name=self.name,
            members=self.members,
            marker=self.marker if ours and is_space and not elsewhere else None,
            binding=self.binding if not is_space else None,
            partial=self.partial if not is_space else None,
            bound_elsewhere=self.bound_elsewhere or elsewhere,
            anonymous=self.anonymous,
            parents=frozenset(self.parents),
            links=tuple(self.links[room_id] for room_id in sorted(self.links)),
            allowed_rooms=self.allowed_rooms,
            tombstone=self.tombstone,
            predecessor=room_id_in(content.get("predecessor"), "room_id"),
            superseded_by=self.superseded_by if not is_space else None,
            problems=tuple(self.problems),
        )

    def decode(self, event: Any) -> None:
        if not isinstance(event, dict):
            return self._report("an event that is no object", Reason.MALFORMED)
        kind = event.get("type")
        decode = DECODERS.get(kind) if isinstance(kind, str) else None
        if decode is None:
            return None
        content, sender, state_key = map(event.get, ("content", "sender", "state_key"))
        if not (
            isinstance(content, dict) and isinstance(sender, str) and isinstance(state_key, str)
        ):
            return self._report(f"{kind} without a usable content", Reason.MALFORMED)
        return decode(self, event, content)

    def _report(self, what: str, reason: Reason) -> None:
        self.problems.append(Problem(self.room_id, what, reason))

    def _from_bot(self, event: Mapping[str, Any]) -> bool:
        if event["sender"] == self.identity.bot:
            return True
        self._report(f"{event['type']} sent by {event['sender']}, not by the bot", Reason.FOREIGN)
        return False

    def _decode_create(self, event: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        self.create = event

    def _decode_name(self, event: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        if isinstance(name := content.get("name"), str):
            self.name = name

    def _decode_member(self, event: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        membership = content.get("membership")
        if isinstance(membership, str) and membership in MEMBERSHIPS:
            self.members[event["state_key"]] = membership
        else:
            self._report(f"an unknown membership of {event['state_key']}", Reason.MALFORMED)

    def _decode_parent(self, event: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        if event["sender"] == self.identity.bot and is_usable_via(content.get("via")):
            self.parents.add(event["state_key"])

    def _decode_join_rules(self, event: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        self.allowed_rooms = allowed_rooms_in(content)

    def _decode_tombstone(self, event: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        if not event["state_key"]:
            self.tombstone = Tombstone(event["sender"], room_id_in(content, "replacement_room"))

    def _decode_marker(self, event: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        if event["state_key"] or not content or not self._from_bot(event):
            return
        if is_from_elsewhere(content, self.identity):
            self.bound_elsewhere = True
            return
        self.marker, self.anonymous = decode_marker(content), not is_signed(content)
        if self.marker is None:
            self._report("a marker that names no user", Reason.MALFORMED)

    def _decode_binding(self, event: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        if event["state_key"] or not content or not self._from_bot(event):
            return
        if is_from_elsewhere(content, self.identity):
            self.bound_elsewhere = True
            return
        self.superseded_by = room_id_in(content, "superseded_by")
        if self.superseded_by is not None:
            return
        self.binding, self.partial = decode_binding(content)
        self.anonymous = not is_signed(content)
        if self.partial is not None:
            self._report("a binding that lacks or garbles a part", Reason.MALFORMED)

    def _decode_child(self, event: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        if (link := Link.decode(self.room_id, event, self.identity)) is not None:
            self.links[link.room_id] = link
        else:
            what = f"a link to {event['state_key']} whose `via` is no list"
            self._report(what, Reason.MALFORMED)


DECODERS = {
    "m.room.create": _RoomDecoder._decode_create,
    "m.room.name": _RoomDecoder._decode_name,
    "m.room.member": _RoomDecoder._decode_member,
    "m.room.join_rules": _RoomDecoder._decode_join_rules,
    "m.room.tombstone": _RoomDecoder._decode_tombstone,
    PARENT_TYPE: _RoomDecoder._decode_parent,
    MARKER_TYPE: _RoomDecoder._decode_marker,
    BINDING_TYPE: _RoomDecoder._decode_binding,
    CHILD_TYPE: _RoomDecoder._decode_child,
}
