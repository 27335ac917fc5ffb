"""Whose a Space is that the bot made and that lost its marker: its chats name it and their owner.

What counts is what the chats themselves say, completed as completion.py does; where one could not
be read, its mirror in the Space, for now. Which of two Spaces counts is decided in
choose_space.py.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attr

from ..topology.model import Chat, Topology
from ..topology.snapshot import Link, Room, Snapshot
from .upgrades import RoomUpgrades

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.frozen
class NamedOwner:
    """What the chats of a Space without a marker say of it.

    Attributes:
        owner: whom most of those name that name the Space; None if none does.
        to_read: chats to read before that counts.
        undecided: a chat that may name it could not be read.
    """

    owner: UserID | None
    to_read: frozenset[RoomID]
    undecided: bool


def is_unmarked(room: Room, snapshot: Snapshot) -> bool:
    """Whether this is a Space of the bot's that nobody's marker stands in."""
    ours = room.is_space and room.creator == snapshot.bot and room.room_id in snapshot.joined
    return ours and room.marker is None and not room.bound_elsewhere


def find_named_owner(
    space: Room, snapshot: Snapshot, cached: Topology, upgrades: RoomUpgrades
) -> NamedOwner:
    """Whom the chats name that a Space links, those included that were taken out of it.

    Args:
        space: a Space without a marker.
        snapshot: what was read so far.
        cached: what was known before; it completes what the chats say.
        upgrades: which room replaces which.

    Returns:
        The owner, the same on every machine. Never raises.
    """
    linked = frozenset(link.room_id for link in space.links)
    named: Counter[UserID] = Counter()
    for link in space.links:
        before = [snapshot.rooms[one] for one in upgrades.unmarked.get(link.room_id, ())]
        known = cached.chats.get(link.room_id) if cached.reliable else None
        owner = _owner_named(link, snapshot.rooms.get(link.room_id), before, known)
        if owner is not None:
            named[owner] += 1
    return NamedOwner(
        owner=min(named, key=lambda owner: (-named[owner], owner), default=None),
        to_read=(linked & snapshot.joined) - snapshot.rooms.keys() - _not_readable(snapshot),
        undecided=not linked.isdisjoint(snapshot.unread),
    )


def _owner_named(
    link: Link, room: Room | None, before: list[Room], known: Chat | None
) -> UserID | None:
    """Whom a linked chat names, if it names the Space that links it.

    Args:
        link: the link, perhaps with a mirror.
        room: the chat's room, if it was read.
        before: rooms that it replaces and that say nothing of that yet.
        known: what the chat was known as.
    """
    read = [room, *before] if room is not None else before
    if room is not None and (room.bound_elsewhere or room.superseded_by is not None):
        return None
    own = [words for one in read if (words := one.binding or one.partial) is not None]
    mirror = link.mirror or link.partial
    said = [*own, mirror] if mirror is not None else [*own]
    if said and known is not None:
        said.append(known.binding)
    # Where the chat itself names no Space, whatever else does may become its word.
    named = {space_id for words in said if (space_id := words.space_id) is not None}
    named |= room.parents if room is not None else frozenset()
    if (space_id := next((one.space_id for one in own if one.space_id), None)) is not None:
        named = {space_id}
    owners = (words.matrix_user_id for words in said if words.matrix_user_id is not None)
    return next(owners, None) if link.space_id in named else None


def _not_readable(snapshot: Snapshot) -> frozenset[RoomID]:
    return snapshot.unread | snapshot.refused_read
