"""Which messages were seen already: each is taken in once, however often it is delivered.

While a start is caught up with, a message may be read from the timeline and come live as well.
"""

from __future__ import annotations

from mautrix.types import EventID

# The two come soon after one another.
REMEMBERED = 10_000


class SeenMessages:
    """The last messages that were taken in."""

    def __init__(self) -> None:
        self._seen: dict[EventID, None] = {}

    def add(self, event_id: EventID) -> bool:
        """Remember a message; whether it is new."""
        if event_id in self._seen:
            return False
        self._seen[event_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        return True
