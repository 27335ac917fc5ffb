"""How the Spaces link each room, looked up by room: what the Spaces' own state says of it.

A link alone makes no chat and a mirror may be out of date; what they count for beside what the
room itself says is for claims.py to weigh.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..topology.model import Binding, Problem, Reason
from ..topology.snapshot import Link, Snapshot
from .choose_space import SpaceChoice

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


class SpaceLinks:
    """The links of all Spaces that were read; `rooms` has each room's, with their Spaces."""

    def __init__(self, snapshot: Snapshot, choice: SpaceChoice) -> None:
        self.bot = snapshot.bot
        self.choice = choice
        self.rooms: dict[RoomID, list[tuple[RoomID, Link]]] = defaultdict(list)
        for space_id in choice.owners:
            for link in snapshot.rooms[space_id].links:
                self.rooms[link.room_id].append((space_id, link))

    def mirror(self, room_id: RoomID) -> Binding | None:
        """The binding the bot left in one of its Spaces for this room, the chosen Space first."""
        found = [
            (not self._is_chosen(space_id), space_id, link.mirror)
            for space_id, link in self.rooms[room_id]
            if link.mirror is not None
            and link.mirror.matrix_user_id == self.choice.owners[space_id]
        ]
        return min(found, key=lambda one: one[:2])[2] if found else None

    def is_disputed(self, room_id: RoomID) -> bool:
        """Whether Spaces mirror different conversations for one room: it has to say which."""
        if len(self.rooms[room_id]) < 2:
            return False
        mirrors = (link.mirror for _, link in self.rooms[room_id] if link.mirror is not None)
        return len({(one.matrix_user_id, one.platform_chat_id) for one in mirrors}) > 1

    def link(self, room_id: RoomID, owner: UserID | None = None) -> Link | None:
        """How the owner's chosen Space links the room, if it does."""
        for space_id, link in self.rooms[room_id]:
            if self._is_chosen(space_id) and owner in (None, self.choice.owners[space_id]):
                return link
        return None

    def is_removed(self, room_id: RoomID, owner: UserID, link: Link | None) -> bool:
        """Whether the chosen Space links the room no more; where it never did, whether the
        owner's other Spaces do not either although they did."""
        if link is not None:
            return link.removed
        others = [
            other
            for space_id, other in self.rooms[room_id]
            if self.choice.owners[space_id] == owner
        ]
        return bool(others) and all(other.removed for other in others)

    def linked_by_bot(self, room_id: RoomID) -> RoomID | None:
        """The Space in which the bot itself links the room now, if there is one."""
        spaces = [
            space_id
            for space_id, link in self.rooms[room_id]
            if link.sender == self.bot and not link.removed
        ]
        return min(spaces, default=None)

    def standing(self, room_id: RoomID, owner: UserID) -> list[RoomID]:
        """The Spaces that link the room as a chat: this owner's, and all that mirror a binding."""
        return [
            space_id
            for space_id, link in self.rooms[room_id]
            if link.mirror is not None
            or (not link.removed and self.choice.owners[space_id] == owner)
        ]

    def foreign(self, room_id: RoomID, owner: UserID | None) -> Iterator[Problem]:
        """The links in Spaces of others than the owner of this room, as problems."""
        for space_id, link in self.rooms[room_id]:
            if not link.removed and self.choice.owners[space_id] != owner:
                what = f"a link to {room_id}, which carries no binding of this Space's owner"
                yield Problem(space_id, what, Reason.FOREIGN)

    def _is_chosen(self, space_id: RoomID) -> bool:
        chosen = self.choice.chosen.get(self.choice.owners[space_id])
        return chosen is not None and chosen.room_id == space_id
