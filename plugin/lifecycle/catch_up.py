"""Takes in what maubot does not deliver while the plugin runs.

maubot throws its first sync away, and that one answers only when something happens; of a timeline
that is too long it delivers the end. So what came since the token before is read here, ahead of
the live messages; each message is taken in once, whichever way it comes first.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from maubot.handlers import event
from mautrix.client import InternalEventType
from mautrix.errors import MatrixRequestError
from mautrix.types import SyncToken

from ..handlers.invitations import Invitations
from ..handlers.messages import Messages
from ..matrix.backlog import read_backlog
from ..matrix.sync import invitations_in, rooms_in, scope_of
from ..matrix.timeline import Timeline
from ..matrix.until_answered import until_known
from ..message import IncomingMessage
from ..reconciler.loop import Reconciler


class CatchUp:
    """Hands older messages and invitations to those who handle the live ones."""

    def __init__(
        self,
        messages: Messages,
        invitations: Invitations,
        reconciler: Reconciler,
        timeline: Timeline,
    ) -> None:
        """
        Args:
            messages: takes messages in.
            invitations: answers invitations.
            reconciliation: told where the topology changed.
            timeline: reads what a sync left out.
        """
        self.messages = messages
        self.inbound = messages.inbound
        self.invitations = invitations
        self.reconciler = reconciler
        self.reader = reconciler.reader
        self.timeline = timeline
        self.log = reconciler.log
        self._token = SyncToken("")
        self._reading = asyncio.Lock()
        self._readings: set[asyncio.Task[None]] = set()

    def start_at(self, token: SyncToken) -> None:
        """Say up to which token everything was seen before the handlers were registered."""
        self._token = token

    async def close_gap(self, token: SyncToken) -> None:
        """Take in what happened between a token and the registration of the handlers."""
        await self._catch_up_from(token)

    @event.on(InternalEventType.SYNC_SUCCESSFUL)
    async def follow(self, happened: dict[str, Any]) -> None:
        """Read again what maubot is about to throw away or got in part only: the first sync, and
        timelines that were too long for one."""
        sync = happened["data"]
        before, self._token = self._token, SyncToken(sync.get("next_batch") or self._token)
        which = sync.get("net.maunium.mautrix", {})
        limited = any(_is_limited(room) for _, room in rooms_in(sync, "join"))
        # maubot throws away its first sync, and the one after its cache was cleared.
        if before and (which.get("is_first") or which.get("is_initial") or limited):
            await self._catch_up_from(before)

    async def close(self) -> None:
        """End whatever is being read."""
        for reading in list(self._readings):
            reading.cancel()
        await asyncio.gather(*self._readings, return_exceptions=True)

    async def _catch_up_from(self, token: SyncToken) -> None:
        # The messages that are delivered meanwhile come after those that are read here.
        self.inbound.hold()
        reading = asyncio.create_task(self._read_until_known(token))
        self._readings.add(reading)
        reading.add_done_callback(self._readings.discard)
        await asyncio.wait({reading})

    async def _read_until_known(self, token: SyncToken) -> None:
        messages: list[IncomingMessage] = []
        try:
            # One after the other: what a later one reads was written later.
            async with self._reading:
                messages = await until_known(
                    partial(self._read_from, token), self.reconciler.timing.backoff, self.log
                )
        except MatrixRequestError as error:
            self.log.warning("What was written meanwhile could not be read: %s", error)
        self.inbound.release(messages)

    async def _read_from(self, token: SyncToken) -> list[IncomingMessage]:
        """Read on from a token, and see to everything but the messages that want an answer."""
        bot = self.reader.identity.bot
        sync = await self.reader.since(token)
        backlog = await read_backlog(sync, token, self.timeline, self.log)
        if scope := scope_of(sync, self.reconciler.routes, bot):
            self.reconciler.mark(scope)
        for invitation in invitations_in(sync, bot):
            self.invitations.answer(invitation)
        wanted = [one for one in backlog.messages if self.messages.wants_answer(one)]
        return [one for one in wanted if one.event_id not in backlog.withdrawn]


def _is_limited(room: dict[str, Any]) -> bool:
    timeline = room.get("timeline")
    return isinstance(timeline, dict) and bool(timeline.get("limited"))
