"""Takes in what maubot does not deliver: what happened while the plugin started.

maubot throws its first sync away, and that one answers only when something happens: without
this, the first message after every restart would be lost. Each message is taken once, whichever
way it comes first.
"""

from __future__ import annotations

from typing import Any, cast

from maubot.handlers import event
from maubot.matrix import MaubotMatrixClient, MaubotMessageEvent
from mautrix.client import InternalEventType
from mautrix.errors import MatrixRequestError
from mautrix.types import JSON, MessageEvent, SerializerError, SyncToken

from ..matrix.api import NoAnswer
from ..matrix.changes import invitations_in, scope_of, timeline_in
from ..matrix.history import Timeline
from ..matrix.reader import Reader
from ..reconciliation import Reconciliation
from .invitations import Invitations
from .messages import Messages


class CatchUp:
    """Hands older messages and invitations to those who handle the live ones."""

    def __init__(
        self,
        client: MaubotMatrixClient,
        timeline: Timeline,
        messages: Messages,
        invitations: Invitations,
        reconciliation: Reconciliation,
    ) -> None:
        self.client = client
        self.timeline = timeline
        self.messages = messages
        self.invitations = invitations
        self.reconciliation = reconciliation
        self.log = reconciliation.log

    async def close_gap(self, reader: Reader, token: SyncToken) -> None:
        """Take in what happened between a token and the registration of the handlers."""
        try:
            await self._take(await reader.since(token))
        except (NoAnswer, MatrixRequestError) as error:
            self.log.warning("What was written during the start could not be read: %s", error)

    @event.on(InternalEventType.SYNC_SUCCESSFUL)
    async def take_first_sync(self, happened: dict[str, Any]) -> None:
        """Take in the sync that maubot is about to throw away; all others it delivers itself."""
        sync = happened["data"]
        which = sync.get("net.maunium.mautrix", {})
        # The very first sync of an account tells of old messages, not of new ones.
        if which.get("is_first") and not which.get("is_initial"):
            await self._take(sync)

    async def _take(self, sync: dict[str, Any]) -> None:
        routes = self.reconciliation.slot.current
        if scope := scope_of(sync, routes, self.client.mxid):
            self.reconciliation.mark(scope)
        for invitation in invitations_in(sync, self.client.mxid):
            self.invitations.answer(invitation)
        for raw in timeline_in(sync):
            clear = await self.timeline.decrypted(raw)
            if clear.get("type") == "m.room.message":
                self._take_message(clear)

    def _take_message(self, raw: dict[str, Any]) -> None:
        try:
            message = MessageEvent.deserialize(cast(JSON, raw))
        except SerializerError as error:
            self.log.debug("Left out a message in %s: %s", raw.get("room_id"), error)
            return
        self.messages.put(MaubotMessageEvent(message, self.client))
