"""Reads one room at a time what was written in it before, ahead of what is delivered meanwhile.

A room that cannot be read waits alone, behind its own gate, and is tried again by itself; what
was read stays in its order. Whose older messages are missing, is for catch_up.py to know.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, SyncToken, UserID

from ..cache.pending_message import PendingMessage
from ..config.permissions import Level
from ..delivery.gates import Redaction
from ..matrix.backlog import Backlog, is_limited, read_backlog, timeline_events
from ..matrix.retry import Backoff
from ..matrix.room_pages import Stretch
from ..matrix.until_answered import Attempts
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


class RoomReadings:
    """The readings that go on, at most one at a time in each room."""

    def __init__(self, resume: Resume, backoff: Backoff, log: logging.Logger) -> None:
        """
        Args:
            resume: takes up what an earlier run left in a room.
            backoff: the waits before a room is tried again.
            log: told of rooms that cannot be read.
        """
        self.resume = resume
        self.messages = resume.messages
        self.inbound = resume.messages.inbound
        self.control_room = resume.messages.control_room
        self.routes = resume.messages.routes
        self.timeline = resume.timeline
        self.backoff = backoff
        self.log = log
        self._tasks: dict[RoomID, asyncio.Task[None]] = {}
        # Those of them that hold up the sync token: nobody must miss what is in there.
        self._wanted: set[asyncio.Task[None]] = set()

    @property
    def behind(self) -> bool:
        """Whether messages that want an answer may still be unread, or are not kept yet."""
        return bool(self._wanted)

    async def wait(self, most: float) -> None:
        """Wait until what is read is read, for so many seconds at most."""
        if self._wanted:
            await asyncio.wait(self._wanted, timeout=most)

    async def close(self) -> None:
        """End whatever is being read."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def start(self, reading: RoomReading) -> None:
        """Begin to read a room, whose gate is closed when this returns."""
        room_id = reading.room_id
        events = timeline_events(reading.part)
        if not (events or reading.kept):
            return
        self.inbound.pause(room_id)
        task = asyncio.create_task(self._read(reading, self._tasks.get(room_id)))
        self._tasks[room_id] = task
        if reading.kept or self._is_ours(room_id) or any(map(self._may_want_answer, events)):
            self._wanted.add(task)
        task.add_done_callback(partial(self._forget, room_id))

    def _forget(self, room_id: RoomID, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._wanted.discard(task)
        if self._tasks.get(room_id) is task:
            del self._tasks[room_id]

    async def _read(self, reading: RoomReading, before: asyncio.Task[None] | None) -> None:
        """Read one room, for however long it takes."""
        if before is not None:
            # One after the other: what a later one reads was written later.
            await asyncio.wait({before})
        try:
            async for attempt in Attempts(self.backoff, self.log):
                with attempt:
                    await self._take_room(reading)
        except MatrixRequestError as error:
            # The bot may not look into the room any more, so nobody there waits for it.
            self.log.warning("%s cannot be read: %s", reading.room_id, error)
        self.inbound.resume(reading.room_id)
        self.messages.serve(reading.room_id)

    async def _take_room(self, reading: RoomReading) -> None:
        room_id = reading.room_id
        in_group = await self._is_group(reading)
        backlog = await self._read_backlog(reading, page=not in_group)
        if reading.kept is not None:
            await self.resume.room(room_id, reading.kept, backlog, in_group)
        else:
            self._take_in(room_id, backlog)
        for sign in backlog.stop_signs:
            self.inbound.take(sign)

    def _take_in(self, room_id: RoomID, backlog: Backlog) -> None:
        for message in backlog.messages:
            if message.event_id in backlog.redacted or not self.messages.wants_answer(message):
                continue
            if not self.messages.answer_urgent(message):
                self.inbound.take(message)
        for event_id in backlog.redacted:
            self.inbound.take(Redaction(room_id, event_id))

    async def _read_backlog(self, reading: RoomReading, page: bool) -> Backlog:
        room_id, part, left_out = reading.room_id, reading.part, None
        if page and reading.since is not None:
            chat = self.routes.lookup(room_id)
            # Guests in somebody's chat are not answered, and may have written any amount.
            theirs = () if chat is None else (chat.owner,)
            left_out = Stretch(theirs, oldest=reading.since, reactions=True)
        try:
            return await read_backlog(room_id, part, left_out, self.timeline)
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
        if room_id in self.routes.elsewhere:
            return True
        wanted = map(self._may_want_answer, timeline_events(reading.part))
        if not (is_limited(reading.part) or any(wanted)):
            return True
        companion = await self.control_room.companion(room_id)
        return companion is None or self.messages.config.level_of(companion) < Level.USER

    def _may_want_answer(self, event: Mapping[str, Any]) -> bool:
        """Whether somebody who may use the bot wrote this, in a room that is nobody's chat."""
        written = event.get("type") in ("m.room.message", "m.room.encrypted")
        sender, config = event.get("sender"), self.messages.config
        if not (written and isinstance(sender, str)) or sender == config.bot:
            return False
        return config.level_of(UserID(sender)) >= Level.USER

    def _is_ours(self, room_id: RoomID) -> bool:
        return self.routes.lookup(room_id) is not None
