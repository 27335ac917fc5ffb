"""The gates of rooms: what is delivered while older messages of a room are read waits before one.

Each room has a gate of its own, and so many places before it: a room may be in trouble for days.
What becomes of a message that finds none is not decided here.
"""

from __future__ import annotations

from collections import Counter, deque

import attr
from mautrix.types import EventID, RoomID

from ..matrix.message_edits import IsCommand, makes_command
from ..matrix.stop_sign import StopSign
from ..message import IncomingMessage


@attr.frozen
class Redaction:
    """A message that was taken back by its writer."""

    room_id: RoomID
    event_id: EventID


Action = IncomingMessage | Redaction | StopSign


class Gates:
    """The gates of one instance's rooms, all open at first.

    Attributes:
        closed: how many times each room's gate was closed and not opened since.
        all_closed: how many times all gates were.
    """

    def __init__(self, places: int, is_command: IsCommand) -> None:
        """
        Args:
            places: messages, edits, redactions and stop signs that may wait before one gate.
            is_command: whether a text is a command.
        """
        self._is_command = is_command
        self._places = places
        self.closed: Counter[RoomID] = Counter()
        self.all_closed = 0
        self._held: dict[RoomID, list[Action]] = {}
        # What was taken back of that, the newest; it may be among what is being read.
        self._taken_back: dict[RoomID, deque[Redaction]] = {}

    @property
    def anything_waits(self) -> bool:
        """Whether something waits before any of them."""
        return bool(self._held)

    def is_closed(self, room_id: RoomID) -> bool:
        """Whether what is delivered in a room has to wait."""
        return bool(self.all_closed or self.closed[room_id])

    def close(self, room_id: RoomID) -> None:
        """Close a room's gate; closed twice, it has to be opened twice."""
        self.closed[room_id] += 1

    def open(self, room_id: RoomID) -> list[Action]:
        """Open a room's gate; what waited there, in its order, if it is open now."""
        self.closed[room_id] -= 1
        return self._take(room_id)

    def close_all(self) -> None:
        """Close every gate."""
        self.all_closed += 1

    def open_all(self) -> dict[RoomID, list[Action]]:
        """Open every gate that was not closed by itself; what waited there, by room."""
        self.all_closed -= 1
        return {room_id: self._take(room_id) for room_id in list(self._held)}

    def hold(self, action: Action, given_up: int = 0) -> bool:
        """Let an action wait before the gate of its room.

        Args:
            action: what was done.
            given_up: what was sent before that is given up, in milliseconds since the epoch: an
                edit does not change it any more.

        Returns:
            Whether it does, or changed a message that waits there; if not, no place was left.
        """
        held = self._held.setdefault(action.room_id, [])
        if self._amend(held, action, given_up):
            return True
        if len(held) < self._places:
            held.append(action)
            return True
        return False

    def _amend(self, held: list[Action], action: Action, given_up: int) -> bool:
        if isinstance(action, StopSign):
            return False
        target = action.event_id if isinstance(action, Redaction) else action.replaces
        for at, one in enumerate(held):
            if isinstance(one, IncomingMessage) and one.event_id == target:
                if isinstance(action, Redaction):
                    del held[at]
                    gone = self._taken_back.setdefault(one.room_id, deque(maxlen=self._places))
                    gone.append(action)
                elif one.sent_at >= given_up and not makes_command(action, one, self._is_command):
                    held[at] = one.edited(action)
                else:
                    return False
                return True
        return False

    def _take(self, room_id: RoomID) -> list[Action]:
        if self.is_closed(room_id):
            return []
        del self.closed[room_id]
        return [*self._held.pop(room_id, ()), *self._taken_back.pop(room_id, ())]
