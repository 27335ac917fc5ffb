"""What people do to messages of theirs that are on their way: edit them, or take them back.

While a message waits, an edit of it counts instead. While it is answered, it is asked anew, into
the same events. An edit of one that was answered waits for its own turn: last_question.py. What
makes a command of a question counts nowhere: a command is sent, as a message of its own.
"""

from __future__ import annotations

from typing import Protocol

from mautrix.types import EventID, RoomID

from ..cache.pending_message import PendingMessage
from ..matrix.message_edits import makes_command
from ..message import IncomingMessage
from .amend import Amend
from .askings import Askings
from .notices import Notices


class Kinds(Protocol):
    """Whoever tells commands."""

    def is_command(self, text: str) -> bool:
        """Whether a text is one."""

    def ends_work(self, text: str) -> bool:
        """Whether it is one that ends answers."""


class Edits:
    """Applies edits and redactions to messages."""

    def __init__(self, amend: Amend, askings: Askings, notices: Notices, kinds: Kinds) -> None:
        """
        Args:
            amend: has the messages, and what takes back the answers to them.
            askings: ends the call to a platform, which is made again.
            notices: say of an edit that it does not count.
            kinds: tells commands.
        """
        self.kinds = kinds
        self._pending = amend.pending
        self._unfinished = amend.unfinished
        self._askings = askings
        self._notices = notices

    def edit(self, edit: IncomingMessage) -> bool:
        """Let an edit replace a message that waits or is being answered.

        Returns:
            Whether that is all; else it wants a turn of its own.
        """
        assert edit.replaces is not None
        found = self._find(edit.room_id, edit.replaces)
        if found is not None and found.asked.sender != edit.sender:
            found = None
        if makes_command(edit, None if found is None else found.asked, self.kinds.is_command):
            if found is not None:
                self._pending.spawn(self._notices.edit_is_no_command(edit))
            return True
        if found is None or not self._can_change(found):
            return not self._drop_earlier(edit)
        edited = found.asked.edited(edit)
        if edited is found.asked:
            return True
        if found.question is not None:
            found.question = edited
        else:
            found.message = edited
            self._pending.revise(found)
        self._askings.end(found)
        return True

    def redact(self, room_id: RoomID, event_id: EventID) -> None:
        """Drop a message that was taken back before it was answered, what came of its answer, and
        what would have it asked again; what finds its question when its turn comes sees by itself.

        Whoever takes back what is shown of an answer while it is written wants no more of it.
        """
        for one in (*self._pending.aside.in_room(room_id), *self._pending.open.values()):
            message, asked = one.message, one.asked.event_id
            if message.room_id != room_id or one.at_once:
                continue
            if not one.started and event_id in (message.event_id, message.replaces, asked):
                self._drop(one)
                # What an earlier run showed, or what broke off.
                self._unfinished.withdraw_later(room_id, one.standing)
            elif self._askings.is_asked(one):
                # An answer that is whole is another one than is asked for.
                shown = () if one.standing.is_whole else one.standing.events
                if event_id in (asked, *(event.event_id for event in shown)):
                    one.is_withdrawn = True
                    self._askings.end(one)
                else:
                    one.standing.lose(event_id)
            elif not one.started:
                # What an earlier run showed of the answer: the rest of it goes on beside that.
                one.standing.lose(event_id)

    def _can_change(self, found: PendingMessage) -> bool:
        """Whether nobody has done anything about a message, as an earlier run may have, or it is
        only asked yet; and nobody is about to end that."""
        if any(self._ends(one, found) for one in self._pending.open.values()):
            return False
        return (not found.started and found.answer is None) or self._askings.is_asked(found)

    def _ends(self, one: PendingMessage, found: PendingMessage) -> bool:
        """Whether something is a command that ends an answer in a message's room, and that was
        not carried out yet."""
        is_due = (
            one.at_once and one.answer is None and one.message.room_id == found.message.room_id
        )
        return is_due and self.kinds.ends_work(one.message.body)

    def _find(self, room_id: RoomID, event_id: EventID) -> PendingMessage | None:
        """The message, or what has it asked again, if it is in that room: anybody may name any
        event in a room of theirs."""
        found = self._pending.open.get(event_id) or self._pending.aside.get(event_id)
        if found is None:
            again = (one for one in self._pending.open.values() if one.asked.event_id == event_id)
            found = next(again, None)
        return found if found is not None and found.message.room_id == room_id else None

    def _drop_earlier(self, edit: IncomingMessage) -> bool:
        """Forget an earlier edit of the same message that waits for its turn or is set aside.

        Returns:
            Whether there is no later one, either.
        """
        waiting = [one for one in self._pending.open.values() if not one.started]
        of = (edit.room_id, edit.sender, edit.replaces)
        for one in (*waiting, *self._pending.aside.in_room(edit.room_id)):
            message = one.message
            if (message.room_id, message.sender, message.replaces) != of:
                continue
            if edit.order < message.order:
                return False
            self._drop(one)
        return True

    def _drop(self, one: PendingMessage) -> None:
        """Forget what waits or is set aside; its place is free at once."""
        self._pending.aside.pop(one.message.event_id)
        self._pending.let_go(one)
        self._pending.spawn(self._pending.complete(one))
