"""Which Space is an owner's, where Matrix or the cache knows of several or could not be read.

The oldest wins (create time, then room id): two runs on two machines agree without talking.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attr

from .model import Room, Space, Topology, World

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.frozen
class Election:
    """The outcome: who owns which Space, and which one counts.

    Attributes:
        chosen: for each owner the Space that counts.
        owners: for every Space that was found, whose it is; the passed-over ones too.
        unsure: owners of whom a Space could not be read; nothing is concluded about what they
            lack, and nothing is written for them.
    """

    chosen: dict[UserID, Space]
    owners: dict[RoomID, UserID]
    unsure: frozenset[UserID]

    def is_settled(self, owner: UserID) -> bool:
        """Whether the owner has a Space and everything there is to know of it was read."""
        return owner in self.chosen and owner not in self.unsure


def elect_spaces(world: World, cached: Topology) -> Election:
    """Choose each owner's Space among those that were found, and those that only the cache knows
    because they could not be read."""
    candidates: dict[UserID, list[tuple[tuple[bool, int, str], Space]]] = defaultdict(list)
    owners: dict[RoomID, UserID] = {}
    unsure: set[UserID] = set()
    for room in world.rooms.values():
        if is_ours(room, world):
            assert room.marker is not None
            owner = room.marker.matrix_user_id
            owners[room.room_id] = owner
            rank = (room.marker.superseded_by is not None, *room.age)
            candidates[owner].append((rank, Space(room.room_id, owner, room.created_at)))
    for space in cached.spaces.values():
        if space.room_id in world.unread:
            unsure.add(space.owner)
            rank = (False, space.created_at, space.room_id)
            candidates[space.owner].append((rank, space))
    chosen = {owner: min(ranked)[1] for owner, ranked in candidates.items()}
    return Election(chosen, owners, frozenset(unsure))


def is_ours(room: Room, world: World) -> bool:
    """Whether this is a Space of ours that the bot is still in."""
    return room.marker is not None and room.room_id in world.joined
