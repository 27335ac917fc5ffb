"""Which Space is an owner's, where Matrix or the cache knows of several or could not be read.

The oldest wins (create time, then room id): two runs on two machines agree without talking. A
Space that was upgraded is stood in for by its heir, at its own age.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attr

from ..topology.model import Space, Topology
from ..topology.snapshot import Room, Snapshot
from .upgrades import RoomUpgrades

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

Rank = tuple[bool, int, str]


@attr.frozen
class SpaceChoice:
    """The outcome: who owns which Space, and which one counts.

    Attributes:
        chosen: for each owner the Space that counts.
        owners: for every Space that was found, whose it is; the passed-over ones too.
        unsure: owners of whom a Space could not be read; nothing is concluded about what they
            lack, and nothing is written for them.
    """

    chosen: dict[UserID, Space]
    owners: dict[RoomID, UserID]
    unread_owners: frozenset[UserID]

    @property
    def superseded(self) -> dict[RoomID, UserID]:
        """The Spaces that do not count, because their owner has another one."""
        return {
            space_id: owner
            for space_id, owner in self.owners.items()
            if self.is_settled(owner) and self.chosen[owner].room_id != space_id
        }

    def is_settled(self, owner: UserID) -> bool:
        """Whether the owner has a Space and everything there is to know of it was read."""
        return owner in self.chosen and owner not in self.unread_owners


def choose_spaces(snapshot: Snapshot, cached: Topology, upgrades: RoomUpgrades) -> SpaceChoice:
    """Choose each owner's Space among those that were found, and those that only the cache knows
    because they could not be read."""
    candidates: dict[UserID, list[tuple[Rank, Space]]] = defaultdict(list)
    owners: dict[RoomID, UserID] = {}
    unread_owners: set[UserID] = set()
    for room in snapshot.rooms.values():
        if room.marker is None or room.room_id not in snapshot.joined:
            continue
        owner = room.marker.matrix_user_id
        owners[room.room_id] = owner
        if room.room_id in upgrades.unread_owners:
            unread_owners.add(owner)
        if room.marker.superseded_by in snapshot.unread:
            # The one that took its place is there, and could not be read.
            unread_owners.add(owner)
            continue
        replacement_room = snapshot.rooms[upgrades.replacements.get(room.room_id, room.room_id)]
        if replacement_room.is_space and room.room_id not in upgrades.ended:
            owners[replacement_room.room_id] = owner
            candidates[owner].append((_rank(room), _space(replacement_room, owner)))
    for room in snapshot.rooms.values():
        if room.binding is not None and room.binding.space_id in snapshot.unread:
            unread_owners.add(room.binding.matrix_user_id)
    chosen = {owner: min(ranked, key=_by_rank)[1] for owner, ranked in candidates.items()}
    # Who was chosen before and cannot be read is not voted out.
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
