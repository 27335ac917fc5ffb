"""What one look at Matrix found: the world, its rooms, and what each room's own state said.

Made by decode.py and the reader, and never changed: a further look makes another world. Nothing
here is concluded from any of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attr

from .model import Binding, Marker, Problem

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


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
        superseded_by: the room that the bot moved this one's binding to.
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
    allowed_rooms: frozenset[RoomID] | None = None
    tombstone: Tombstone | None = None
    predecessor: RoomID | None = None
    superseded_by: RoomID | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def age(self) -> tuple[int, str]:
        """Sorts rooms oldest first, the same way on every machine."""
        return (self.created_at, self.room_id)


@attr.frozen
class Snapshot:
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
    full: bool = False

    def looked_at(self, room_id: RoomID) -> bool:
        """Whether a look at the room was tried, whatever came of it."""
        return room_id in self.rooms or room_id in self.gone or room_id in self.unread
