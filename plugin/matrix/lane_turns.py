"""Who waits for a lane: the rooms in turn, and what one room waits for in its order.

A room that has much to say keeps the others waiting for one call of its own at a time.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque

ROOM = re.compile(r"/rooms/([^/]+)/")


def room_in(path: str) -> str:
    """The room that a call is about, as its path has it; empty if it is about none."""
    found = ROOM.search(path)
    return found[1] if found else ""


class Turns:
    """The calls that wait for one lane, each of them an event that tells it to look again."""

    def __init__(self) -> None:
        self._again: deque[asyncio.Event] = deque()
        self._rooms: dict[str, deque[asyncio.Event]] = {}

    @property
    def head(self) -> asyncio.Event | None:
        """Whose turn is next."""
        if self._again:
            return self._again[0]
        return next(iter(self._rooms.values()))[0] if self._rooms else None

    def add(self, turn: asyncio.Event, room: str, first: bool) -> None:
        """Let a call wait.

        Args:
            turn: the call's.
            room: what it is about.
            first: it was begun already, and goes before all that were not.
        """
        if first:
            self._again.appendleft(turn)
        else:
            self._rooms.setdefault(room, deque()).append(turn)

    def remove(self, turn: asyncio.Event, room: str) -> None:
        """A call does not wait any more; its room's next turn comes after all others'."""
        if turn in self._again:
            self._again.remove(turn)
            return
        waiting = self._rooms.pop(room)
        waiting.remove(turn)
        if waiting:
            self._rooms[room] = waiting
