"""Rooms that were upgraded: which room took over from which (client-server API, section 11.35).

A tombstone alone proves nothing: the replacement must name the room it takes over from, and be
made by whoever closed that one, which takes the power to do so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attr

from ..topology.snapshot import Room, World

if TYPE_CHECKING:
    from mautrix.types import RoomID


@attr.define
class Succession:
    """What became of the closed rooms that were read.

    Attributes:
        heirs: closed rooms and the room that took over in the end, over all upgrades between.
        before: the same from the other end: rooms and all that they took over from.
        ended: closed rooms that nobody took over.
        unsure: closed rooms of which that cannot be said yet.
        look: rooms that must be read to say it.
        join: rooms the bot must join before it can read them.
    """

    heirs: dict[RoomID, RoomID] = attr.field(factory=dict)
    before: dict[RoomID, list[RoomID]] = attr.field(factory=dict)
    ended: set[RoomID] = attr.field(factory=set)
    unsure: set[RoomID] = attr.field(factory=set)
    look: set[RoomID] = attr.field(factory=set)
    join: set[RoomID] = attr.field(factory=set)


def trace_succession(world: World) -> Succession:
    """Follow the tombstones of every room of the bot's that was read."""
    succession = Succession()
    for room in world.rooms.values():
        bound = room.binding is not None or room.superseded_by is not None
        if room.tombstone is not None and (bound or room.creator == world.bot):
            _follow(room, world, succession)
    for room_id, heir in sorted(succession.heirs.items()):
        succession.before.setdefault(heir, []).append(room_id)
    return succession


def _follow(closed: Room, world: World, succession: Succession) -> None:
    room, passed = closed, {closed.room_id}
    while room.tombstone is not None:
        replacement = room.tombstone.replacement
        if replacement is None or replacement in passed or replacement in world.refused:
            succession.ended.add(closed.room_id)
            return
        heir = world.rooms.get(replacement)
        if heir is None:
            _ask(replacement, closed, world, succession)
            return
        if heir.predecessor != room.room_id or heir.creator != room.tombstone.sender:
            succession.ended.add(closed.room_id)
            return
        room = heir
        passed.add(replacement)
    succession.heirs[closed.room_id] = room.room_id


def _ask(replacement: RoomID, closed: Room, world: World, succession: Succession) -> None:
    """The replacement was not read: join it, read it, wait for it, or give it up."""
    if replacement in world.gone:
        succession.ended.add(closed.room_id)
        return
    succession.unsure.add(closed.room_id)
    if replacement not in world.joined:
        succession.join.add(replacement)
    elif replacement not in world.unread:
        succession.look.add(replacement)
