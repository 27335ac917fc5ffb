"""How the Spaces link each room, looked up by room: what the Spaces' own state says of it.

A link alone makes no chat, and a mirror may be out of date: what they count for beside the
room's own state is decided in candidates.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..topology.model import Binding, Chat, PartialBinding, Problem, Reason, Status
from ..topology.snapshot import Link, Room, Snapshot
from .choose_space import SpaceChoice

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

NOT_OF_OWNER = ", which carries no binding of this Space's owner"


class SpaceLinks:
    """The links of all Spaces that were read.

    Attributes:
        by_room: each linked room's links.
    """

    def __init__(self, snapshot: Snapshot, choice: SpaceChoice) -> None:
        self.bot = snapshot.bot
        self.choice = choice
        self.snapshot = snapshot
        self.by_room: dict[RoomID, list[Link]] = {}
        for space_id in choice.owners:
            for link in snapshot.rooms[space_id].links:
                self.by_room.setdefault(link.room_id, []).append(link)

    def mirror(self, room_id: RoomID) -> Binding | None:
        """The room's binding as a Space of its owner's mirrors it, the chosen Space first; None
        if there is no mirror."""
        found = [
            (not self._is_chosen(link.space_id), link.space_id, link.mirror)
            for link in self._links(room_id)
            if link.mirror is not None
            and link.mirror.matrix_user_id == self.choice.owners[link.space_id]
        ]
        return min(found, key=lambda one: one[:2])[2] if found else None

    def mirrored(self, room_id: RoomID) -> list[tuple[UserID, Binding | PartialBinding]]:
        """What the Spaces mirror of the room's binding, each with the Space's owner, whom nothing
        in the mirror contradicts; the chosen Space first."""
        found = []
        for link in self._links(room_id):
            words, owner = link.mirror or link.partial, self.choice.owners[link.space_id]
            if words is not None and words.matrix_user_id in (None, owner):
                found.append((not self._is_chosen(link.space_id), link.space_id, owner, words))
        return [(owner, words) for _, _, owner, words in sorted(found, key=lambda one: one[:2])]

    def mirrors_differ(self, room_id: RoomID) -> bool:
        """Whether Spaces mirror different conversations for the room: it must be read itself."""
        mirrors = (link.mirror for link in self._links(room_id) if link.mirror is not None)
        return len({(one.matrix_user_id, one.platform_chat_id) for one in mirrors}) > 1

    def link(self, room_id: RoomID, owner: UserID | None = None) -> Link | None:
        """How a chosen Space links the room, the owner's if one is named; None if none does."""
        for link in self._links(room_id):
            owners = (None, self.choice.owners[link.space_id])
            if self._is_chosen(link.space_id) and owner in owners:
                return link
        return None

    def is_removed(self, room_id: RoomID, owner: UserID, link: Link | None) -> bool:
        """Whether the room was taken out of the owner's Space.

        Args:
            room_id: the room.
            owner: the owner.
            link: how the owner's chosen Space links the room. Where it is None, the room counts
                as removed if it was taken out of all the owner's other Spaces that linked it.
        """
        if link is not None:
            return link.removed
        others = [
            other for other in self._links(room_id) if self.choice.owners[other.space_id] == owner
        ]
        return bool(others) and all(other.removed for other in others)

    def confirm(self, chat: Chat, mirror: Binding) -> bool:
        """Whether the Spaces say of a chat what was known of it; if not, its room must be read.

        A chat that was just taken out of the Space is none that they confirm: its room still
        has an `m.space.parent`. Nor is a removed one that could not be read before, because
        whether its owner is in it is told by the room alone.
        """
        owner = mirror.matrix_user_id
        removed = self.is_removed(chat.room_id, owner, self.link(chat.room_id, owner))
        expected = Status.ARCHIVED if removed else Status.LIVE
        confirmed = chat.status is expected and chat.binding == mirror
        return confirmed and not (removed and chat.stale)

    def linked_by_bot(self, room_id: RoomID) -> RoomID | None:
        """The Space in which the bot itself links the room now; the first by id if several do."""
        spaces = [
            link.space_id
            for link in self._links(room_id)
            if link.sender == self.bot and not link.removed
        ]
        return min(spaces, default=None)

    def links_to_chats(
        self, room_ids: Iterable[RoomID], owner: UserID
    ) -> tuple[tuple[RoomID, RoomID], ...]:
        """The links that make these rooms chats, each as the Space and the room, sorted: those in
        this owner's Spaces, and all that mirror a binding."""
        found = [
            (link.space_id, room_id)
            for room_id in room_ids
            for link in self._links(room_id)
            if link.mirror is not None
            or (not link.removed and self.choice.owners[link.space_id] == owner)
        ]
        return tuple(sorted(found))

    def foreign_links(self, room_id: RoomID, owner: UserID | None) -> list[Problem]:
        """The links to the room in Spaces of others than this owner, as problems to report."""
        return [
            Problem(link.space_id, f"a link to {room_id}{NOT_OF_OWNER}", Reason.FOREIGN)
            for link in self._links(room_id)
            if not link.removed and self.choice.owners[link.space_id] != owner
        ]

    def space_to_read(self, room: Room) -> RoomID | None:
        """The Space that tells whether the room is another instance's; None if none is needed for
        that, or it was asked for."""
        named = room.partial.space_id if room.anonymous and room.partial else None
        asked = named is None or self.snapshot.was_requested(named)
        return None if asked else named

    def is_elsewhere(self, room: Room) -> bool:
        """Whether the room is another instance's: one that does not say whose it is goes with the
        Space that it names, or else with those that link it."""
        if not room.anonymous or room.is_space:
            return room.bound_elsewhere
        named = room.partial.space_id if room.partial is not None else None
        if named in self.choice.owners:
            return False
        theirs = [
            one for one in self.snapshot.rooms.values() if one.is_space and one.bound_elsewhere
        ]
        if any(one.room_id == named for one in theirs):
            return True
        linked = any(link.room_id == room.room_id for one in theirs for link in one.links)
        return linked and room.room_id not in self.by_room

    def _links(self, room_id: RoomID) -> Sequence[Link]:
        # A lookup must add nothing: whether a room is in `by_room` says that a Space links it.
        return self.by_room.get(room_id, ())

    def _is_chosen(self, space_id: RoomID) -> bool:
        chosen = self.choice.chosen.get(self.choice.owners[space_id])
        return chosen is not None and chosen.room_id == space_id
