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
    """

    chosen: Mapping[UserID, Space]
    owners: Mapping[RoomID, UserID]
    unread_owners: frozenset[UserID]

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
    candidates: dict[UserID, list[tuple[Rank, Space]]] = defaultdict(list)
    owners: dict[RoomID, UserID] = {}
    unread_owners: set[UserID] = set()
    for room in snapshot.rooms.values():
        if room.marker is None or room.room_id not in snapshot.joined:
            continue
        owner = room.marker.matrix_user_id
        owners[room.room_id] = owner
        if room.room_id in upgrades.undecided:
            unread_owners.add(owner)
        if room.marker.superseded_by in snapshot.unread:
            # The Space that supersedes this one is there, and could not be read.
            unread_owners.add(owner)
            continue
        last = snapshot.rooms[upgrades.replacements.get(room.room_id, room.room_id)]
        if last.is_space and room.room_id not in upgrades.unreplaced:
            owners[last.room_id] = owner
            candidates[owner].append((_rank(room), _space(last, owner)))
    for room in snapshot.rooms.values():
        said = room.binding or room.partial
        if said and said.space_id in snapshot.unread and said.matrix_user_id is not None:
            unread_owners.add(said.matrix_user_id)
    chosen = {owner: min(ranked, key=_by_rank)[1] for owner, ranked in candidates.items()}
    # A Space that was the owner's before is not replaced because it cannot be read; of several
    # such Spaces the oldest comes last, and so it wins.
    unread = [space for space in cached.spaces.values() if space.room_id in snapshot.unread]
    for space in sorted(unread, key=_by_age, reverse=True):
        unread_owners.add(space.owner)
        chosen[space.owner] = space
    return SpaceChoice(chosen, owners, frozenset(unread_owners))


def _rank(room: Room) -> Rank:
    assert room.marker is not None
    return (room.marker.superseded_by is not None, *room.age)


def _by_rank(candidate: tuple[Rank, Space]) -> Rank:
    return candidate[0]


def _by_age(space: Space) -> tuple[int, str]:
    return (space.created_at, space.room_id)


def _space(room: Room, owner: UserID) -> Space:
    left = room.members.get(owner) not in ("join", "invite")
    return Space(room.room_id, owner, room.created_at, left)
