"""Takes up in one room what an earlier run left there, and what was written since it ended.

Nothing that was answered before is answered again, whatever became of the database: the answers
that stand in a room say which messages they answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import EventID, RoomID

from ..cache.pending_message import PendingMessage, State
from ..commands.dispatch import CANCEL
from ..config.active import CurrentConfig
from ..delivery.endings import CUT_OFF, STOPPED
from ..handlers.encrypted import EncryptedMessages
from ..handlers.messages import Messages
from ..matrix.answer_status import AnswerStatus
from ..matrix.backlog import Backlog
from ..matrix.message_edits import counting
from ..matrix.timeline import Timeline
from ..message import IncomingMessage
from .unanswered import Unanswered, asked_of, still_asked, without_given_up


@attr.frozen(eq=False)
class Resume:
    """Goes on, room by room, where an earlier run ended.

    Attributes:
        messages: answers them.
        encrypted: says where they cannot be read.
        timeline: tells what was answered.
        config: says how old a message may be that is answered unasked.
    """

    messages: Messages
    encrypted: EncryptedMessages
    timeline: Timeline
    config: CurrentConfig

    async def room(
        self,
        room_id: RoomID,
        kept: Sequence[PendingMessage],
        backlog: Backlog,
        in_group: bool = False,
    ) -> None:
        """Take up what is unanswered in a room; its gate is closed meanwhile.

        Args:
            room_id: the room.
            kept: what the inbox holds of it, in its order.
            backlog: what was written since the earlier run ended.
            in_group: the room is a group, in which it is not looked for what was answered.

        Raises:
            NoAnswer: the homeserver did not answer; nothing was taken up.
        """
        left_out = {one.message.event_id for one in kept} | backlog.redacted
        written, ends = self._wanted(kept, backlog), self.messages.commands.ends_work
        wanted = Unanswered.of(written, left_out, kept, ends)
        # What is set aside is looked up when its writer asks for it, so that none slows a start.
        waiting = (one.message.event_id for one in kept if one.state is not State.SET_ASIDE)
        new = (one.event_id for one in wanted.messages)
        questions = list(dict.fromkeys([*waiting, *new, *backlog.taken_back]))
        statuses = dict.fromkeys(questions, AnswerStatus())
        if not in_group:
            left = [*(one.message for one in kept), *wanted.messages]
            # What was taken back may have been an edit.
            edits = bool(backlog.taken_back) or any(one.replaces for one in left)
            statuses = await self._answers(room_id, questions, edits)
        late = await self._take_all_kept(kept, backlog, statuses, wanted)
        for event_id in backlog.taken_back:
            standing = statuses[event_id].standing
            self.messages.responder.unfinished.withdraw_later(room_id, standing)
        new_messages = wanted.select(statuses, still_asked(kept, statuses))
        self._take_new(room_id, new_messages, statuses, late)
        if backlog.sealed is not None:
            # A key may come yet: nobody waits for that.
            self.messages.pending.spawn(self.encrypted.read(backlog.sealed))

    async def _take_all_kept(
        self,
        kept: Sequence[PendingMessage],
        backlog: Backlog,
        statuses: Mapping[EventID, AnswerStatus],
        written: Unanswered,
    ) -> int:
        """Take up what an earlier run kept; how many of it was set aside for its age."""
        late, unfinished = 0, self.messages.responder.unfinished
        recognize = self.messages.commands.recognize
        cancels = [one for one in kept if recognize(one.message.body) == CANCEL]
        remaining = without_given_up(kept, cancels)
        for one in kept:
            status = statuses.get(one.message.event_id, AnswerStatus())
            theirs = {one.message.event_id, one.message.replaces}
            if one.state is State.GIVEN_UP or theirs & backlog.redacted:
                if one.message.event_id not in backlog.taken_back:
                    unfinished.end_later(asked_of(one.message, status), status.standing)
                if one in remaining:
                    await self.messages.pending.complete(one)
            else:
                late += await self._take_kept(one, written, status)
        return late

    def _wanted(self, kept: Sequence[PendingMessage], backlog: Backlog) -> list[IncomingMessage]:
        wanted = (one for one in backlog.messages if self.messages.wants_answer(one))
        return counting(wanted, self.messages.commands.is_command, (one.message for one in kept))

    async def _answers(
        self, room_id: RoomID, questions: Sequence[EventID], edits: bool
    ) -> dict[EventID, AnswerStatus]:
        if not questions:
            return {}
        chat = self.messages.routes.lookup(room_id)
        # Guests may have written any amount in somebody's chat.
        senders = () if chat is None else (chat.owner,)
        try:
            return await self.timeline.answers(room_id, questions, senders, edits)
        except MatrixRequestError as error:
            # Nothing can be said there any more, so nothing is to be answered.
            self.messages.boundary.log.warning("Messages in %s are left: %s", room_id, error)
            return dict.fromkeys(questions, AnswerStatus(settled=True))

    async def _take_kept(
        self, one: PendingMessage, written: Unanswered, status: AnswerStatus
    ) -> bool:
        """Take up what an earlier run kept; whether it was set aside for its age."""
        pending = self.messages.pending
        # What came of one that was stopped is still to be said.
        done = status.whole and not (status.stopped and one.answer and status.standing.is_open)
        if done or (status.is_cut_notice and one.answer is None):
            await pending.complete(one)
            self._end(one.message, status)
            if not status.whole:
                self.messages.notices.answer_cut_off(one.message)
            return False
        edited = written.edited(one.message) if one.answer is None else one.message
        if edited != one.message:
            one.message = edited
            pending.revise(one)
        one.standing, one.sent = status.standing, status.notices
        waits = one.state is State.WAITING and one.answer is None
        if waits and self._is_late(one.message):
            return self._set_aside(one.message, status)
        self.messages.take_kept(one)
        return False

    def _end(self, message: IncomingMessage, status: AnswerStatus) -> None:
        """Where the notice stands that ends an answer, what it ends may look as if it went on."""
        ending = STOPPED if status.stopped else CUT_OFF
        if status.settled:
            asked = asked_of(message, status)
            self.messages.responder.unfinished.end_later(asked, status.standing, ending)

    def _is_late(self, message: IncomingMessage) -> bool:
        """Whether a message is too old to be answered unasked."""
        hours = self.config.settings.catch_up_max_age
        return message.sent_at < (time.time() - hours * 3600) * 1000

    def _set_aside(self, message: IncomingMessage, status: AnswerStatus) -> bool:
        """Set a message aside for its age; whether that is new."""
        standing = status.standing
        self.messages.responder.unfinished.end_later(asked_of(message, status), standing)
        return self.messages.inbound.set_aside(message, standing)

    def _take_new(
        self,
        room_id: RoomID,
        messages: Iterable[IncomingMessage],
        statuses: Mapping[EventID, AnswerStatus],
        late_before: int,
    ) -> None:
        """Take in what was written since the earlier run ended; say how much of all is late."""
        unanswered = []
        for message in messages:
            status = statuses[message.event_id]
            if status.is_cut_notice:
                self.messages.notices.answer_cut_off(message)
            elif not status.whole:
                unanswered.append((message, status))
            else:
                self._end(message, status)
        late = [self._set_aside(*one) for one in unanswered if self._is_late(one[0])]
        if count := sum(late) + late_before:
            self.messages.notices.too_old(room_id, count, self.messages.pending.aside.hours)
        for message, status in unanswered:
            if not self._is_late(message) and not self.messages.answer_urgent(message):
                self.messages.inbound.take(message, status.standing)
