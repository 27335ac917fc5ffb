"""The routes in force: by them every message is routed, and all that changes them is here.

They are changed in place, one owner's part at a time, so that a change costs the same however
many chats there are; nothing is awaited in between, so nobody ever sees half of a change. A run
that read Matrix before somebody's change must not undo it: changes are counted by owner.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attr

from .model import Chat, Space, Topology
from .routes import Routes

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.define(eq=False)
class CurrentRoutes(Routes):
    """The routes in force.

    Attributes:
        changes: how many times an owner's part was changed.
    """

    changes: int = 0
    _touched: dict[UserID, int] = attr.field(factory=dict, init=False)

    def put_chat(self, chat: Chat) -> None:
        """Add a chat that was just made, or replace one that was changed."""
        self.touch(chat.owner)
        if (before := self.chats.get(chat.room_id)) is not None:
            self._drop(chat.room_id)
            self._take_from(before.owner, chat.room_id)
        self._put(chat)
        rooms = (*self.rooms_of.get(chat.owner, ()), chat.room_id)
        self.rooms_of[chat.owner] = tuple(sorted(rooms))
        self.unread -= {chat.room_id}

    def put_space(self, space: Space) -> None:
        """Add a Space that was just made, or replace one that was changed."""
        self.touch(space.owner)
        self.spaces[space.owner] = space
        self.owners[space.room_id] = space.owner

    def touched_since(self, change: int, owner: UserID) -> bool:
        """Whether something of this owner's changed after a moment.

        Args:
            change: the value of `changes` at that moment.
            owner: the owner.
        """
        return self._touched.get(owner, 0) > change

    def touch(self, owner: UserID) -> int:
        """Count a change of this owner's part, before or after it is made.

        Returns:
            The value of `changes` from now on.
        """
        self.changes += 1
        self._touched[owner] = self.changes
        return self.changes

    def fill(self, routes: Routes) -> None:
        """Put routes in force when there are none yet, at a start.

        Args:
            routes: kept without being copied, so nobody else may change them.
        """
        assert not self.chats
        assert not self.spaces
        for name in attr.fields_dict(Routes):
            setattr(self, name, getattr(routes, name))

    def replace_part(self, owners: Iterable[UserID], part: Topology) -> None:
        """Replace the Spaces and chats of some owners; owners of whom anything differs count as
        changed.

        Args:
            owners: the owners.
            part: what they have now; Spaces and chats of others in it are ignored.
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
        rooms, before = self.rooms_of.get(owner, ()), self.spaces.get(owner)
        left = before is not None and space is not None and before.owner_left != space.owner_left
        if space != before or left:
            if before is not None:
                self.owners.pop(before.room_id, None)
                del self.spaces[owner]
            if space is not None:
                self.spaces[owner], self.owners[space.room_id] = space, owner
        same = chats.keys() == set(rooms) and all(self.chats[one] == chats[one] for one in rooms)
        if same and space == before:
            return
        self.touch(owner)
        for room_id in rooms:
            self._drop(room_id)
        self.rooms_of.pop(owner, None)
        for room_id, chat in chats.items():
            if (other := self.chats.get(room_id)) is not None:
                self._drop(room_id)
                self._take_from(other.owner, room_id)
            self._put(chat)
        if chats:
            self.rooms_of[owner] = tuple(sorted(chats))

    def _take_from(self, owner: UserID, room_id: RoomID) -> None:
        self.rooms_of[owner] = tuple(one for one in self.rooms_of[owner] if one != room_id)

    def _put(self, chat: Chat) -> None:
        self.chats[chat.room_id] = chat
        self.counts[chat.status] += 1
        if chat.stale:
            self.stale.add(chat.room_id)

    def _drop(self, room_id: RoomID) -> None:
        chat = self.chats.pop(room_id)
        self.counts[chat.status] -= 1
        self.stale.discard(room_id)


class Claims:
    """Which owners' parts one run may still change: those that nobody changed since it began to
    look.

    Runs look at Matrix side by side and wait for nobody. Where two of them, or a run and a
    command, come to the same owner, what was seen first no longer counts. Nothing is locked.
    """

    def __init__(self, routes: CurrentRoutes) -> None:
        """
        Args:
            routes: count the changes; make the claims before looking at Matrix.
        """
        self.routes = routes
        self._looked_at = routes.changes
        self._renewed: dict[UserID, int] = {}

    def hold(self, owner: UserID) -> bool:
        """Whether nobody but this run changed anything of this owner's since it looked."""
        since = self._renewed.get(owner, self._looked_at)
        return not self.routes.touched_since(since, owner)

    def renew(self, owner: UserID) -> None:
        """Say that this run changes something of this owner's: from now on, no run counts that
        looked before."""
        self._renewed[owner] = self.routes.touch(owner)
