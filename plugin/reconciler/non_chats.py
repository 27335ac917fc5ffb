"""The register of joined rooms that are no chats, and why: they need no read of their own.

It only saves requests: without it more rooms are read, and the result is the same. Chats and the
Spaces that their owners use are in the routes, not here.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Set

from mautrix.types import RoomID, UserID


class NoChat(enum.Enum):
    """Why a joined room is no chat."""

    FOREIGN = "its state was read: another user created it"
    CREATED_BY_OTHERS = "another user created it; the rest of its state could not be read"
    INDEXED = "the index in the account data lists it as foreign"
    OTHER_INSTANCE = "another instance, or a later version of this plugin, marked it"
    UPGRADED = "it says that another room replaces it"
    SUPERSEDED = "it is a Space whose owner uses another one"

    @property
    def is_final(self) -> bool:
        """Whether the room's own state, or the index, said so: it never becomes a chat."""
        return self not in (NoChat.CREATED_BY_OTHERS, NoChat.SUPERSEDED)


class NonChats:
    """The joined rooms that are no chats, as far as they are known."""

    def __init__(self) -> None:
        self._reasons: dict[RoomID, NoChat] = {}
        self._superseded: dict[UserID, frozenset[RoomID]] = {}

    def reason(self, room_id: RoomID) -> NoChat | None:
        """Why the room is no chat; None if it is one, or is not known."""
        return self._reasons.get(room_id)

    def put(self, room_ids: Iterable[RoomID], reason: NoChat) -> None:
        """Add rooms, or give them another reason."""
        self._reasons.update(dict.fromkeys(room_ids, reason))

    def retain(self, joined: frozenset[RoomID]) -> None:
        """Before what a read of all rooms found is added: drop what it finds anew.

        Args:
            joined: the rooms that the bot is in. What is known of those that could not be read
                stays, and so do superseded Spaces.
        """
        self._reasons = {
            room_id: reason
            for room_id, reason in self._reasons.items()
            if reason is NoChat.SUPERSEDED
            or (reason is NoChat.CREATED_BY_OTHERS and room_id in joined)
        }

    @property
    def rooms(self) -> Set[RoomID]:
        """All of them."""
        return self._reasons.keys()

    def forget(self, room_ids: Iterable[RoomID]) -> None:
        """Drop rooms that the bot is no longer in; superseded Spaces stay."""
        for room_id in room_ids:
            if self._reasons.get(room_id) not in (None, NoChat.SUPERSEDED):
                del self._reasons[room_id]

    def superseded_of(self, owners: Iterable[UserID]) -> frozenset[RoomID]:
        """The Spaces of these owners that are superseded."""
        empty: frozenset[RoomID] = frozenset()
        return empty.union(*(self._superseded.get(owner, empty) for owner in owners))

    def put_superseded(self, owners: Iterable[UserID], spaces: Mapping[RoomID, UserID]) -> None:
        """Replace the superseded Spaces of some owners.

        Args:
            owners: the owners.
            spaces: superseded Spaces with their owners; those of other owners are ignored.
        """
        found: dict[UserID, set[RoomID]] = {owner: set() for owner in owners}
        for room_id, owner in spaces.items():
            if owner in found:
                found[owner].add(room_id)
        for owner, rooms in found.items():
            for room_id in self._superseded.pop(owner, ()):
                if self._reasons.get(room_id) is NoChat.SUPERSEDED:
                    del self._reasons[room_id]
            if rooms:
                self._superseded[owner] = frozenset(rooms)
                self.put(rooms, NoChat.SUPERSEDED)

    @property
    def owners(self) -> frozenset[UserID]:
        """Everybody who has a superseded Space."""
        return frozenset(self._superseded)
