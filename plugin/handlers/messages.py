"""Decides what each message is: a command, something for the platform, or for the control_room.

Routing is strict: only an owner's message in a live chat of theirs goes to the platform. The
decision is made when the message's turn comes, not when it arrives: the message before it may
have archived the chat.
"""

from __future__ import annotations

from functools import partial

from maubot.handlers import event
from maubot.matrix import MaubotMessageEvent
from mautrix.types import EncryptedEvent, EventType, RedactionEvent, RoomID, UserID

from ..cache.inbox import PendingMessage
from ..commands.dispatch import Commands
from ..config.permissions import Level
from ..delivery.answer import Responder
from ..delivery.inbound import Inbound
from ..errors import UserError
from ..message import IncomingMessage, parse_message
from ..topology.model import Chat, Status
from .control_room import ControlRoom

# What clients send without anybody having written something.
SILENT = ("m.notice",)

NOT_PERMITTED = "You may not use me any more, so nobody answers here. Your chats are kept."
SEALED = (
    "This room is encrypted, and I was not given the means to read it: nobody answers here. "
    "Your administrator can set up encryption in maubot; `!new` elsewhere starts an open chat."
)
SEALED_CONTROL = (
    "This room is encrypted, and I was not given the means to read it: commands do not work here. "
    "They do in every chat of yours."
)
TEXT_ONLY = "I can read text only; this message did not reach the platform."


class Messages:
    """Takes every message, and handles it when its turn comes."""

    def __init__(self, control_room: ControlRoom, responder: Responder, inbound: Inbound) -> None:
        self.routes = control_room.routes
        self.config = control_room.config
        self.control_room = control_room
        self.commands: Commands = control_room.commands
        self.responder = responder
        self.inbound = inbound
        self.matrix = control_room.matrix
        self.log = control_room.log
        self._sealed: set[RoomID] = set()
        inbound.pending.serve(self.handle)

    @event.on(EventType.ROOM_MESSAGE)
    async def take(self, evt: MaubotMessageEvent) -> None:
        """Take in a live message."""
        message = parse_message(evt.serialize())
        if message is not None:
            self.put(message)

    @event.on(EventType.ROOM_ENCRYPTED)
    async def take_sealed(self, evt: EncryptedEvent) -> None:
        """Say once in a room that its messages cannot be read, where maubot cannot decrypt."""
        can_read = self.matrix.sender.can_decrypt or evt.sender == self.config.bot
        if can_read or evt.room_id in self._sealed:
            return
        chat = self.routes.lookup(evt.room_id)
        if chat is not None and chat.owner != evt.sender:
            return
        self._sealed.add(evt.room_id)
        work = partial(self._say_sealed, evt.room_id, evt.sender, chat)
        await self.inbound.pending.boundary.run(work, evt.room_id)

    @event.on(EventType.ROOM_REDACTION)
    async def withdraw(self, evt: RedactionEvent) -> None:
        """Drop a message that was taken back before its turn came."""
        self.inbound.withdraw(evt.room_id, evt.redacts)

    def put(self, message: IncomingMessage) -> None:
        """Take in a message, unless nobody wants an answer to it."""
        if not self.wants_answer(message):
            return
        if message.replaces is not None:
            self.inbound.edit(message)
        else:
            # What ends a conversation must not wait for it.
            self.inbound.put(message, at_once=self.commands.is_urgent(message.body))

    def wants_answer(self, message: IncomingMessage) -> bool:
        """Whether anybody does: not to the bot's own, to notices of other bots, to guests in
        somebody's chat, or to strangers."""
        if message.sender == self.config.bot or message.msgtype in SILENT:
            return False
        chat = self.routes.lookup(message.room_id)
        if chat is not None:
            return message.sender == chat.owner
        if message.room_id in self.routes.elsewhere:
            # Another instance's chat, on the same account: it answers there.
            return False
        if self.control_room.was_pointed(message.room_id, message.sender):
            return False
        return self.config.level_of(message.sender) >= Level.USER

    async def handle(self, pending: PendingMessage) -> None:
        """Answer a message whose turn has come."""
        message = pending.message
        chat = self.routes.lookup(message.room_id)
        if chat is None:
            chat = await self.control_room.resolve_room(message.room_id, message.sender)
        if message.room_id in self.routes.elsewhere:
            return
        if chat is None:
            await self.control_room.receive(message)
        elif message.sender == chat.owner:
            await self._handle_owner(chat, pending)
            await self.control_room.reinvite_to_space(chat.owner)

    async def _say_sealed(self, room_id: RoomID, sender: UserID, chat: Chat | None) -> None:
        if chat is not None:
            await self.matrix.sender.notice(room_id, SEALED)
            return
        permitted = self.config.level_of(sender) >= Level.USER
        if permitted and await self.control_room.is_control_room(room_id, sender):
            await self.matrix.sender.notice(room_id, SEALED_CONTROL)

    async def _handle_owner(self, chat: Chat, pending: PendingMessage) -> None:
        message = pending.message
        if self.config.level_of(message.sender) < Level.USER:
            raise UserError(NOT_PERMITTED)
        if not message.is_text:
            raise UserError(TEXT_ONLY)
        if self.commands.is_command(message.body):
            await self.commands.run(message, chat)
        elif chat.status is Status.LIVE:
            await self.responder.answer(chat, pending)
        else:
            raise UserError(
                "This chat is archived, so nobody answers here. "
                f"`!restore {chat.binding.chat_id}` brings it back."
            )
