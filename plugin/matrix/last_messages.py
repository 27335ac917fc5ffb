"""Which message was written last in each room, as far as this run of the plugin has seen.

An answer that stands right below its question need not quote it. After a start nothing is known:
then it does. Edits leave a message where it stands, so they do not count.
"""

from __future__ import annotations

from collections import deque

from mautrix.types import EventID, RoomID

# Rooms, and messages of each: one may be told twice, by the sync and by whoever sent or decrypted
# it, and not in the same order.
ROOMS, MESSAGES = 10_000, 8


class LastMessages:
    """The last messages of the rooms in which something was written lately."""

    def __init__(self) -> None:
        self._rooms: dict[RoomID, deque[EventID]] = {}

    def note(self, room_id: RoomID, event_id: EventID) -> None:
        """Remember a message; one that is known already is not the newest."""
        messages = self._rooms.pop(room_id, None) or deque(maxlen=MESSAGES)
        if event_id not in messages:
            messages.append(event_id)
        self._rooms[room_id] = messages
        if len(self._rooms) > ROOMS:
            self._rooms.pop(next(iter(self._rooms)))

    def is_last(self, room_id: RoomID, event_id: EventID) -> bool:
        """Whether nothing was written in a room after a message, as far as is known."""
        messages = self._rooms.get(room_id)
        return messages is not None and messages[-1] == event_id
