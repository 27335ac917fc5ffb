"""The messages that were set aside: they wait for their writers' `!retry` or `!cancel`.

They wait for a day, or for as long as a message may be that is answered unasked, and so many of
one person: the oldest goes for the newest. Nothing is kept or dropped in the inbox here.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from mautrix.types import EventID, RoomID, UserID

from ..cache.pending_message import PendingMessage, State
from ..config.active import CurrentConfig

LEAST_HOURS = 24.0


class SetAside:
    """What is set aside, in the order in which it was.

    Attributes:
        most: how many messages of one person may be set aside.
    """

    def __init__(self, config: CurrentConfig, most: int) -> None:
        """
        Args:
            config: says how old a message may be that is answered unasked.
            most: how many messages of one person may be set aside.
        """
        self._config = config
        self.most = most
        self._messages: dict[EventID, PendingMessage] = {}
        self._of: dict[UserID, dict[EventID, None]] = {}

    @property
    def hours(self) -> float:
        """How long a message is set aside."""
        # An operator who wants nothing old answered unasked still wants `!retry` to work.
        return max(LEAST_HOURS, self._config.settings.catch_up_max_age)

    def add(self, pending: PendingMessage) -> PendingMessage | None:
        """Set a message aside.

        Returns:
            The one that has to go for it, if its writer has no place left.
        """
        now = int(time.time() * 1000)
        pending.state, pending.started = State.SET_ASIDE, False
        # One that an earlier run set aside has its time already.
        pending.set_aside_at = pending.set_aside_at or now
        sender = pending.message.sender
        self.pop(pending.message.event_id)
        self._messages[pending.message.event_id] = pending
        theirs = self._of.setdefault(sender, {})
        theirs[pending.message.event_id] = None
        return self.pop(next(iter(theirs))) if len(theirs) > self.most else None

    def get(self, event_id: EventID) -> PendingMessage | None:
        """The message, if it is set aside."""
        return self._messages.get(event_id)

    def pop(self, event_id: EventID) -> PendingMessage | None:
        """The message, if it was set aside: it no longer is."""
        pending = self._messages.pop(event_id, None)
        if pending is not None:
            theirs = self._of[pending.message.sender]
            del theirs[event_id]
            if not theirs:
                del self._of[pending.message.sender]
        return pending

    def in_room(self, room_id: RoomID) -> list[PendingMessage]:
        """What is set aside in a room, in its order."""
        return [one for one in self._messages.values() if one.message.room_id == room_id]

    def count_in(self, sender: UserID, room_ids: Collection[RoomID]) -> int:
        """How many of a person's messages are set aside in some rooms."""
        theirs = map(self._messages.__getitem__, self._of.get(sender, ()))
        return sum(one.message.room_id in room_ids for one in theirs)

    def take(self, room_id: RoomID) -> list[PendingMessage]:
        """What was set aside in a room, in its order: it no longer is."""
        here = self.in_room(room_id)
        for one in here:
            self.pop(one.message.event_id)
        return here

    def take_expired(self) -> list[PendingMessage]:
        """What was set aside for as long as it may be: it no longer is."""
        oldest = (time.time() - self.hours * 3600) * 1000
        expired = [one for one in self._messages.values() if one.set_aside_at < oldest]
        for one in expired:
            self.pop(one.message.event_id)
        return expired
