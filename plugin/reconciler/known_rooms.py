"""Keeps the register of rooms that are no chats, and the room index in the account data.

Both spare requests: the register to later runs, the index to later starts. After the start,
keeping them costs what a run read, however many Spaces and chats there are.
"""

from __future__ import annotations

import logging

from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..matrix.account_data import RoomIndex
from ..matrix.api import NoAnswer
from ..matrix.reader import Reader
from ..topology.current_routes import CurrentRoutes
from .looks import RoomSnapshot
from .non_chats import NoChat, NonChats


class KnownRooms:
    """What one instance knows of the rooms that the bot is in."""

    def __init__(self, reader: Reader, routes: CurrentRoutes, log: logging.Logger) -> None:
        """
        Args:
            reader: lists the joined rooms, and has the account data.
            routes: the routes in force: rooms that are chats and Spaces.
            log: the instance's log.
        """
        self.reader = reader
        self.account_data = reader.account_data
        self.routes = routes
        self.log = log
        self._non_chats = NonChats()
        self._index_read = False
        # Rooms that later starts need not read, but that are not in the index yet.
        self._to_index: set[RoomID] = set()
        # Rooms in the index that the bot is no longer in.
        self._left: set[RoomID] = set()

    async def is_known(self, room_id: RoomID) -> bool:
        """Whether it is known what this room is, from this run of the plugin or an earlier one."""
        routes = self.routes
        if room_id in routes.chats or room_id in routes.elsewhere or routes.owner_of(room_id):
            return True
        return (await self.non_chats()).reason(room_id) is not None

    async def non_chats(self) -> NonChats:
        """The joined rooms that are no chats, those in the index included."""
        if not self._index_read:
            self._index_read = True
            index = await self.account_data.read_index()
            indexed = [one for one in index.foreign if self._non_chats.reason(one) is None]
            self._non_chats.put(indexed, NoChat.INDEXED)
        return self._non_chats

    def exclude(self, room_id: RoomID) -> None:
        """Note that a room that cannot be read was created by another user: nobody waits for it.

        It is still read when that is possible, so that later starts need not.
        """
        self._non_chats.put([room_id], NoChat.CREATED_BY_OTHERS)
        self.routes.unread -= {room_id}

    def mark_foreign(self, room_id: RoomID) -> bool:
        """Note that a joined room that is no chat needs nothing more: later starts need not read
        it.

        Returns:
            Whether it is known to be no chat. If not, it counts as foreign once it was read.
        """
        self._to_index.add(room_id)
        return self._is_final(room_id)

    def forget(self, left: frozenset[RoomID]) -> None:
        """Forget rooms that were no chats and that the bot is no longer in; they leave the index
        when it is written next."""
        self._non_chats.forget(left)
        self._to_index -= left
        self._left |= left
        self.routes.unread -= left
        self.routes.elsewhere -= left

    async def note(self, observed: RoomSnapshot, changed: frozenset[UserID]) -> None:
        """Note which of the rooms that a run read are no chats, in the index too.

        Args:
            observed: what was read.
            changed: owners of whom something changed meanwhile: what was read of them does not
                count.
        """
        snapshot, plan, register = observed.snapshot, observed.plan, self._non_chats
        if observed.owners is None:
            self._index_read = True
            register.retain(snapshot.joined)
            register.put(snapshot.foreign, NoChat.INDEXED)
        register.put(plan.elsewhere, NoChat.OTHER_INSTANCE)
        register.put(plan.marked_upgraded, NoChat.UPGRADED)
        register.put(plan.foreign, NoChat.FOREIGN)
        self._to_index |= plan.foreign
        read = observed.owners
        owners = register.owners.union(plan.superseded.values()) if read is None else read
        register.put_superseded(owners - changed, plan.superseded)
        self.routes.unread -= {
            room_id
            for room_id in self.routes.unread
            if register.reason(room_id) is NoChat.CREATED_BY_OTHERS
        }
        try:
            await self._write_index(observed)
        except (NoAnswer, MatrixRequestError) as error:
            self.log.debug("The room index was not written: %s", error)

    async def _write_index(self, observed: RoomSnapshot) -> None:
        routes, snapshot, plan = self.routes, observed.snapshot, observed.plan
        done = frozenset(room_id for room_id in self._to_index if self._is_final(room_id))
        foreign = done | plan.marked_upgraded
        if observed.owners is None:
            foreign |= self.account_data.index.foreign & snapshot.joined
            await self.account_data.write_index(RoomIndex(frozenset(routes.owners), foreign))
        else:
            theirs = (routes.spaces.get(owner) for owner in observed.owners)
            spaces = frozenset(space.room_id for space in theirs if space is not None)
            read = snapshot.rooms.keys() | snapshot.refused_read
            gone = frozenset(room_id for room_id in read if routes.owner_of(room_id) is None)
            removed = RoomIndex(gone, frozenset(self._left - foreign))
            await self.account_data.change_index(RoomIndex(spaces, foreign), removed)
        self._left.clear()
        self._to_index -= done

    def _is_final(self, room_id: RoomID) -> bool:
        reason = self._non_chats.reason(room_id)
        return reason is not None and reason.is_final
