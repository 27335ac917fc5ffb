"""What a message is routed by: an index of the topology, in memory, and the one that is in force.

A lookup touches memory alone. The index in force is changed in place, one owner's part at a time,
so that a change costs the same however many chats there are; nothing is awaited in between, so
nobody ever sees half of one. A run that looked at Matrix before somebody's change must not undo
it: changes are counted, and it can be asked whose they were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import attr

from .model import Chat, Space, Status, Topology

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

# Few enough to be gone through while nothing else can run.
BATCH = 2000


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

    def in_batches(self, owners: Iterable[UserID]) -> Iterator[frozenset[UserID]]:
        """Owners, as many at a time as have `BATCH` chats here together."""
        batch: set[UserID] = set()
        chats = 0
        for owner in owners:
            batch.add(owner)
            chats += 1 + len(self.rooms_of.get(owner, ()))
            if chats >= BATCH:
                yield frozenset(batch)
                batch, chats = set(), 0
        if batch:
            yield frozenset(batch)

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
        self.touch(chat.owner)
        if (before := self.chats.get(chat.room_id)) is not None:
            self._drop(chat.room_id)
            self.rooms_of[before.owner] -= {chat.room_id}
        self._put(chat)
        self.rooms_of[chat.owner] = self.rooms_of.get(chat.owner, frozenset()) | {chat.room_id}
        self.unread -= {chat.room_id}

    def put_space(self, space: Space) -> None:
        """Take up one Space that was just made."""
        self.touch(space.owner)
        self.spaces[space.owner] = space
        self.owners[space.room_id] = space.owner

    def touched_since(self, change: int, owner: UserID) -> bool:
        """Whether something of this owner's changed after the given count of changes."""
        return self._touched.get(owner, 0) > change

    def touch(self, owner: UserID) -> int:
        """Say that something of this owner's changed, or is about to; the count of changes."""
        self.changes += 1
        self._touched[owner] = self.changes
        return self.changes

    def fill(self, routes: Routes) -> None:
        """Put in force what a start found in the cache, when nothing is in force yet; the routes
        are taken over, and nobody else may change them."""
        assert not self.chats
        assert not self.spaces
        for name in attr.fields_dict(Routes):
            setattr(self, name, getattr(routes, name))

    def replace_part(self, owners: Iterable[UserID], part: Topology) -> None:
        """Put in force what a look at some owners' rooms found.

        Args:
            owners: whose rooms.
            part: what they have now, as far as was seen; others' Spaces and chats in it do not
                count. Owners of whom something differs count as changed.
        """
        chats: dict[UserID, dict[RoomID, Chat]] = {owner: {} for owner in owners}
        for room_id, chat in part.chats.items():
            if (theirs := chats.get(chat.owner)) is not None:
                theirs[room_id] = chat
        spaces = {space.owner: space for space in part.spaces.values()}
        for owner, theirs in chats.items():
            self._replace_owner(owner, spaces.get(owner), theirs)

    def _replace_owner(
        self, owner: UserID, space: Space | None, chats: dict[RoomID, Chat]
    ) -> None:
        rooms, before = self.rooms_of.get(owner, frozenset()), self.spaces.get(owner)
        left = before is not None and space is not None and before.owner_left != space.owner_left
        if space != before or left:
            if before is not None:
                self.owners.pop(before.room_id, None)
                del self.spaces[owner]
            if space is not None:
                self.spaces[owner], self.owners[space.room_id] = space, owner
        same = rooms == chats.keys() and all(self.chats[one] == chats[one] for one in rooms)
        if same and space == before:
            return
        self.touch(owner)
        for room_id in rooms:
            self._drop(room_id)
        self.rooms_of.pop(owner, None)
        for room_id, chat in chats.items():
            if (other := self.chats.get(room_id)) is not None:
                self._drop(room_id)
                self.rooms_of[other.owner] -= {room_id}
            self._put(chat)
        if chats:
            self.rooms_of[owner] = frozenset(chats)

    def _put(self, chat: Chat) -> None:
        self.chats[chat.room_id] = chat
        self.counts[chat.status] += 1
        if chat.stale:
            self.stale.add(chat.room_id)

    def _drop(self, room_id: RoomID) -> None:
        chat = self.chats.pop(room_id)
        self.counts[chat.status] -= 1
        self.stale.discard(room_id)
