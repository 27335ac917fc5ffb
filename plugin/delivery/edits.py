"""What people do to messages of theirs that are on their way: edit them, or take them back.

While a message waits, an edit of it counts instead. While it is answered, it is asked anew, into
the same events. An edit of one that was answered waits for its own turn: last_question.py. What
makes a command of a question counts nowhere: a command is sent, as a message of its own.
"""

from __future__ import annotations

from mautrix.types import EventID, RoomID

from ..cache.pending_message import PendingMessage
from ..message import IncomingMessage
from ..message_edits import IsCommand, makes_command
from .askings import Askings
from .notices import Notices
from .pending import PendingMessages


class Edits:
    """Applies edits and redactions to messages."""

    def __init__(
        self, pending: PendingMessages, askings: Askings, notices: Notices, is_command: IsCommand
    ) -> None:
        """
        Args:
            pending: the messages.
            askings: ends the call to a platform, which is made again.
            notices: say of an edit that it does not count.
            is_command: whether a text is a command.
        """
        self.is_command = is_command
        self._pending = pending
        self._askings = askings
        self._notices = notices

    def edit(self, edit: IncomingMessage) -> bool:
        """Let an edit replace a message that waits or is being answered.

        Returns:
            Whether that is all; else it wants a turn of its own.
        """
        assert edit.replaces is not None
        found = self._find(edit.room_id, edit.replaces)
        asked = None if found is None else found.asked
        if makes_command(edit, asked, self.is_command):
            if asked is not None:
                self._pending.spawn(self._notices.edit_is_no_command(edit))
            return True
        if found is None or not (self._waits(found) or self._askings.is_asked(found)):
            self._drop_earlier(edit)
            return False
        if found.question is not None:
            found.question = found.question.edited(edit)
        else:
            found.message = found.message.edited(edit)
            self._pending.revise(found)
        self._askings.end(found)
        return True

    def redact(self, room_id: RoomID, event_id: EventID) -> None:
        """Drop a message that was taken back before it was answered, and what came of its
        answer."""
        found = self._find(room_id, event_id)
        if found is None:
            return
        if not found.started:
            self._pending.aside.pop(event_id)
            self._pending.spawn(self._pending.complete(found))
        elif found.asked.event_id == event_id and self._askings.is_asked(found):
            found.is_withdrawn = True
            self._askings.end(found)

    def _waits(self, found: PendingMessage) -> bool:
        """Whether nobody has done anything about a message; an earlier run may have."""
        return not found.started and found.answer is None

    def _find(self, room_id: RoomID, event_id: EventID) -> PendingMessage | None:
        """The message, or what has it asked again, if it is in that room: anybody may name any
        event in a room of theirs."""
        found = self._pending.open.get(event_id) or self._pending.aside.get(event_id)
        if found is None:
            again = (one for one in self._pending.open.values() if one.asked.event_id == event_id)
            found = next(again, None)
        return found if found is not None and found.message.room_id == room_id else None

    def _drop_earlier(self, edit: IncomingMessage) -> None:
        """Forget an earlier edit of the same message that waits for its turn or is set aside."""
        waiting = [one for one in self._pending.open.values() if not one.started]
        for one in (*waiting, *self._pending.aside.in_room(edit.room_id)):
            if one.message.replaces == edit.replaces and one.message.room_id == edit.room_id:
                self._pending.aside.pop(one.message.event_id)
                self._pending.spawn(self._pending.complete(one))
