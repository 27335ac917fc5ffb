"""An index of the topology, in memory: which chat a message's room is, and what each owner has.

A lookup reads memory alone, neither the database nor Matrix. How the index that is in force is
changed is in current_routes.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import attr

from .model import Chat, Space, Status, Topology
from .packed import PackedChats, PackedSpaces

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

# Chats that may be handled in one turn of the event loop.
BATCH = 2000


@attr.define
class Routes:
    """Chats by room, Spaces and rooms by owner, owners by Space.

    The rooms of an owner stand in a tuple, because Python's garbage collector need not go through
    a tuple of text again and again, as it does through a set.

    Attributes:
        chats: every chat by its room, archived and lost ones too.
        spaces: each owner's Space.
        rooms_of: the rooms of each owner's chats, sorted.
        owners: whose Space a room is.
        stale: the rooms of chats that rest on the cache because a read failed.
        counts: how many chats there are of each status.
        unread: joined rooms that could not be read, so that they may be chats: whoever writes
            there is asked to wait.
        elsewhere: chats and Spaces of another instance.
    """

    chats: PackedChats = attr.field(factory=PackedChats)
    spaces: PackedSpaces = attr.field(factory=PackedSpaces)
    rooms_of: dict[UserID, tuple[RoomID, ...]] = attr.field(factory=dict)
    owners: dict[RoomID, UserID] = attr.field(factory=dict)
    stale: set[RoomID] = attr.field(factory=set)
    counts: Counter[Status] = attr.field(factory=Counter)
    unread: frozenset[RoomID] = frozenset()
    elsewhere: frozenset[RoomID] = frozenset()

    def lookup(self, room_id: RoomID) -> Chat | None:
        """The chat that this room is, live or not; None if it is none."""
        return self.chats.get(room_id)

    def owner_of(self, space_id: RoomID) -> UserID | None:
        """Whose Space this room is; None if it is none."""
        return self.owners.get(space_id)

    def chats_of(self, owner: UserID) -> list[Chat]:
        """The owner's chats, by number."""
        chats = [self.chats[room_id] for room_id in self.rooms_of.get(owner, ())]
        return sorted(chats, key=lambda chat: chat.number)

    def next_number(self, owner: UserID) -> int:
        """The number of the owner's next chat: higher than that of every chat known, archived and
        lost ones included."""
        return max((chat.number for chat in self.chats_of(owner)), default=0) + 1

    def part(self, owners: frozenset[UserID]) -> Topology:
        """These owners' Spaces and chats."""
        spaces = [self.spaces[owner] for owner in owners if owner in self.spaces]
        rooms = [room_id for owner in owners for room_id in self.rooms_of.get(owner, ())]
        return Topology(
            {space.room_id: space for space in spaces},
            {room_id: self.chats[room_id] for room_id in rooms},
        )

    def everybody(self) -> set[UserID]:
        """Who has a Space or a chat."""
        return self.rooms_of.keys() | self.spaces.keys()

    def copy(self) -> Routes:
        """The same in containers of its own, which may be changed by themselves."""
        return Routes(
            self.chats.copy(),
            self.spaces.copy(),
            dict(self.rooms_of),
            dict(self.owners),
            set(self.stale),
            Counter(self.counts),
            self.unread,
            self.elsewhere,
        )

    def in_batches(
        self, owners: Iterable[UserID], size: int = BATCH
    ) -> Iterator[frozenset[UserID]]:
        """The owners in batches that have about so many chats each."""
        batch: set[UserID] = set()
        chats = 0
        for owner in owners:
            batch.add(owner)
            chats += 1 + len(self.rooms_of.get(owner, ()))
            if chats >= size:
                yield frozenset(batch)
                batch, chats = set(), 0
        if batch:
            yield frozenset(batch)

    def topology(self) -> Topology:
        """All Spaces and chats: a copy, which later changes of the routes do not alter."""
        spaces = {space.room_id: space for space in self.spaces.values()}
        return Topology(spaces, self.chats.copy())


class RoutesBuilder:
    """Indexes Spaces and chats, one after another: nobody has to hold all of them beside it."""

    def __init__(self) -> None:
        self._routes = Routes()
        self._rooms: dict[UserID, list[RoomID]] = defaultdict(list)
        self._statuses: Counter[str] = Counter()

    def add_space(self, space: Space) -> None:
        """Add a Space."""
        self._routes.spaces[space.owner] = space
        self._routes.owners[space.room_id] = space.owner

    def add_chat(self, chat: Chat) -> None:
        """Add a chat, whose room was not added before."""
        self._routes.chats[chat.room_id] = chat
        self._rooms[chat.owner].append(chat.room_id)
        # Text is hashed once and for all, and in a tenth of the time that an enumeration takes.
        self._statuses[chat.status._value_] += 1
        if chat.stale:
            self._routes.stale.add(chat.room_id)

    def build(self) -> Routes:
        """The routes to all that was added; nothing may be added after this."""
        routes = self._routes
        routes.rooms_of = {owner: tuple(sorted(rooms)) for owner, rooms in self._rooms.items()}
        routes.counts = Counter({Status(value): n for value, n in self._statuses.items()})
        return routes


def build_routes(
    topology: Topology,
    unread: frozenset[RoomID] = frozenset(),
    elsewhere: frozenset[RoomID] = frozenset(),
) -> Routes:
    """Index a topology. A million chats take seconds: call it in a thread.

    Args:
        topology: every Space and chat.
        unread: joined rooms that could not be read.
        elsewhere: chats and Spaces of another instance.
    """
    builder = RoutesBuilder()
    for space in topology.spaces.values():
        builder.add_space(space)
    for chat in topology.chats.values():
        builder.add_chat(chat)
    routes = builder.build()
    routes.unread, routes.elsewhere = unread, elsewhere
    return routes
