"""Takes in what maubot does not deliver: what was written while the plugin was away, or too fast.

maubot throws its first sync away, and that one answers only when something happens; of a timeline
that is too long it delivers the end. So what came since the token before is read here, each room
by itself: a room that cannot be read waits alone, behind its own gate, until it can. Each message
is taken in once, whichever way it comes first.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attr
from maubot.handlers import event
from mautrix.client import InternalEventType
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, SyncToken, UserID

from ..cache.inbox import PendingMessage
from ..config.permissions import Level
from ..delivery.inbound import Redaction
from ..handlers.invitations import Invitations
from ..matrix.backlog import Backlog, is_limited, read_backlog, timeline_events
from ..matrix.sync import invitations_in, rooms_in, scope_of
from ..matrix.until_answered import Attempts
from ..reconciler.loop import Reconciler
from .resume import Resume


@attr.frozen
class RoomReading:
    """What is to be read of one room before its newer messages are taken in.

    Attributes:
        room_id: the room.
        part: what a sync says of it.
        since: the token that the sync was asked with.
        kept: what the inbox holds of the room; None unless the plugin starts just now.
    """

    room_id: RoomID
    part: Mapping[str, Any]
    since: SyncToken | None
    kept: Sequence[PendingMessage] | None = None


class CatchUp:
    """Reads older messages, and hands them on ahead of the live ones."""

    def __init__(self, resume: Resume, invitations: Invitations, reconciler: Reconciler) -> None:
        """
        Args:
            resume: takes up what an earlier run left in a room.
            invitations: answers invitations.
            reconciler: asked to look where the topology changed.
        """
        self.resume_messages = resume
        self.messages = resume.messages
        self.inbound = resume.messages.inbound
        self.control_room = resume.messages.control_room
        self.timeline = resume.timeline
        self.invitations = invitations
        self.reconciler = reconciler
        self.reader = reconciler.reader
        self.backoff = reconciler.timing.backoff
        self.log = reconciler.log
        self._token = SyncToken("")
        self._readings: dict[RoomID, asyncio.Task[None]] = {}
        # Those of them that hold up the sync token: nobody must miss what is in there.
        self._wanted: set[asyncio.Task[None]] = set()
        self._syncs: set[asyncio.Task[None]] = set()

    @property
    def behind(self) -> bool:
        """Whether messages that want an answer may still be unread, or are not kept yet."""
        return bool(self._syncs or self._wanted)

    def resume(
        self, kept: Sequence[PendingMessage], sync: Mapping[str, Any], since: SyncToken | None
    ) -> None:
        """Begin to take up what an earlier run left and what was written since it ended, room by
        room; the gates of those rooms are closed when this returns.

        Args:
            kept: what the inbox holds, in its order.
            sync: what happened since the earlier run's last token, if there was one.
            since: that token.
        """
        parts = dict(rooms_in(dict(sync), "join"))
        kept_of: dict[RoomID, list[PendingMessage]] = defaultdict(list)
        for one in kept:
            kept_of[one.message.room_id].append(one)
        for room_id in sorted({*parts, *kept_of}):
            part = parts.get(room_id, {})
            self._start(RoomReading(room_id, part, since, tuple(kept_of.get(room_id, ()))))

    async def close_gap(self, token: SyncToken) -> None:
        """Take in what happened between a token and the registration of the handlers.

        Args:
            token: up to which everything was seen before.
        """
        self._token = token
        await self._catch_up_from(token)

    @event.on(InternalEventType.SYNC_SUCCESSFUL)
    async def follow(self, happened: dict[str, Any]) -> None:
        """Read again what maubot is about to throw away or got in part only: the first sync, and
        timelines that were too long for one."""
        sync = happened["data"]
        before, self._token = self._token, SyncToken(sync.get("next_batch") or self._token)
        which = sync.get("net.maunium.mautrix", {})
        limited = any(is_limited(part) for _, part in rooms_in(sync, "join"))
        # maubot throws away its first sync, and the one after its cache was cleared.
        if before and (which.get("is_first") or which.get("is_initial") or limited):
            await self._catch_up_from(before)

    async def wait(self, most: float) -> None:
        """Wait until what is read is read, for so many seconds at most."""
        if self._wanted:
            await asyncio.wait(self._wanted, timeout=most)

    async def close(self) -> None:
        """End whatever is being read."""
        tasks = [*self._syncs, *self._readings.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _catch_up_from(self, token: SyncToken) -> None:
        # What is delivered meanwhile comes after what is read here, and it is not known yet in
        # which rooms that is.
        self.inbound.pause_all()
        task = asyncio.create_task(self._read_sync(token))
        self._syncs.add(task)
        task.add_done_callback(self._syncs.discard)
        await asyncio.wait({task})

    async def _read_sync(self, token: SyncToken) -> None:
        try:
            async for attempt in Attempts(self.backoff, self.log):
                with attempt:
                    sync = await self.reader.since(token)
        except MatrixRequestError as error:
            self.log.warning("What was written meanwhile could not be read: %s", error)
        else:
            self._take_in(sync, token)
        for room_id in self.inbound.resume_all():
            self.messages.serve(room_id)

    def _take_in(self, sync: dict[str, Any], token: SyncToken) -> None:
        bot = self.reader.identity.bot
        if scope := scope_of(sync, self.reconciler.routes, bot):
            self.reconciler.mark(scope)
        for invitation in invitations_in(sync, bot):
            self.invitations.answer(invitation)
        for room_id, part in rooms_in(sync, "join"):
            self._start(RoomReading(room_id, part, token))

    def _start(self, reading: RoomReading) -> None:
        room_id = reading.room_id
        events = timeline_events(reading.part)
        if not (events or reading.kept):
            return
        self.inbound.pause(room_id)
        task = asyncio.create_task(self._read(reading, self._readings.get(room_id)))
        self._readings[room_id] = task
        if reading.kept or self._is_ours(room_id) or any(map(self._may_want_answer, events)):
            self._wanted.add(task)
        task.add_done_callback(partial(self._forget, room_id))

    def _forget(self, room_id: RoomID, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._wanted.discard(task)
        if self._readings.get(room_id) is task:
            del self._readings[room_id]

    async def _read(self, reading: RoomReading, before: asyncio.Task[None] | None) -> None:
        """Read one room, for however long it takes."""
        if before is not None:
            # One after the other: what a later one reads was written later.
            await asyncio.wait({before})
        async for attempt in Attempts(self.backoff, self.log):
            with attempt:
                await self._take_room(reading)
        self.inbound.resume(reading.room_id)
        self.messages.serve(reading.room_id)

    async def _take_room(self, reading: RoomReading) -> None:
        room_id = reading.room_id
        in_group = await self._is_group(reading)
        backlog = await self._read_backlog(reading, page=not in_group)
        if reading.kept is not None:
            await self.resume_messages.room(room_id, reading.kept, backlog, in_group)
            return
        for message in backlog.messages:
            if message.event_id not in backlog.redacted and self.messages.wants_answer(message):
                self.inbound.take(message)
        for event_id in backlog.redacted:
            self.inbound.take(Redaction(room_id, event_id))

    async def _read_backlog(self, reading: RoomReading, page: bool) -> Backlog:
        room_id, part = reading.room_id, reading.part
        try:
            return await read_backlog(
                room_id, part, reading.since if page else None, self.timeline
            )
        except MatrixRequestError as error:
            self.log.warning("Older messages in %s cannot be read: %s", room_id, error)
            return await read_backlog(room_id, part, None, self.timeline)

    async def _is_group(self, reading: RoomReading) -> bool:
        """Whether a room is nobody's chat or control room. The timeline of such a one is not
        paged, for it may be of any length; what is said there while the plugin is away needs no
        look at what was answered, since a reply sent twice with one transaction id is one."""
        room_id = reading.room_id
        if reading.kept or self._is_ours(room_id):
            return False
        if room_id in self.reconciler.routes.elsewhere:
            return True
        wanted = map(self._may_want_answer, timeline_events(reading.part))
        if not (is_limited(reading.part) or any(wanted)):
            return True
        return await self.control_room.is_group(room_id)

    def _may_want_answer(self, event: Mapping[str, Any]) -> bool:
        """Whether somebody who may use the bot wrote this, in a room that is nobody's chat."""
        written = event.get("type") in ("m.room.message", "m.room.encrypted")
        sender, config = event.get("sender"), self.messages.config
        if not (written and isinstance(sender, str)) or sender == config.bot:
            return False
        return config.level_of(UserID(sender)) >= Level.USER

    def _is_ours(self, room_id: RoomID) -> bool:
        return self.reconciler.routes.lookup(room_id) is not None
