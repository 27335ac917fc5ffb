"""What a message is routed by: an index of the topology, in memory, and the one that is in force.

A lookup touches memory alone. The index in force is changed in place, one owner's part at a time,
so that a change costs the same however many chats there are; nothing is awaited in between, so
nobody ever sees half of one. A reconciliation that looked at Matrix before somebody's change must
not undo it: changes are counted, and it can be asked whose they were.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attr

from .model import Chat, Space, Status, Topology

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.define
class Routes:
    """Chats by room, Spaces and rooms by owner, owners by Space.

    Attributes:
        chats: every chat by its room, archived and lost ones too.
        spaces: each owner's Space.
        rooms_of: the rooms of each owner's chats.
        owners: whose Space a room is.
        stale: the rooms of chats that rest on the cache because a read failed.
        counts: how many chats there are of each status.
        unread: joined rooms of which it is not known what they are: whoever writes there is
            told to wait, not sent elsewhere.
        elsewhere: rooms of another instance.
    """

    chats: dict[RoomID, Chat] = attr.field(factory=dict)
    spaces: dict[UserID, Space] = attr.field(factory=dict)
    rooms_of: dict[UserID, frozenset[RoomID]] = attr.field(factory=dict)
    owners: dict[RoomID, UserID] = attr.field(factory=dict)
    stale: set[RoomID] = attr.field(factory=set)
    counts: Counter[Status] = attr.field(factory=Counter)
    unread: frozenset[RoomID] = frozenset()
    elsewhere: frozenset[RoomID] = frozenset()

    def lookup(self, room_id: RoomID) -> Chat | None:
        """The chat in this room, live or not, or None if the room is none of ours."""
        return self.chats.get(room_id)

    def owner_of(self, space_id: RoomID) -> UserID | None:
        """Whose Space this room is, or None if it is no Space of ours."""
        return self.owners.get(space_id)

    def chats_of(self, owner: UserID) -> list[Chat]:
        """The owner's chats, by number."""
        chats = [self.chats[room_id] for room_id in self.rooms_of.get(owner, ())]
        return sorted(chats, key=lambda chat: chat.binding.number)

    def next_number(self, owner: UserID) -> int:
        """The number of the owner's next chat: past every one ever seen, never reused."""
        return max((chat.binding.number for chat in self.chats_of(owner)), default=0) + 1

    def part(self, owners: frozenset[UserID]) -> Topology:
        """These owners' Spaces and chats."""
        spaces = [self.spaces[owner] for owner in owners if owner in self.spaces]
        rooms = [room_id for owner in owners for room_id in self.rooms_of.get(owner, ())]
        return Topology(
            {space.room_id: space for space in spaces},
            {room_id: self.chats[room_id] for room_id in rooms},
        )

    def topology(self) -> Topology:
        """The same as the cache and the plan have it: a copy, which later changes leave alone."""
        return Topology({space.room_id: space for space in self.spaces.values()}, dict(self.chats))


def build_routes(
    topology: Topology,
    unread: frozenset[RoomID] = frozenset(),
    elsewhere: frozenset[RoomID] = frozenset(),
) -> Routes:
    """Index a topology; of a million chats that takes seconds, so it belongs into a thread.

    Args:
        topology: every Space and chat.
        unread: joined rooms of which it is not known what they are.
        elsewhere: rooms of another instance.
    """
    rooms: dict[UserID, list[RoomID]] = {}
    stale = set()
    counts: Counter[Status] = Counter()
    for room_id, chat in topology.chats.items():
        rooms.setdefault(chat.binding.matrix_user_id, []).append(room_id)
        counts[chat.status] += 1
        if chat.stale:
            stale.add(room_id)
    return Routes(
        chats=dict(topology.chats),
        spaces={space.owner: space for space in topology.spaces.values()},
        owners={space.room_id: space.owner for space in topology.spaces.values()},
        rooms_of={owner: frozenset(ids) for owner, ids in rooms.items()},
        stale=stale,
        counts=counts,
        unread=unread,
        elsewhere=elsewhere,
    )


@attr.define(eq=False)
class CurrentRoutes(Routes):
    """The routes in force.

    Attributes:
        changes: how many times somebody's part was changed.
    """

    changes: int = 0
    _touched: dict[UserID, int] = attr.field(factory=dict, init=False)

    def put_chat(self, chat: Chat) -> None:
        """Take up one chat that was just made or changed."""
        self._touch(chat.owner)
        self._put(chat)
        self.unread -= {chat.room_id}

    def put_space(self, space: Space) -> None:
        """Take up one Space that was just made."""
        self._touch(space.owner)
        self.spaces[space.owner] = space
        self.owners[space.room_id] = space.owner

    def touched_since(self, change: int, owner: UserID) -> bool:
        """Whether something of this owner's changed after the given count of changes."""
        return self._touched.get(owner, 0) > change

    def all_touched_since(self, change: int) -> frozenset[UserID]:
        """The owners of whom something did."""
        return frozenset(owner for owner, at in self._touched.items() if at > change)

    def replace(self, routes: Routes, looked_at: int) -> None:
        """Put in force what a look at everything found.

        Args:
            routes: what it found; they are taken over, and nobody else may change them.
            looked_at: the count of changes when it began to look; owners who were touched
                since keep what they have now.
        """
        touched = self.all_touched_since(looked_at)
        kept = self.part(touched)
        for name in attr.fields_dict(Routes):
            setattr(self, name, getattr(routes, name))
        self._replace_part(touched, kept)

    def replace_part(self, owners: frozenset[UserID], part: Topology, looked_at: int) -> None:
        """Put in force what a look at some owners' rooms found.

        Args:
            owners: whose rooms.
            part: what they have now, as far as was seen.
            looked_at: as for `replace`.
        """
        kept = frozenset(owner for owner in owners if self.touched_since(looked_at, owner))
        self._replace_part(owners - kept, part)

    def _replace_part(self, owners: frozenset[UserID], part: Topology) -> None:
        for owner in owners:
            for room_id in self.rooms_of.pop(owner, ()):
                self._drop(room_id)
            if (space := self.spaces.pop(owner, None)) is not None:
                self.owners.pop(space.room_id, None)
        for space in part.spaces.values():
            if space.owner in owners:
                self.spaces[space.owner] = space
                self.owners[space.room_id] = space.owner
        for chat in part.chats.values():
            if chat.owner in owners:
                self._put(chat)

    def _put(self, chat: Chat) -> None:
        if (before := self.chats.get(chat.room_id)) is not None:
            self._drop(chat.room_id)
            if before.owner != chat.owner:
                self.rooms_of[before.owner] -= {chat.room_id}
        self.chats[chat.room_id] = chat
        self.counts[chat.status] += 1
        if chat.stale:
            self.stale.add(chat.room_id)
        self.rooms_of[chat.owner] = self.rooms_of.get(chat.owner, frozenset()) | {chat.room_id}

    def _drop(self, room_id: RoomID) -> None:
        chat = self.chats.pop(room_id)
        self.counts[chat.status] -= 1
        self.stale.discard(room_id)

    def _touch(self, owner: UserID) -> None:
        self.changes += 1
        self._touched[owner] = self.changes
