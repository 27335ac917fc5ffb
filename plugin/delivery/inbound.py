"""Where messages come in: each is taken in once, in the order of its room, however it comes.

Each room has a gate. While older messages of a room are being read, what is delivered meanwhile
waits before it, for as long as that room takes; every other room goes on. Nobody answers here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from mautrix.types import RoomID

from ..cache.pending_message import PendingMessage, State
from ..matrix.message_edits import last_edit
from ..matrix.stop_sign import StopSign
from ..message import IncomingMessage
from ..topology.standing_answer import StandingAnswer
from .amend import Amend
from .edits import Edits
from .floods import Floods
from .gates import Action, Gates, Redaction
from .notices import Notices
from .seen_messages import SeenMessages
from .stopping import Stopping


class Inbound:
    """Takes messages, edits, redactions and stop signs in."""

    def __init__(self, amend: Amend, edits: Edits, stopping: Stopping, notices: Notices) -> None:
        """
        Args:
            amend: has the messages that wait for their turn, and drops those that were given up.
            edits: applies edits and redactions to them.
            stopping: ends answers.
            notices: tells people of what is set aside.
        """
        self.amend = amend
        self.pending = amend.pending
        self.edits = edits
        self.stopping = stopping
        self.notices = notices
        self._seen = SeenMessages()
        self._gates = Gates(self.pending.longest_queue, edits.kinds.is_command)
        self._decrypting = 0
        self._floods = Floods(self.pending, notices)

    @property
    def saved(self) -> bool:
        """Whether every message that was delivered is kept in the inbox, or done with."""
        return self.pending.saved and not self._gates.anything_waits and not self._decrypting

    @contextlib.contextmanager
    def decrypting(self) -> Iterator[None]:
        """While in here, a message was delivered that nobody could read yet."""
        self._decrypting += 1
        try:
            yield
        finally:
            self._decrypting -= 1

    def receive(self, action: Action) -> None:
        """Take in what was just delivered, or let it wait for the older messages of its room."""
        gates = self._gates
        if isinstance(action, StopSign) and self.stopping.stop_shown(action):
            # What is answered already has nothing to wait for.
            return
        # As long as no gate is closed there is nothing to ask.
        if not (gates.closed or gates.all_closed) or not gates.is_closed(action.room_id):
            self.take(action)
        elif not gates.hold(action, self.amend.given_up(action.room_id)):
            self._take_beyond(action)

    def receive_urgent(self, message: IncomingMessage) -> PendingMessage | None:
        """Take in a message that waits neither for its turn nor for older ones.

        Returns:
            The message, for whoever answers it; None if it was taken in before.
        """
        if not self._seen.add(message.event_id):
            return None
        return self.pending.accept_urgent(message)

    def take_kept_urgent(self, pending: PendingMessage) -> bool:
        """Take up a message that an earlier run kept and that does not wait for its turn.

        Returns:
            Whether it was not taken in before.
        """
        if is_new := self._seen.add(pending.message.event_id):
            pending.at_once = True
            self.pending.add(pending)
        return is_new

    def pause(self, room_id: RoomID) -> None:
        """Let what is delivered in a room wait: older messages of it are about to be read."""
        self._gates.close(room_id)

    def resume(self, room_id: RoomID) -> None:
        """Take in what waited for the older messages of a room: all of those were taken in."""
        self._take_held(self._gates.open(room_id))

    def cancel(self, message: IncomingMessage) -> None:
        """Give up what was written in a room before this message and is still being read."""
        if self._gates.is_closed(message.room_id):
            self.amend.cancelled[message.room_id] = message

    def pause_all(self) -> None:
        """Let everything wait while it is not known yet which rooms have older messages."""
        self._gates.close_all()

    def resume_all(self) -> list[RoomID]:
        """Open the gate of every room that is not paused by itself.

        Returns:
            The rooms in which something waited.
        """
        held = self._gates.open_all()
        self._take_held(action for actions in held.values() for action in actions)
        return list(held)

    def take_kept(self, pending: PendingMessage) -> None:
        """Take up a message that an earlier run kept in the inbox."""
        message = pending.message
        if not self._seen.add(message.event_id):
            return
        if pending.state is State.SET_ASIDE:
            pending.is_left_over = True
            self.pending.restore_aside(pending)
        else:
            self.pending.add(pending)

    def set_aside(self, message: IncomingMessage, standing: StandingAnswer) -> bool:
        """Let a message that is too old to be answered unasked wait for its writer.

        Args:
            message: the message.
            standing: what stands of the answer to it.

        Returns:
            Whether it is new.
        """
        if is_new := self._seen.add(message.event_id):
            self.pending.set_aside(PendingMessage(message, standing=standing))
        return is_new

    def _take_held(self, actions: Iterable[Action]) -> None:
        for action in actions:
            given_up = self.amend.given_up(action.room_id)
            if isinstance(action, IncomingMessage) and action.sent_at > given_up:
                # It may be an edit of what was given up.
                self._drop_cancelled()
            self.take(action)
        self._drop_cancelled()

    def _drop_cancelled(self) -> None:
        for room_id in list(self.amend.cancelled):
            if not self._gates.is_closed(room_id):
                self.amend.drop_cancelled(room_id)

    def take(self, action: Action, standing: StandingAnswer | None = None) -> None:
        """Take in one of the older messages of a room, ahead of what waits for them.

        Args:
            action: what was done.
            standing: what stands of the answer to it.
        """
        if isinstance(action, Redaction):
            self.edits.redact(action.room_id, action.event_id)
            return
        if isinstance(action, StopSign):
            self.stopping.stop_shown(action)
            return
        pending = PendingMessage(action, standing=standing or StandingAnswer())
        if action.replaces is not None:
            self._take_edit(pending)
        elif self._seen.add(action.event_id):
            saving = self.pending.accept(pending)
            if saving is not None or self._floods.told:
                self._floods.note(action, saving)
        elif (edit := last_edit(action)) is not None:
            # It was read as it had been before it was edited at the gate.
            self._take_edit(PendingMessage(edit))

    def _take_edit(self, pending: PendingMessage) -> None:
        edit = pending.message
        # First: delivered twice, it would take itself for an earlier edit, and drop that.
        if not self._seen.add(edit.event_id) or self.edits.edit(edit):
            return
        # Where too many wait, an edit of what was answered already changes the history alone.
        if not self.pending.is_full(edit.sender):
            self.pending.accept(pending)

    def _take_beyond(self, action: Action) -> None:
        """Take in a message for which no place is left before the gate of its room."""
        if not isinstance(action, IncomingMessage) or action.replaces is not None:
            return
        if self._seen.add(action.event_id):
            self._floods.note(action, self.pending.set_aside(PendingMessage(action)))
