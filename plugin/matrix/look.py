"""One look at rooms: what was read so far, while reads go on. What is read, is for reader.py."""

from __future__ import annotations

import attr
from mautrix.types import RoomID

from ..topology.snapshot import Room, Snapshot


class Look:
    """What was read so far, while reads go on."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.rooms: dict[RoomID, Room] = dict(snapshot.rooms)
        self.refused_read: set[RoomID] = set(snapshot.refused_read)
        self.unread: set[RoomID] = set(snapshot.unread)

    def result(self) -> Snapshot:
        return attr.evolve(
            self.snapshot,
            rooms=self.rooms,
            refused_read=frozenset(self.refused_read),
            unread=frozenset(self.unread),
        )
