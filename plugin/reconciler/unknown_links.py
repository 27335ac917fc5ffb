"""Rooms that a Space links and nobody knows: whether the bot is in them is asked once.

An owner may link anything, in any number, and each link brings another look at the Space. Nothing
is read here.
"""

from __future__ import annotations

from collections.abc import Collection

from mautrix.types import RoomID, UserID

from ..topology.snapshot import Snapshot

# Rooms that one run asks for; the next one goes on.
MOST_AT_ONCE = 100
# Rooms that are known to have refused.
REMEMBERED = 10_000


class UnknownLinks:
    """The linked rooms that the bot is not in, as far as they are remembered."""

    def __init__(self, bot: UserID) -> None:
        """
        Args:
            bot: whose own links are all asked for: it links nothing but chats.
        """
        self._bot = bot
        self._refused: dict[RoomID, None] = {}

    def choose(self, snapshot: Snapshot, known: Collection[RoomID]) -> frozenset[RoomID]:
        """The rooms that are worth a read.

        Args:
            snapshot: the Spaces that were read.
            known: rooms of which it is known what they are, or which were read.
        """
        links = [link for room in snapshot.rooms.values() for link in room.links]
        unknown = [
            link
            for link in links
            if link.room_id not in known and link.room_id not in self._refused
        ]
        own = [link.room_id for link in unknown if link.sender == self._bot]
        others = [link.room_id for link in unknown if link.sender != self._bot]
        return frozenset(own + others[:MOST_AT_ONCE])

    def note(self, refused: Collection[RoomID]) -> None:
        """Remember rooms that the bot turned out not to be in."""
        self._refused |= dict.fromkeys(refused)
        for room_id in list(self._refused)[: len(self._refused) - REMEMBERED]:
            del self._refused[room_id]
