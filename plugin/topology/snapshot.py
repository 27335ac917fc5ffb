"""What was read from Matrix: a snapshot of the joined rooms, and what each room's state said.

Rooms are decoded by decode.py, and a Space's links, of which there are as many as chats, by
themselves. A snapshot is never changed: reading more makes another one. Nothing is concluded from
it here; that is the planner's part.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import attr

from .contents import decode_binding, is_from_elsewhere, is_usable_via
from .model import BINDING_TYPE, Binding, Identity, Marker, PartialBinding, Problem

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.frozen
class Link:
    """One `m.space.child` event of a Space (client-server API, section 11.34.1).

    There are as many of these as chats: what is not needed of the event is not kept, for the
    garbage collector, too, has to go through all that is.

    Attributes:
        space_id: the Space in which it stands.
        room_id: the room that is linked: the event's state key.
        sender: who sent the event.
        via: the servers it names; none if the room was removed from the Space.
        mirror: the chat's binding repeated inside the event; None unless the bot sent it.
        partial: what such a mirror still says of which a part lacks.
        of_another: another instance mirrors the room's binding.
        others: what else the content says, so that what the owner set is kept when it is sent
            again.
    """

    space_id: RoomID
    room_id: RoomID
    sender: UserID
    via: tuple[str, ...]
    mirror: Binding | None
    others: Mapping[str, Any] = attr.field(eq=False, factory=dict)
    partial: PartialBinding | None = None
    of_another: bool = False

    @classmethod
    def decode(cls, space_id: RoomID, event: Mapping[str, Any], identity: Identity) -> Link | None:
        """What an event says of one room.

        Args:
            space_id: the Space in which it stands.
            event: the event, whose sender, state key and content have the right types.
            identity: the bot, whose mirrors alone count, and its instance.

        Returns:
            The link; None if its `via` makes no sense. Never raises.
        """
        content, sender, mirror, partial = event["content"], event["sender"], None, None
        via = content.get("via")
        if via is not None and not is_usable_via(via):
            return None
        raw = content.get(BINDING_TYPE) if sender == identity.bot else None
        of_another = isinstance(raw, dict) and is_from_elsewhere(raw, identity)
        if isinstance(raw, dict) and not of_another:
            mirror, partial = decode_binding(raw)
        others = {key: content[key] for key in content if key not in ("via", BINDING_TYPE)}
        via = tuple(via or ())
        return cls(space_id, event["state_key"], sender, via, mirror, others, partial, of_another)

    @property
    def removed(self) -> bool:
        """Whether the event stands without `via`: somebody took the room out of the Space."""
        return not self.via

    @property
    def content(self) -> dict[str, Any]:
        """What stands in the Space now, without the mirror."""
        return {**self.others, "via": list(self.via)}


@attr.frozen
class Tombstone:
    """A room's `m.room.tombstone`: who closed the room, and which one replaces it, if any
    (client-server API, section 11.35)."""

    sender: UserID
    replacement: RoomID | None


@attr.frozen
class Room:
    """What one room's own state said, as far as the plugin uses it.

    Attributes:
        created_at: when the room was created, in milliseconds since the epoch; 0 if it does not
            say.
        members: the membership of each user that has one.
        marker: what makes it a Space of this instance's.
        binding: what makes it a chat of this instance's.
        partial: what a binding of which a part lacks still says.
        bound_elsewhere: a binding or marker stands here that another instance or a later
            version of this plugin wrote.
        anonymous: a binding or marker stands here that does not say which instance wrote it.
        parents: the Spaces that the bot's own `m.space.parent` events name.
        links: the room's `m.space.child` events, by room id.
        allowed_rooms: the rooms whose members may join; None unless the join rule is
            `restricted`.
        predecessor: the room that this one replaces, by its own create event.
        superseded_by: the room that the bot moved this one's binding to.
        problems: events that were ignored.
    """

    room_id: RoomID
    creator: UserID
    created_at: int
    is_space: bool = False
    name: str = ""
    members: Mapping[UserID, str] = attr.field(factory=dict)
    marker: Marker | None = None
    binding: Binding | None = None
    partial: PartialBinding | None = None
    bound_elsewhere: bool = False
    anonymous: bool = False
    parents: frozenset[RoomID] = frozenset()
    links: tuple[Link, ...] = ()
    allowed_rooms: frozenset[RoomID] | None = None
    tombstone: Tombstone | None = None
    predecessor: RoomID | None = None
    superseded_by: RoomID | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def age(self) -> tuple[int, str]:
        """The sort key that puts rooms oldest first, on every machine alike: their creation in
        milliseconds, then their ids."""
        return (self.created_at, self.room_id)


@attr.frozen
class Snapshot:
    """What is known of Matrix at one moment: which rooms there are, and what was read of them.

    Attributes:
        bot: the bot's own user id.
        joined: every room the bot is in.
        rooms: the rooms whose state was read.
        refused_read: rooms of which the homeserver refused the state: not found, or forbidden.
        unread: rooms whose read failed; nothing may be concluded from that.
        foreign: joined rooms remembered as not the bot's own; they are not read again.
        refused_join: rooms that the bot tried to join and may not.
        full: each chat's own state is read too, not only its mirror in the Space.
        gently: few rooms are read at the same time, for nobody waits.
    """

    bot: UserID
    joined: frozenset[RoomID]
    rooms: Mapping[RoomID, Room]
    refused_read: frozenset[RoomID] = frozenset()
    unread: frozenset[RoomID] = frozenset()
    foreign: frozenset[RoomID] = frozenset()
    refused_join: frozenset[RoomID] = frozenset()
    full: bool = False
    gently: bool = False

    def was_requested(self, room_id: RoomID) -> bool:
        """Whether the room's state was asked for, whatever the answer was."""
        return room_id in self.rooms or room_id in self.refused_read or room_id in self.unread


class SnapshotBuilder:
    """What was read so far, while reads go on."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._before = snapshot
        self.rooms: dict[RoomID, Room] = dict(snapshot.rooms)
        self.refused_read: set[RoomID] = set(snapshot.refused_read)
        self.unread: set[RoomID] = set(snapshot.unread)

    def build(self) -> Snapshot:
        """The snapshot with what was read."""
        refused_read, unread = frozenset(self.refused_read), frozenset(self.unread)
        return attr.evolve(
            self._before, rooms=self.rooms, refused_read=refused_read, unread=unread
        )


def are_of_another(links: Collection[Link]) -> bool:
    """Whether a Space that does not say so itself is another instance's: that one mirrors chats in
    these links of it, and this one none."""
    own = (link.mirror or link.partial for link in links)
    return any(link.of_another for link in links) and not any(one is not None for one in own)
