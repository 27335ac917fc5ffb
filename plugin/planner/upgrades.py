"""Room upgrades: which room replaces which (client-server API, section 11.35).

A tombstone alone proves nothing: the replacement must name the closed room as its predecessor,
and whoever closed that one must have created it, which takes the power to close it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attr

from ..topology.snapshot import Room, Snapshot

if TYPE_CHECKING:
    from mautrix.types import RoomID


@attr.frozen
class RoomUpgrades:
    """What became of the closed rooms that were read.

    Attributes:
        replacements: closed rooms, each with the room that replaces it after all upgrades
            between.
        predecessors: the same from the other end: rooms, each with all that it replaces, by id.
        unmarked: those of the predecessors that do not say yet that they were replaced.
        unreplaced: closed rooms that no room replaces.
        undecided: closed rooms whose replacement was not read yet.
        to_read: replacements to read.
        to_join: replacements that the bot must join before it can read them.
    """

    replacements: Mapping[RoomID, RoomID]
    predecessors: Mapping[RoomID, list[RoomID]]
    unmarked: Mapping[RoomID, list[RoomID]]
    unreplaced: frozenset[RoomID]
    undecided: frozenset[RoomID]
    to_read: frozenset[RoomID]
    to_join: frozenset[RoomID]


def trace_upgrades(snapshot: Snapshot) -> RoomUpgrades:
    """Follow the tombstones of the bot's rooms, and of those that are bound, to the last room.

    Args:
        snapshot: what was read so far; a replacement that is missing in it is asked for.

    Returns:
        What became of each closed room. Never raises.
    """
    ends = {
        room.room_id: _last_replacement(room, snapshot)
        for room in snapshot.rooms.values()
        if room.tombstone is not None and _may_be_ours(room, snapshot)
    }
    replacements = {
        closed: last
        for closed, last in ends.items()
        if last is not None and last in snapshot.rooms
    }
    predecessors: dict[RoomID, list[RoomID]] = {}
    for closed, last in sorted(replacements.items()):
        predecessors.setdefault(last, []).append(closed)
    unmarked = {
        last: [one for one in closed if snapshot.rooms[one].superseded_by is None]
        for last, closed in predecessors.items()
    }
    missing = {last for last in ends.values() if last is not None} - snapshot.rooms.keys()
    return RoomUpgrades(
        replacements,
        predecessors,
        unmarked,
        unreplaced=frozenset(closed for closed, last in ends.items() if last is None),
        undecided=frozenset(closed for closed, last in ends.items() if last in missing),
        to_read=(snapshot.joined & missing) - snapshot.unread,
        to_join=frozenset(missing - snapshot.joined),
    )


def _may_be_ours(room: Room, snapshot: Snapshot) -> bool:
    bound = room.binding is not None or room.superseded_by is not None
    return bound or room.creator == snapshot.bot


def _last_replacement(closed: Room, snapshot: Snapshot) -> RoomID | None:
    """The end of the chain of upgrades that begins at a closed room.

    Returns:
        The room that was closed no more, or the first one that was not read yet; None where the
        chain leads nowhere: to no room, back to itself, to a room that does not agree, or to one
        that the bot may not see.
    """
    room, passed = closed, {closed.room_id}
    while room.tombstone is not None:
        replacement = room.tombstone.replacement
        if replacement is None or replacement in passed or replacement in snapshot.refused_join:
            return None
        successor = snapshot.rooms.get(replacement)
        if successor is None:
            return None if replacement in snapshot.refused_read else replacement
        if successor.predecessor != room.room_id or successor.creator != room.tombstone.sender:
            return None
        room = successor
        passed.add(replacement)
    return room.room_id
