"""Takes encrypted messages: reads them where maubot was given the means, else says that it cannot.

maubot decrypts, too, and delivers what it read; but until it has, nobody would know that something
is on its way, and the sync token would pass it. A message is taken in once, whoever is first.
"""

from __future__ import annotations

from maubot.handlers import event
from mautrix.types import EncryptedEvent, EventType

from ..config.permissions import Level
from ..matrix.retry import Backoff
from ..matrix.until_answered import Attempts
from ..message import parse_message
from . import sentences
from .messages import Messages


class EncryptedMessages:
    """Takes every encrypted event."""

    def __init__(self, messages: Messages, backoff: Backoff) -> None:
        """
        Args:
            messages: takes what was read.
            backoff: the waits while maubot's store of keys is away.
        """
        self.messages = messages
        self.backoff = backoff
        self.inbound = messages.inbound
        self.matrix = messages.matrix
        self._explained = messages.control_room.explained

    @event.on(EventType.ROOM_ENCRYPTED)
    async def take(self, evt: EncryptedEvent) -> None:
        """Read a message and hand it on; or say, once in a room, that none can be read there."""
        if evt.sender == self.messages.config.bot:
            return
        if self.matrix.sender.can_decrypt:
            await self._read(evt)
        else:
            await self._say_once(evt)

    async def _read(self, evt: EncryptedEvent) -> None:
        sealed = {**evt.serialize(), "room_id": evt.room_id}
        with self.inbound.decrypting():
            async for attempt in Attempts(self.backoff, self.messages.boundary.log):
                with attempt:
                    clear = await self.matrix.timeline.pages.decrypted(sealed)
            if (message := parse_message(clear)) is not None:
                self.messages.receive(message)

    async def _say_once(self, evt: EncryptedEvent) -> None:
        chat = self.messages.routes.lookup(evt.room_id)
        if evt.room_id in self._explained or (chat is not None and chat.owner != evt.sender):
            return
        self._explained.add(evt.room_id)
        control_room = self.messages.control_room
        async with self.messages.boundary.serving(evt.room_id):
            if chat is not None:
                await self.matrix.sender.notice(evt.room_id, sentences.ENCRYPTED_CHAT)
            elif (
                self.messages.config.level_of(evt.sender) >= Level.USER
                and control_room.answers(evt.sender)
                and await control_room.is_control_room(evt.room_id, evt.sender)
            ):
                await self.matrix.sender.notice(evt.room_id, sentences.ENCRYPTED_CONTROL_ROOM)
