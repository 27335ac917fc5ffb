"""Takes in what maubot does not deliver: what was written while the plugin was away, or too fast.

maubot throws its first sync away, and that one answers only when something happens; of a timeline
that is too long it delivers the end. So what came since the token before is read here, and each
room by itself in room_readings.py. A message is taken in once, whichever way it comes first.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from maubot.handlers import event
from mautrix.client import InternalEventType
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, SyncToken

from ..cache.pending_message import PendingMessage
from ..handlers.invitations import Invitations
from ..matrix.backlog import is_limited
from ..matrix.sync import invitations_in, joined_in, rooms_in, scope_of
from ..matrix.until_answered import Attempts
from ..reconciler.loop import Reconciler
from .room_readings import RoomReading, RoomReadings


class CatchUp:
    """Reads older messages, and hands them on ahead of the live ones."""

    def __init__(
        self, readings: RoomReadings, invitations: Invitations, reconciler: Reconciler
    ) -> None:
        """
        Args:
            readings: reads rooms.
            invitations: answers invitations.
            reconciler: asked to look where the topology changed.
        """
        self.readings = readings
        self.messages = readings.messages
        self.inbound = readings.inbound
        self.invitations = invitations
        self.reconciler = reconciler
        self.reader = reconciler.reader
        self.backoff = readings.backoff
        self.log = readings.log
        self._token = SyncToken("")
        self._syncs: set[asyncio.Task[None]] = set()

    def is_behind(self) -> bool:
        """Whether messages that want an answer may still be unread, or are not kept yet. No
        property: maubot looks at each of those when it registers a handler."""
        return bool(self._syncs) or self.readings.behind

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
            part, here = parts.get(room_id, {}), tuple(kept_of.get(room_id, ()))
            self.readings.start(RoomReading(room_id, part, since, here))
        self._greet_in(dict(sync))

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

    async def close(self) -> None:
        """End whatever is being read."""
        tasks = list(self._syncs)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, self.readings.close(), return_exceptions=True)

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
            self.reconciler.request(scope)
        for invitation in invitations_in(sync, bot):
            self.invitations.answer(invitation)
        self.readings.control_room.forget_groups()
        for room_id, part in rooms_in(sync, "join"):
            self.readings.start(RoomReading(room_id, part, token))
        self._greet_in(sync)

    def _greet_in(self, sync: dict[str, Any]) -> None:
        """Let people be welcomed in rooms that maubot joined without the plugin hearing of it."""
        routes = self.reconciler.routes
        for room_id in joined_in(sync, self.reader.identity.bot):
            if routes.lookup(room_id) is None and routes.owner_of(room_id) is None:
                self.invitations.greet(room_id)
