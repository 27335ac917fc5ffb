"""Takes up at a start what an earlier life left, and what was written since it ended.

Nothing that was answered before is answered again, whatever became of the database: the answers
that stand in a room say which messages they answer.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import EventID, RoomID, SyncToken

from ..cache.inbox import PendingMessage
from ..config.active import CurrentConfig
from ..handlers.messages import Messages
from ..matrix.backlog import Backlog, read_backlog
from ..matrix.retry import Backoff
from ..matrix.timeline import AnswerStatus, Timeline
from ..message import IncomingMessage, apply_edits


class Resume:
    """Goes on where an earlier life of the plugin ended."""

    def __init__(
        self,
        messages: Messages,
        timeline: Timeline,
        config: CurrentConfig,
        backoff: Backoff,
    ) -> None:
        """
        Args:
            messages: takes messages in.
            timeline: reads what a sync left out, and what was answered.
            config: says after which time a message is not answered unasked.
            backoff: the waits between two tries.
        """
        self.messages = messages
        self.inbound = messages.inbound
        self.timeline = timeline
        self.config = config
        self.backoff = backoff
        self.log = messages.log

    async def resume(
        self, kept: Iterable[PendingMessage], sync: dict[str, Any], since: SyncToken
    ) -> None:
        """Take up what an earlier life left, and what was written since it ended.

        Args:
            kept: what the inbox holds.
            sync: what happened since the earlier life's last token, if there was one.
            since: that token.

        Raises:
            NoAnswer: the homeserver did not answer; nothing was taken up.
        """
        backlog = Backlog([], frozenset())
        if since:
            backlog = await read_backlog(sync, since, self.timeline, self.log)
        kept = await self._as_left(kept, backlog)
        known = {one.message.event_id for one in kept}
        fresh = self._wanted(backlog)
        pending = [
            *kept,
            *(PendingMessage(one) for one in fresh if one.event_id not in known),
        ]
        standing = await self._answers(pending)
        open_cases = []
        for one in pending:
            answer = standing[one.message.event_id]
            if not answer.whole and (one.answer is not None or not answer.messages):
                open_cases.append(attr.evolve(one, sent=answer.messages))
                continue
            await self.inbound.pending.inbox.remove(one.message.event_id)
            if not answer.whole:
                self.inbound.say_cut_off(one.message)
        await self._requeue(open_cases, {one.event_id for one in fresh} - known)

    async def _as_left(
        self, kept: Iterable[PendingMessage], backlog: Backlog
    ) -> list[PendingMessage]:
        """What the inbox holds, as its writers left it while nobody was there."""
        standing = {one.message.event_id: one for one in kept}
        for edit in backlog.messages:
            one = standing.get(edit.replaces) if edit.replaces else None
            if one is not None and one.answer is None:
                one = attr.evolve(one, message=one.message.edited(edit))
                standing[one.message.event_id] = one
                await self.inbound.pending.inbox.put([one.message], one.state)
        for event_id in standing.keys() & backlog.withdrawn:
            del standing[event_id]
            await self.inbound.pending.inbox.remove(event_id)
        return list(standing.values())

    def _wanted(self, backlog: Backlog) -> list[IncomingMessage]:
        """The messages that want an answer, each as its last edit left it."""
        wanted = apply_edits(
            one for one in backlog.messages if one.replaces or self.messages.wants_answer(one)
        )
        return [one for one in wanted if one.event_id not in backlog.withdrawn]

    async def _answers(self, pending: Iterable[PendingMessage]) -> dict[EventID, AnswerStatus]:
        rooms: dict[RoomID, set[EventID]] = defaultdict(set)
        for one in pending:
            rooms[one.message.room_id].add(one.message.event_id)
        standing: dict[EventID, AnswerStatus] = {}
        for room_id, questions in rooms.items():
            try:
                standing |= await self.timeline.answers(room_id, questions)
            except MatrixRequestError as error:
                # Nothing can be said there any more, so nothing is to be answered.
                self.log.warning("Messages in %s are left: %s", room_id, error)
                standing |= dict.fromkeys(questions, AnswerStatus(whole=True))
        return standing

    async def _requeue(self, pending: list[PendingMessage], fresh: set[Any]) -> None:
        oldest = (time.time() - self.config.settings.catch_up_max_age * 3600) * 1000
        late: dict[RoomID, list[IncomingMessage]] = defaultdict(list)
        for one in pending:
            message = one.message
            if message.event_id not in fresh:
                self.inbound.resume(one)
            elif message.sent_at >= oldest:
                self.messages.put(message)
            else:
                late[message.room_id].append(message)
        for room_id, messages in late.items():
            await self.inbound.set_aside(room_id, messages)
