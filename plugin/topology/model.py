"""The values that all layers speak in: Spaces and chats, and what makes a room one of them.

All of them are frozen: a reconciliation compares two pictures of the world, and neither may
change under its hands. Chats and their bindings, of which there may be a million, are named
tuples, which are made in a fifth of the time. What one look at Matrix found is in world.py;
nothing here decides anything, that is plan.py's part.
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


class Binding(NamedTuple):
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
        return {"v": VERSION, "instance": instance, **self._asdict()}


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
class Problem:
    """Something in a room that was left out of account, and why."""

    room_id: RoomID
    what: str
    reason: Reason


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


class Chat(NamedTuple):
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
