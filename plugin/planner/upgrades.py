"""Rooms that were upgraded: which room took over from which (client-server API, section 11.35).

A tombstone alone proves nothing: the replacement must name the room it takes over from, and be
made by whoever closed that one, which takes the power to do so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attr

from ..topology.snapshot import Room, Snapshot

if TYPE_CHECKING:
    from mautrix.types import RoomID


@attr.define
class RoomUpgrades:
    """What became of the closed rooms that were read.

    Attributes:
        heirs: closed rooms and the room that took over in the end, over all upgrades between.
        before: the same from the other end: rooms and all that they took over from.
        ended: closed rooms that nobody took over.
        unsure: closed rooms of which that cannot be said yet.
        look: rooms that must be read to say it.
        join: rooms the bot must join before it can read them.
    """

    replacements: dict[RoomID, RoomID] = attr.field(factory=dict)
    before: dict[RoomID, list[RoomID]] = attr.field(factory=dict)
    ended: set[RoomID] = attr.field(factory=set)
    unread_owners: set[RoomID] = attr.field(factory=set)
    to_read: set[RoomID] = attr.field(factory=set)
    join: set[RoomID] = attr.field(factory=set)


def trace_upgrades(snapshot: Snapshot) -> RoomUpgrades:
    """Follow the tombstones of every room of the bot's that was read."""
    upgrades = RoomUpgrades()
    for room in snapshot.rooms.values():
        bound = room.binding is not None or room.superseded_by is not None
        if room.tombstone is not None and (bound or room.creator == snapshot.bot):
            _follow(room, snapshot, upgrades)
    for room_id, replacement_room in sorted(upgrades.replacements.items()):
        upgrades.before.setdefault(replacement_room, []).append(room_id)
    return upgrades


def _follow(closed: Room, snapshot: Snapshot, upgrades: RoomUpgrades) -> None:
    room, passed = closed, {closed.room_id}
    while room.tombstone is not None:
        replacement = room.tombstone.replacement
        if replacement is None or replacement in passed or replacement in snapshot.refused:
            upgrades.ended.add(closed.room_id)
            return
        replacement_room = snapshot.rooms.get(replacement)
        if replacement_room is None:
            _ask(replacement, closed, snapshot, upgrades)
            return
        if (
            replacement_room.predecessor != room.room_id
            or replacement_room.creator != room.tombstone.sender
        ):
            upgrades.ended.add(closed.room_id)
            return
        room = replacement_room
        passed.add(replacement)
    upgrades.replacements[closed.room_id] = room.room_id


def _ask(replacement: RoomID, closed: Room, snapshot: Snapshot, upgrades: RoomUpgrades) -> None:
    """The replacement was not read: join it, read it, wait for it, or give it up."""
    if replacement in snapshot.gone:
        upgrades.ended.add(closed.room_id)
        return
    upgrades.unread_owners.add(closed.room_id)
    if replacement not in snapshot.joined:
        upgrades.join.add(replacement)
    elif replacement not in snapshot.unread:
        upgrades.to_read.add(replacement)
