"""The door for messages: each is taken in once, in the order of its room, however it comes.

What is delivered live may have been read already while a start was caught up with, and older
messages that are being read come before newer ones that were delivered meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from mautrix.types import EventID, RoomID

from ..cache.inbox import PendingMessage, State
from ..failpoints import failpoint
from ..message import IncomingMessage
from .amend import Amend
from .pending import PendingMessages

# A message may come twice, soon after one another, while a start is caught up with.
REMEMBERED = 10_000
CUT_OFF = (
    "My answer to this ends too early: I was interrupted while I sent it, and the rest is lost. "
    "Ask me to go on, and I will."
)


class Inbound:
    """Takes messages in."""

    def __init__(self, pending: PendingMessages, amendments: Amend, longest_queue: int) -> None:
        self.pending = pending
        self.amendments = amendments
        self.longest_queue = longest_queue
        self._seen: dict[EventID, None] = {}
        self._holds = 0
        self._held: list[Callable[[], None]] = []

    @property
    def saved(self) -> bool:
        """Whether every message that was delivered is kept in the inbox, or done with."""
        return self.pending.saved and not self._holds

    def put(self, message: IncomingMessage, at_once: bool = False) -> None:
        """Take in a message that just came.

        Args:
            message: the message.
            at_once: it does not wait for its turn in its room.
        """
        if at_once:
            self._take(message, at_once)
        else:
            self._in_turn(partial(self._take, message))

    def edit(self, message: IncomingMessage) -> None:
        """Take in an edit of a message."""
        self._in_turn(partial(self.amendments.edit, message))

    def withdraw(self, room_id: RoomID, event_id: EventID) -> None:
        """Take in the redaction of a message."""
        self._in_turn(partial(self.amendments.withdraw, room_id, event_id))

    def hold(self) -> None:
        """Let messages wait: older ones are about to be read, and come before them."""
        self._holds += 1

    def release(self, older: Iterable[IncomingMessage]) -> None:
        """Take in older messages and edits, and then what waited for them.

        Args:
            older: what was read meanwhile, in its order; it may hold the others too.
        """
        self._holds -= 1
        for message in older:
            if message.replaces is not None:
                self.amendments.edit(message)
            else:
                self._take(message)
        waiting, self._held = self._held, []
        for deed in waiting:
            self._in_turn(deed)

    def resume(self, kept: PendingMessage) -> None:
        """Take up a message that an earlier life kept."""
        message = kept.message
        if not self._is_new(message.event_id):
            return
        if kept.state is State.SET_ASIDE:
            self.pending.aside[message.room_id][message.event_id] = kept
        else:
            self.pending.queue(kept)

    async def set_aside(self, room_id: RoomID, messages: list[IncomingMessage]) -> None:
        """Keep messages of a room that are too old to be answered unasked, and say so there."""
        messages = [message for message in messages if self._is_new(message.event_id)]
        if not messages:
            return
        await self.pending.set_aside(messages)
        text = (
            f"While I was away, {len(messages)} message{'s' * (len(messages) > 1)} came that I "
            "leave unanswered because of their age. `!retry` takes them up, `!cancel` gives them "
            "up."
        )
        say = partial(self.pending.sender.notice, room_id, text)
        self.pending.queues.put(room_id, partial(self.pending.boundary.run, say, room_id))

    def say_cut_off(self, message: IncomingMessage) -> None:
        """Say of an answer that its end was lost: nobody has it any more."""
        room_id = message.room_id
        say = partial(self.pending.sender.reply, room_id, CUT_OFF, message.event_id)
        self.pending.queues.put(room_id, partial(self.pending.boundary.run, say, room_id))

    def _in_turn(self, deed: Callable[[], None]) -> None:
        """Do something now, or when the older messages were taken in that come before it."""
        if self._holds:
            self._held.append(deed)
        else:
            deed()

    def _take(self, message: IncomingMessage, at_once: bool = False) -> None:
        if not self._is_new(message.event_id):
            return
        failpoint("received")
        if self.pending.waiting(message.sender) >= self.longest_queue and not at_once:
            text = (
                f"{self.longest_queue} of your messages wait for an answer. I set aside what you "
                "write until then; `!retry` takes it up."
            )
            self.pending.set_aside_with(message, text)
        else:
            self.pending.begin(message, at_once)

    def _is_new(self, event_id: EventID) -> bool:
        """Whether a message has not been seen yet; from now on it has."""
        if event_id in self._seen:
            return False
        self._seen[event_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        return True
