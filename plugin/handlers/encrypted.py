"""Takes encrypted messages: reads them where maubot was given the means, else says that it cannot.

maubot decrypts, too, and delivers what it read; but until it has, nobody would know that something
is on its way, and the sync token would pass it. A message is taken in once, whoever is first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from maubot.handlers import event
from mautrix.client import InternalEventType
from mautrix.types import EncryptedEvent, EventID, EventType, RoomID, StateEvent, UserID

from ..config.permissions import Level
from ..config.timing import Timing
from ..matrix.until_answered import Attempts
from ..message import parse_message
from . import sentences
from .messages import Messages


class EncryptedMessages:
    """Takes every encrypted event."""

    def __init__(self, messages: Messages, timing: Timing) -> None:
        """
        Args:
            messages: takes what was read.
            timing: how long keys are waited for, and maubot's store of them while it is away.
        """
        self.messages = messages
        self.backoff = timing.backoff
        self.key_waits = timing.key_waits
        self.inbound = messages.inbound
        self.matrix = messages.matrix
        self._explained = messages.control_room.explained

    @event.on(EventType.ROOM_ENCRYPTED)
    async def take(self, evt: EncryptedEvent) -> None:
        """Take in a live message."""
        await self.read({**evt.serialize(), "room_id": evt.room_id})

    @event.on(EventType.ROOM_ENCRYPTION)
    async def follow_encryption(self, evt: StateEvent) -> None:
        """Believe no longer that a room is not encrypted."""
        self.matrix.sender.encryption.forget(evt.room_id)

    @event.on(InternalEventType.SYNC_SUCCESSFUL)
    async def follow_sync(self, happened: Mapping[str, Any]) -> None:
        """Believe it of no room, if maubot throws away what this sync tells."""
        which = happened["data"].get("net.maunium.mautrix", {})
        if which.get("is_first") or which.get("is_initial"):
            self.matrix.sender.encryption.forget()

    async def read(self, sealed: Mapping[str, Any]) -> None:
        """Read a message and hand it on; or say that it cannot be read, once in a room until one
        can be.

        Args:
            sealed: the encrypted event, with its `room_id`.
        """
        room_id, sender = RoomID(sealed["room_id"]), UserID(str(sealed.get("sender")))
        relation = sealed.get("content", {}).get("m.relates_to")
        if not (isinstance(relation, dict) and relation.get("rel_type") == "m.replace"):
            self.matrix.last.note(room_id, EventID(str(sealed.get("event_id"))))
        if not self.messages.may_be_answered(room_id, sender):
            # Nor does anything have to wait until it is known what it says.
            return
        if not self.matrix.sender.can_decrypt:
            texts = (sentences.ENCRYPTED_CHAT, sentences.ENCRYPTED_CONTROL_ROOM)
            await self._say_once(room_id, sender, texts)
            return
        with self.inbound.decrypting():
            clear = await self._decrypt(sealed)
            if (message := parse_message(clear)) is not None:
                self._explained.discard(room_id)
                self.messages.receive(message)
        if clear.get("type") == sealed["type"]:
            texts = (sentences.NOT_DECRYPTED, sentences.NOT_DECRYPTED)
            await self._say_once(room_id, sender, texts)

    async def _decrypt(self, sealed: Mapping[str, Any]) -> Mapping[str, Any]:
        clear = sealed
        for wait in (0.0, *self.key_waits):
            # A key may come after the message that it is for.
            await asyncio.sleep(wait)
            async for attempt in Attempts(self.backoff, self.messages.boundary.log):
                with attempt:
                    clear = await self.matrix.timeline.pages.decrypted(dict(sealed))
            if clear.get("type") != sealed["type"]:
                break
        return clear

    async def _say_once(self, room_id: RoomID, sender: UserID, texts: tuple[str, str]) -> None:
        """Say one of two sentences, in a chat or in a control room, to whom it concerns."""
        chat = self.messages.routes.lookup(room_id)
        if room_id in self._explained or (chat is not None and chat.owner != sender):
            return
        self._explained.add(room_id)
        control_room = self.messages.control_room
        permitted = self.messages.config.level_of(sender) >= Level.USER
        permitted = permitted and control_room.answers(sender)
        async with self.messages.boundary.serving(room_id):
            if chat is not None:
                await self.matrix.sender.notice(room_id, texts[0])
            elif permitted and await control_room.is_control_room(room_id, sender):
                await self.matrix.sender.notice(room_id, texts[1])
