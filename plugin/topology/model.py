"""The values that pass between the layers: what stands in Matrix, and what a look at it found.

All of them are frozen: a reconciliation compares two pictures of the world, and neither may
change under its hands. Nothing here decides anything; that is plan.py's part.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attr

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

BINDING_TYPE = "chat.spacekeeper.room"
MARKER_TYPE = "chat.spacekeeper.space"
CHILD_TYPE = "m.space.child"
PARENT_TYPE = "m.space.parent"
VERSION = 1


@attr.frozen
class Binding:
    """What makes a room a chat: one owner's conversation on one platform."""

    room_type: str
    chat_id: str
    space_id: RoomID
    matrix_user_id: UserID
    platform: str
    platform_chat_id: str

    @property
    def number(self) -> int:
        """The number in the chat's handle: 2 for `C2`."""
        return int(self.chat_id[1:])

    def content(self, instance: str) -> dict[str, Any]:
        """The content of the room's binding event, and of its mirror in the Space."""
        return {"v": VERSION, "instance": instance, **attr.asdict(self)}


@attr.frozen
class Marker:
    """What makes a Space ours: whose it is, and which Space took its place, if one did."""

    matrix_user_id: UserID
    superseded_by: RoomID | None = None

    def content(self, instance: str) -> dict[str, Any]:
        """The content of the Space's marker event."""
        content = {"v": VERSION, "instance": instance, "matrix_user_id": self.matrix_user_id}
        if self.superseded_by:
            content["superseded_by"] = self.superseded_by
        return content


@attr.frozen
class Link:
    """One `m.space.child` event of a Space (client-server API, section 11.34.1).

    `mirror` is the binding repeated inside the event, and only there if the bot itself sent it.
    """

    room_id: RoomID
    sender: UserID
    via: tuple[str, ...]
    mirror: Binding | None
    content: Mapping[str, Any] = attr.field(eq=False, factory=dict)

    @property
    def removed(self) -> bool:
        """The event stands but links nothing: somebody took the room out of the Space."""
        return not self.via


@attr.frozen
class Problem:
    """Something in a room that was left out of account, and why."""

    room_id: RoomID
    what: str
    reason: Reason


@attr.frozen
class Tombstone:
    """A room's `m.room.tombstone`: who closed it, and which room was to take over, if any."""

    sender: UserID
    replacement: RoomID | None


@attr.frozen
class Room:
    """What one room's own state said, as far as it concerns us.

    Attributes:
        created_at: the create event's time, in milliseconds.
        bound_elsewhere: a binding or marker stands here that another instance or a newer
            version of this plugin wrote.
        parents: the Spaces the room says it is in.
        admits: the rooms whose members may join; None unless the join rule is `restricted`.
        predecessor: the room that this one says it took over from.
    """

    room_id: RoomID
    creator: UserID
    created_at: int
    is_space: bool = False
    name: str = ""
    members: Mapping[UserID, str] = attr.field(factory=dict)
    marker: Marker | None = None
    binding: Binding | None = None
    bound_elsewhere: bool = False
    parents: frozenset[RoomID] = frozenset()
    links: tuple[Link, ...] = ()
    admits: frozenset[RoomID] | None = None
    tombstone: Tombstone | None = None
    predecessor: RoomID | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def age(self) -> tuple[int, str]:
        """Sorts rooms oldest first, the same way on every machine."""
        return (self.created_at, self.room_id)


@attr.frozen
class World:
    """One look at Matrix.

    Attributes:
        bot: the bot's own user id.
        joined: every room the bot is in.
        rooms: the rooms whose state was read.
        gone: rooms of which the homeserver said that they are not there for us.
        unread: rooms at which it could not be looked; nothing may be concluded from that.
        foreign: joined rooms remembered as none of ours; not read again.
        refused: rooms the bot tried to join, and may not.
        thorough: each chat's own state was asked for, not its mirror in the Space alone.
    """

    bot: UserID
    joined: frozenset[RoomID]
    rooms: Mapping[RoomID, Room]
    gone: frozenset[RoomID] = frozenset()
    unread: frozenset[RoomID] = frozenset()
    foreign: frozenset[RoomID] = frozenset()
    refused: frozenset[RoomID] = frozenset()
    thorough: bool = False

    def looked_at(self, room_id: RoomID) -> bool:
        """Whether a look at the room was tried, whatever came of it."""
        return room_id in self.rooms or room_id in self.gone or room_id in self.unread


class Status(str, enum.Enum):
    """What a chat is to its owner."""

    LIVE = "live"
    ARCHIVED = "archived"
    LOST = "lost"


class Reason(str, enum.Enum):
    """What a reconciliation found about one room."""

    OK = "ok"
    ADOPTED = "adopted"
    RELINKED = "relinked"
    BACKFILLED = "backfilled"
    ARCHIVED = "archived"
    LOST = "lost"
    SUPERSEDED = "superseded"
    UPGRADED = "upgraded"
    STALE = "stale"
    FOREIGN = "foreign"
    MALFORMED = "malformed"


@attr.frozen
class Chat:
    """A chat as the routes and the cache know it."""

    room_id: RoomID
    binding: Binding
    status: Status = Status.LIVE
    stale: bool = False

    @property
    def owner(self) -> UserID:
        return self.binding.matrix_user_id


@attr.frozen
class Space:
    """A Space as the routes and the cache know it.

    `owner_left` says that its owner is neither in it nor invited, as far as was seen.
    """

    room_id: RoomID
    owner: UserID
    created_at: int = 0
    owner_left: bool = attr.field(default=False, eq=False)


@attr.frozen
class Topology:
    """Every Space and chat of one instance: what the cache holds and a plan ends in."""

    spaces: Mapping[RoomID, Space] = attr.field(factory=dict)
    chats: Mapping[RoomID, Chat] = attr.field(factory=dict)
