"""Takes up in one room what an earlier run left there, and what was written since it ended.

Nothing that was answered before is answered again, whatever became of the database: the answers
that stand in a room say which messages they answer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import EventID, RoomID

from ..cache.inbox import PendingMessage, State
from ..config.active import CurrentConfig
from ..handlers.encrypted import EncryptedMessages
from ..handlers.messages import Messages
from ..matrix.backlog import Backlog
from ..matrix.timeline import AnswerStatus, Timeline
from ..message import IncomingMessage, apply_edits


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
        known = {one.message.event_id for one in kept}
        new = [one for one in self._wanted(backlog) if one.event_id not in known]
        # What is set aside is looked up when its writer asks for it, so that none slows a start.
        waiting = (one.message.event_id for one in kept if one.state is not State.SET_ASIDE)
        questions = [*waiting, *(one.event_id for one in new)]
        statuses = dict.fromkeys(questions, AnswerStatus())
        if not in_group:
            statuses = await self._answers(room_id, questions)
        late = 0
        for one in self._without_given_up(kept):
            if one.state is State.GIVEN_UP or one.message.event_id in backlog.redacted:
                await self.messages.pending.complete(one)
            else:
                status = statuses.get(one.message.event_id, AnswerStatus())
                late += await self._take_kept(one, backlog, status)
        unanswered = []
        for message in new:
            status = statuses[message.event_id]
            if not status.messages and not status.whole:
                unanswered.append(message)
            elif not status.whole:
                self.messages.notices.answer_cut_off(message)
        self._take_new(room_id, unanswered, late)
        if backlog.sealed is not None:
            # A key may come yet: nobody waits for that.
            self.messages.pending.spawn(self.encrypted.read(backlog.sealed))

    def _without_given_up(self, kept: Sequence[PendingMessage]) -> Sequence[PendingMessage]:
        """What is to be taken up; the rest leaves the inbox with the command that gave it up."""
        given_up = tuple(one.message.event_id for one in kept if one.state is State.GIVEN_UP)
        ending = [one for one in kept if self.messages.commands.ends_answers(one.message.body)]
        for one in ending:
            one.settles = given_up
        if not ending:
            return kept
        return [one for one in kept if one.state is not State.GIVEN_UP]

    def _wanted(self, backlog: Backlog) -> list[IncomingMessage]:
        """The messages that want an answer, each as its last edit left it."""
        wanted = [
            one for one in backlog.messages if one.replaces or self.messages.wants_answer(one)
        ]
        return [one for one in apply_edits(wanted) if one.event_id not in backlog.redacted]

    async def _answers(
        self, room_id: RoomID, questions: Sequence[EventID]
    ) -> dict[EventID, AnswerStatus]:
        if not questions:
            return {}
        chat = self.messages.routes.lookup(room_id)
        # Guests may have written any amount in somebody's chat.
        senders = () if chat is None else (chat.owner,)
        try:
            return await self.timeline.answers(room_id, questions, senders)
        except MatrixRequestError as error:
            # Nothing can be said there any more, so nothing is to be answered.
            self.messages.boundary.log.warning("Messages in %s are left: %s", room_id, error)
            return dict.fromkeys(questions, AnswerStatus(whole=True))

    async def _take_kept(
        self, one: PendingMessage, backlog: Backlog, status: AnswerStatus
    ) -> bool:
        """Take up what an earlier run kept; whether it was set aside for its age."""
        pending = self.messages.pending
        if status.whole or (status.messages and one.answer is None):
            await pending.complete(one)
            if not status.whole:
                self.messages.notices.answer_cut_off(one.message)
            return False
        edited = one.message
        for edit in backlog.messages:
            if edit.replaces == edited.event_id and one.answer is None:
                edited = edited.edited(edit)
        if edited != one.message:
            one.message = edited
            pending.revise(one)
        one.sent = status.messages
        waits = one.state is State.WAITING and one.answer is None
        if waits and self._is_late(one.message):
            return bool(self.messages.inbound.set_aside([one.message]))
        self.messages.take_kept(one)
        return False

    def _is_late(self, message: IncomingMessage) -> bool:
        """Whether a message is too old to be answered unasked."""
        hours = self.config.settings.catch_up_max_age
        return message.sent_at < (time.time() - hours * 3600) * 1000

    def _take_new(
        self, room_id: RoomID, messages: Sequence[IncomingMessage], late_before: int
    ) -> None:
        inbound = self.messages.inbound
        late = inbound.set_aside([one for one in messages if self._is_late(one)]) + late_before
        if late:
            self.messages.notices.too_old(room_id, late, self.messages.pending.aside.hours)
        for message in messages:
            if not self._is_late(message) and not self.messages.answer_urgent(message):
                inbound.take(message)
