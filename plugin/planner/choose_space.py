"""Which Space is an owner's, where there are several, or where one could not be read.

The oldest wins (create time, then room id), so that two runs on two machines agree without
talking to each other. A Space that was upgraded is represented by its replacement, which keeps
the age of the first one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attr

from ..topology.model import Marker, Space, Topology
from ..topology.snapshot import Room, Snapshot
from .unmarked_spaces import find_named_owner, is_unmarked
from .upgrades import RoomUpgrades

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

# Sorts the Space that wins first: superseded before, created at (milliseconds), room id.
Rank = tuple[bool, int, str]


@attr.frozen
class SpaceChoice:
    """Whose each Space is, and which one is chosen.

    Attributes:
        chosen: each owner's Space.
        owners: the owner of every Space that was read, superseded ones included.
        unread_owners: owners with an unread Space; nothing is concluded about what they lack,
            and nothing is written for them.
        to_read: chats that tell whose a Space without a marker is.
    """

    chosen: Mapping[UserID, Space]
    owners: Mapping[RoomID, UserID]
    unread_owners: frozenset[UserID]
    to_read: frozenset[RoomID]

    @property
    def markers(self) -> dict[RoomID, Marker]:
        """What each Space's marker must say, where the choice is final: a chosen Space is its
        owner's, any other one is superseded by that."""
        chosen = {owner: space.room_id for owner, space in self.chosen.items()}
        return {
            space_id: Marker(owner, None if chosen[owner] == space_id else chosen[owner])
            for space_id, owner in self.owners.items()
            if self.is_final(owner)
        }

    @property
    def superseded(self) -> dict[RoomID, UserID]:
        """The Spaces of owners who have another one, with their owners."""
        return {
            space_id: marker.matrix_user_id
            for space_id, marker in self.markers.items()
            if marker.superseded_by is not None
        }

    def is_final(self, owner: UserID) -> bool:
        """Whether the owner has a Space, and no further read can change which one it is."""
        return owner in self.chosen and owner not in self.unread_owners


def choose_spaces(snapshot: Snapshot, cached: Topology, upgrades: RoomUpgrades) -> SpaceChoice:
    """Choose each owner's Space.

    Args:
        snapshot: what was read of Matrix.
        cached: what was known before; a Space of it that cannot be read remains the owner's.
        upgrades: which Space replaces which.

    Returns:
        The choice. Never raises.
    """
    candidates, unmarked = SpaceCandidates(snapshot, cached, upgrades), []
    for room in snapshot.rooms.values():
        if room.marker is not None and room.room_id in snapshot.joined:
            candidates.add(room, room.marker.matrix_user_id)
        elif room.is_space and is_unmarked(room, snapshot):
            unmarked.append(room)
        said = room.binding or room.partial
        if said and said.space_id in snapshot.unread and said.matrix_user_id is not None:
            candidates.unread_owners.add(said.matrix_user_id)
    for room in sorted(unmarked, key=_by_room_age):
        candidates.add_unmarked(room)
    return candidates.choose()


class SpaceCandidates:
    """The Spaces that may be their owners', and whose nothing final can be said of."""

    def __init__(self, snapshot: Snapshot, cached: Topology, upgrades: RoomUpgrades) -> None:
        self.snapshot = snapshot
        self.cached = cached
        self.upgrades = upgrades
        self.candidates: dict[UserID, list[tuple[Rank, Space]]] = defaultdict(list)
        self.owners: dict[RoomID, UserID] = {}
        self.unread_owners: set[UserID] = set()
        self.unread = set(snapshot.unread)
        self.to_read: set[RoomID] = set()

    def add(self, room: Room, owner: UserID) -> None:
        """Add a Space of somebody's."""
        upgrades, superseded_by = self.upgrades, room.marker and room.marker.superseded_by
        self.owners[room.room_id] = owner
        if room.room_id in upgrades.undecided:
            self.unread_owners.add(owner)
        if superseded_by in self.snapshot.unread:
            # The Space that supersedes this one is there, and could not be read.
            self.unread_owners.add(owner)
            return
        last = self.snapshot.rooms[upgrades.replacements.get(room.room_id, room.room_id)]
        if last.is_space and room.room_id not in upgrades.unreplaced:
            self.owners[last.room_id] = owner
            rank = (superseded_by is not None, *room.age)
            self.candidates[owner].append((rank, _space(last, owner)))

    def add_unmarked(self, room: Room) -> None:
        """Add a Space that lost its marker, if its chats say whose it is; after those with one."""
        if room.room_id in self.owners:
            return
        named = find_named_owner(room, self.snapshot, self.cached, self.upgrades)
        self.to_read |= named.to_read
        if named.owner is not None:
            self.add(room, named.owner)
            self.unread_owners |= {named.owner} if named.undecided else set()
        elif named.undecided:
            self.unread.add(room.room_id)

    def choose(self) -> SpaceChoice:
        """The oldest of each owner's."""
        candidates = self.candidates
        chosen = {owner: min(ranked, key=_by_rank)[1] for owner, ranked in candidates.items()}
        # A Space that was the owner's before is not replaced because it cannot be read; of several
        # such Spaces the oldest comes last, and so it wins.
        unread = [space for space in self.cached.spaces.values() if space.room_id in self.unread]
        for space in sorted(unread, key=_by_age, reverse=True):
            self.unread_owners.add(space.owner)
            chosen[space.owner] = space
        unread_owners, to_read = frozenset(self.unread_owners), frozenset(self.to_read)
        return SpaceChoice(chosen, self.owners, unread_owners, to_read)


def _by_rank(candidate: tuple[Rank, Space]) -> Rank:
    return candidate[0]


def _by_age(space: Space) -> tuple[int, str]:
    return (space.created_at, space.room_id)


def _by_room_age(room: Room) -> tuple[int, str]:
    return room.age


def _space(room: Room, owner: UserID) -> Space:
    left = room.members.get(owner) not in ("join", "invite")
    return Space(room.room_id, owner, room.created_at, left)
