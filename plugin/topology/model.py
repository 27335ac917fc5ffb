"""The values that all layers share: Spaces and chats, and what makes a room one of them.

All of them are frozen: a reconciliation compares what it read with what was known, and neither
may change meanwhile. Chats and their bindings, of which there may be a million, are named
tuples, which are made in a fifth of the time. What was read from Matrix is in snapshot.py;
nothing is decided here, that is the planner's part.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import attr

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

BINDING_TYPE = "chat.spacekeeper.room"
MARKER_TYPE = "chat.spacekeeper.space"
CHILD_TYPE = "m.space.child"
PARENT_TYPE = "m.space.parent"
VERSION = 1


@attr.frozen
class Identity:
    """Whose rooms these are: the bot's user id, and the instance's key as its bindings name it."""

    bot: UserID
    instance: str


class Binding(NamedTuple):
    """What makes a room a chat: one owner's conversation on one platform.

    Attributes:
        chat_id: the owner's short handle for it, as `C2`.
        space_id: the owner's Space.
        matrix_user_id: the owner.
        platform: the platform's name in the configuration.
        platform_chat_id: the platform's key of the conversation, unique in the whole instance.
    """

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
        return {"v": VERSION, "instance": instance, "room_type": "chat", **self._asdict()}


class PartialBinding(NamedTuple):
    """What a binding still says of which a part lacks, or has a wrong type or form: that is None.
    The rest is as in `Binding`."""

    chat_id: str | None = None
    space_id: RoomID | None = None
    matrix_user_id: UserID | None = None
    platform: str | None = None
    platform_chat_id: str | None = None


@attr.frozen
class Marker:
    """What makes a room a managed Space: whose it is, and which other Space supersedes it."""

    matrix_user_id: UserID
    superseded_by: RoomID | None = None

    def content(self, instance: str) -> dict[str, Any]:
        """The content of the Space's marker event."""
        content = {"v": VERSION, "instance": instance, "matrix_user_id": self.matrix_user_id}
        if self.superseded_by:
            content["superseded_by"] = self.superseded_by
        return content


@attr.frozen
class Problem:
    """Something in a room that was ignored: what it is, in words, and why."""

    room_id: RoomID
    what: str
    reason: Reason


class Status(str, enum.Enum):
    """What a chat is to its owner: messages are routed in a live one, an archived one was taken
    out of the Space or left, and the bot is no longer in a lost one."""

    LIVE = "live"
    ARCHIVED = "archived"
    LOST = "lost"


class Reason(str, enum.Enum):
    """What a reconciliation found about one room, as its report names it."""

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


class Chat(NamedTuple):
    """A chat as the routes and the cache know it: a room, the fields of its binding, its status.

    It holds text alone, not a `Binding`: so a cold start with a million chats makes half as many
    objects. What is kept of them for good is in packed.py.

    Attributes:
        owner: whose chat it is, by its binding.
        stale: it rests on the cache or on a mirror, because a read failed or a conflict of
            bindings waits for one.
    """

    room_id: RoomID
    chat_id: str
    space_id: RoomID
    owner: UserID
    platform: str
    platform_chat_id: str
    status: Status = Status.LIVE
    stale: bool = False

    @classmethod
    def bound(
        cls, room_id: RoomID, binding: Binding, status: Status = Status.LIVE, stale: bool = False
    ) -> Chat:
        """The chat that a binding makes of a room."""
        return cls(room_id, *binding, status, stale)

    @property
    def binding(self) -> Binding:
        """What makes the room this chat."""
        return Binding(*self[1:6])

    @property
    def number(self) -> int:
        """The number in the chat's handle: 2 for `C2`."""
        return int(self.chat_id[1:])


@attr.frozen
class Space:
    """A Space as the routes and the cache know it.

    Attributes:
        created_at: when the room was created, in milliseconds since the epoch.
        owner_left: its owner is neither in it nor invited, as far as was read.
    """

    room_id: RoomID
    owner: UserID
    created_at: int = 0
    owner_left: bool = attr.field(default=False, eq=False)


@attr.frozen
class Topology:
    """Spaces and chats of one instance, by room: what the cache holds and what a plan results
    in.

    Attributes:
        reliable: false for rows that may have been edited by hand. They help where a read fails,
            and complete no binding.
    """

    spaces: Mapping[RoomID, Space] = attr.field(factory=dict)
    chats: Mapping[RoomID, Chat] = attr.field(factory=dict)
    reliable: bool = attr.field(default=True, eq=False)
