"""Which joined rooms are known, and the hint that spares the next start reading them again.

What is foreign once stays foreign, for a room's creator never changes. All of it only saves
requests: whoever forgets it reads more rooms and comes to the same result.
"""

from __future__ import annotations

import logging

from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..matrix.account_data import RoomIndex
from ..matrix.api import NoAnswer
from ..matrix.reader import Reader
from ..topology.current_routes import CurrentRoutes
from ..topology.model import Status
from ..topology.scope import Scope
from .looks import FamiliarRooms, RoomSnapshot


class KnownRooms:
    """What one instance knows of the rooms that the bot is in."""

    def __init__(self, reader: Reader, routes: CurrentRoutes, log: logging.Logger) -> None:
        """
        Args:
            reader: reads and writes the hint.
            routes: hold the rooms that are chats and Spaces.
            log: the instance's log.
        """
        self.reader = reader
        self.routes = routes
        self.log = log
        self._foreign: frozenset[RoomID] | None = None
        self._passed_over: dict[RoomID, UserID] = {}
        self._acknowledged: set[RoomID] = set()
        # By one small read each, while the rest of their state cannot be read.
        self._made_by_others: set[RoomID] = set()

    async def is_known(self, room_id: RoomID) -> bool:
        """Whether a run has seen what this room is, in this life or in an earlier one."""
        routes = self.routes
        if room_id in routes.chats or room_id in routes.elsewhere or routes.owner_of(room_id):
            return True
        known = await self.known()
        return room_id in known.foreign or room_id in known.superseded

    async def known(self) -> FamiliarRooms:
        """The joined rooms that are neither chats nor Spaces that count, as far as is known."""
        if self._foreign is None:
            self._foreign = (await self.reader.account_data.read_index()).foreign
        return FamiliarRooms(self._foreign | self._made_by_others, self._passed_over)

    def exclude(self, room_id: RoomID) -> None:
        """A room that cannot be read was made by somebody else: it is no chat, and nobody waits
        for it. It is looked at again all the same, for who is in it may want to be greeted."""
        self._made_by_others.add(room_id)
        self.routes.unread -= {room_id}

    def mark_foreign(self, room_id: RoomID) -> bool:
        """A joined room that is no chat was seen to: later starts need not read it again.

        Returns:
            Whether a run has read that it is foreign; without that it does not count as such.
        """
        self._acknowledged.add(room_id)
        return self._foreign is not None and room_id in self._foreign

    async def owners_missing_rooms(self) -> Scope:
        """Those of whom a room is gone that no event told of: purged by an administrator."""
        routes = self.routes
        try:
            joined = await self.reader.joined_rooms()
        except (NoAnswer, MatrixRequestError) as error:
            self.log.warning("The joined rooms could not be listed: %s", error)
            return Scope()
        owners = {
            room_id: chat.owner
            for room_id, chat in routes.chats.items()
            if room_id not in joined and chat.status is not Status.LOST
        }
        owners |= {room: owner for room, owner in routes.owners.items() if room not in joined}
        return Scope(frozenset(owners.values()), frozenset(owners))

    async def note(self, observed: RoomSnapshot, changed: frozenset[UserID]) -> None:
        """Remember what is foreign, and leave a hint for the next start; that may fail, for it
        is no more than a hint.

        Args:
            observed: what was seen.
            changed: owners of whom something changed meanwhile: it does not count of them.
        """
        snapshot, plan = observed.snapshot, observed.plan
        known = snapshot.foreign if observed.owners is None else self._foreign or frozenset()
        self._foreign = known | plan.foreign | plan.marked_upgraded | plan.elsewhere
        if observed.owners is None:
            self._made_by_others &= snapshot.joined
        self.routes.unread -= self._made_by_others
        others = {
            space_id: owner
            for space_id, owner in self._passed_over.items()
            if owner in changed or (observed.owners is not None and owner not in observed.owners)
        }
        mine = {key: owner for key, owner in plan.superseded.items() if owner not in changed}
        self._passed_over = {**others, **mine}
        spaces = frozenset(space.room_id for space in self.routes.spaces.values())
        seen_to = self._acknowledged & (plan.foreign | self._foreign)
        noted = (
            self.reader.account_data.index.foreign
            if observed.owners is not None
            else snapshot.foreign
        )
        try:
            await self.reader.account_data.write_index(
                RoomIndex(spaces, noted | seen_to | plan.marked_upgraded)
            )
        except (NoAnswer, MatrixRequestError) as error:
            self.log.debug("The hint for the next start was not written: %s", error)
