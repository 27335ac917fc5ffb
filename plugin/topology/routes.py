"""What a message is routed by: an immutable index of the topology, and the slot that holds it.

A lookup touches memory alone. Whoever changes one chat puts a new index into the slot; a
reconciliation that looked at the world before that change must not undo it, so the slot counts
its changes and can say which owners were touched since.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attr

from .model import Chat, Space, Status, Topology

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.frozen
class Routes:
    """Chats by room, Spaces and rooms by owner, owners by Space.

    `unread` are joined rooms of which it is not known what they are: whoever writes there is
    told to wait, not sent elsewhere. Rooms `elsewhere` are another instance's.
    """

    chats: Mapping[RoomID, Chat] = attr.field(factory=dict)
    spaces: Mapping[UserID, Space] = attr.field(factory=dict)
    rooms_of: Mapping[UserID, frozenset[RoomID]] = attr.field(factory=dict)
    owners: Mapping[RoomID, UserID] = attr.field(factory=dict)
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

    def count(self, status: Status) -> int:
        return sum(chat.status is status for chat in self.chats.values())

    def with_chat(self, chat: Chat) -> Routes:
        """The same routes with this chat added or replaced."""
        rooms = self.rooms_of.get(chat.owner, frozenset()) | {chat.room_id}
        return attr.evolve(
            self,
            chats={**self.chats, chat.room_id: chat},
            rooms_of={**self.rooms_of, chat.owner: rooms},
            unread=self.unread - {chat.room_id},
        )

    def with_space(self, space: Space) -> Routes:
        """The same routes with this Space as its owner's."""
        return attr.evolve(
            self,
            spaces={**self.spaces, space.owner: space},
            owners={**self.owners, space.room_id: space.owner},
        )

    def part(self, owners: frozenset[UserID]) -> Topology:
        """These owners' Spaces and chats."""
        spaces = [self.spaces[owner] for owner in owners if owner in self.spaces]
        rooms = [room_id for owner in owners for room_id in self.rooms_of.get(owner, ())]
        return Topology(
            {space.room_id: space for space in spaces},
            {room_id: self.chats[room_id] for room_id in rooms},
        )

    def replace_part(
        self, owners: frozenset[UserID], part: Topology, unread: frozenset[RoomID]
    ) -> Routes:
        """The same routes with these owners' Spaces and chats replaced by others.

        Args:
            owners: whose.
            part: what they have now.
            unread: all rooms of which it is not known what they are.
        """
        gone = {room_id for owner in owners for room_id in self.rooms_of.get(owner, ())}
        kept = {room_id: chat for room_id, chat in self.chats.items() if room_id not in gone}
        others = {owner: space for owner, space in self.spaces.items() if owner not in owners}
        spaces = {space.room_id: space for space in (*others.values(), *part.spaces.values())}
        return build_routes(Topology(spaces, {**kept, **part.chats}), unread, self.elsewhere)

    def topology(self) -> Topology:
        """The same as the cache and the plan have it."""
        return Topology({space.room_id: space for space in self.spaces.values()}, self.chats)


def build_routes(
    topology: Topology,
    unread: frozenset[RoomID] = frozenset(),
    elsewhere: frozenset[RoomID] = frozenset(),
) -> Routes:
    """Index a topology."""
    rooms: dict[UserID, list[RoomID]] = {}
    for room_id, chat in topology.chats.items():
        rooms.setdefault(chat.binding.matrix_user_id, []).append(room_id)
    return Routes(
        chats=topology.chats,
        spaces={space.owner: space for space in topology.spaces.values()},
        owners={space.room_id: space.owner for space in topology.spaces.values()},
        rooms_of={owner: frozenset(ids) for owner, ids in rooms.items()},
        unread=unread,
        elsewhere=elsewhere,
    )


class CurrentRoutes:
    """Holds the routes in force; one assignment changes them all at once."""

    def __init__(self) -> None:
        self.current = Routes()
        self.changes = 0
        self._touched: dict[UserID, int] = {}

    def put_chat(self, chat: Chat) -> None:
        """Take up one chat that was just made or changed."""
        self._touch(chat.owner)
        self.current = self.current.with_chat(chat)

    def put_space(self, space: Space) -> None:
        """Take up one Space that was just made."""
        self._touch(space.owner)
        self.current = self.current.with_space(space)

    def touched_since(self, change: int, owner: UserID) -> bool:
        """Whether something of this owner's changed after the given count of changes."""
        return self._touched.get(owner, 0) > change

    def all_touched_since(self, change: int) -> frozenset[UserID]:
        """The owners of whom something did."""
        return frozenset(owner for owner, at in self._touched.items() if at > change)

    def swap(self, routes: Routes, looked_at: int) -> None:
        """Put in force what a reconciliation found.

        Args:
            routes: what it found.
            looked_at: the count of changes when it began to look; owners who were touched
                since keep what they have now.
        """
        for owner in self.all_touched_since(looked_at):
            if owner in self.current.spaces:
                routes = routes.with_space(self.current.spaces[owner])
            for chat in self.current.chats_of(owner):
                routes = routes.with_chat(chat)
        self.current = routes

    def _touch(self, owner: UserID) -> None:
        self.changes += 1
        self._touched[owner] = self.changes
