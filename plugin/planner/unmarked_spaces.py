"""Whose a Space is that the bot made and that lost its marker: its chats name it and their owner.

What counts is what the chats themselves say; where one could not be read, its mirror in the Space,
for now. Which of two Spaces is an owner's is decided in choose_space.py.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attr

from ..topology.model import Binding, PartialBinding
from ..topology.snapshot import Link, Room, Snapshot

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


def find_named_owner(space: Room, snapshot: Snapshot) -> NamedOwner:
    """Whom the chats name that a Space links, those included that were taken out of it.

    Args:
        space: a Space without a marker.
        snapshot: what was read so far.

    Returns:
        The owner, the same on every machine. Never raises.
    """
    linked = frozenset(link.room_id for link in space.links)
    named = Counter(
        owner for link in space.links if (owner := _owner_named(link, snapshot)) is not None
    )
    return NamedOwner(
        owner=min(named, key=lambda owner: (-named[owner], owner), default=None),
        to_read=(linked & snapshot.joined) - snapshot.rooms.keys() - _not_readable(snapshot),
        undecided=not linked.isdisjoint(snapshot.unread),
    )


def _owner_named(link: Link, snapshot: Snapshot) -> UserID | None:
    """Whom a linked chat names, if it names the Space that links it."""
    room = snapshot.rooms.get(link.room_id)
    own = (room.binding or room.partial) if room is not None else None
    if room is not None and (room.bound_elsewhere or room.superseded_by is not None):
        return None
    said: list[Binding | PartialBinding] = [
        words for words in (own, link.mirror or link.partial) if words is not None
    ]
    space_id = next((words.space_id for words in said if words.space_id is not None), None)
    owners = (words.matrix_user_id for words in said if words.matrix_user_id is not None)
    return next(owners, None) if space_id == link.space_id else None


def _not_readable(snapshot: Snapshot) -> frozenset[RoomID]:
    return snapshot.unread | snapshot.refused_read
