"""Decides what each message is: a command, something for the platform, or for the reception.

Routing is strict: only an owner's message in a live chat of theirs goes to the platform. The
decision is made when the message's turn comes, not when it arrives: the message before it may
have archived the chat.
"""

from __future__ import annotations

from functools import partial

from maubot.handlers import event
from maubot.matrix import MaubotMessageEvent
from mautrix.types import EncryptedEvent, EventType, RedactionEvent, RoomID, UserID

from ..commands.dispatch import Commands
from ..config.permissions import Level
from ..delivery.answer import Conversation
from ..delivery.inbound import Intake
from ..delivery.pending import Case
from ..errors import UserError
from ..message import Letter, read_letter
from ..topology.model import Chat, Status
from .control_room import Reception

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

    def __init__(self, reception: Reception, conversation: Conversation, intake: Intake) -> None:
        self.slot = reception.slot
        self.setup = reception.setup
        self.reception = reception
        self.commands: Commands = reception.commands
        self.conversation = conversation
        self.intake = intake
        self.matrix = reception.matrix
        self._sealed: set[RoomID] = set()
        intake.cases.serve(self.handle)

    @event.on(EventType.ROOM_MESSAGE)
    async def take(self, evt: MaubotMessageEvent) -> None:
        """Take in a live message."""
        letter = read_letter(evt.serialize())
        if letter is not None:
            self.put(letter)

    @event.on(EventType.ROOM_ENCRYPTED)
    async def take_sealed(self, evt: EncryptedEvent) -> None:
        """Say once in a room that its messages cannot be read, where maubot cannot decrypt."""
        can_read = self.matrix.sender.can_decrypt or evt.sender == self.setup().bot
        if can_read or evt.room_id in self._sealed:
            return
        chat = self.slot.current.lookup(evt.room_id)
        if chat is not None and chat.owner != evt.sender:
            return
        self._sealed.add(evt.room_id)
        work = partial(self._say_sealed, evt.room_id, evt.sender, chat)
        await self.intake.cases.boundary.run(work, evt.room_id)

    @event.on(EventType.ROOM_REDACTION)
    async def withdraw(self, evt: RedactionEvent) -> None:
        """Drop a message that was taken back before its turn came."""
        self.intake.withdraw(evt.room_id, evt.redacts)

    def put(self, letter: Letter) -> None:
        """Take in a message, unless nobody wants an answer to it."""
        if not self.wants_answer(letter):
            return
        if letter.replaces is not None:
            self.intake.edit(letter)
        else:
            # What ends a conversation must not wait for it.
            self.intake.put(letter, at_once=self.commands.is_urgent(letter.body))

    def wants_answer(self, letter: Letter) -> bool:
        """Whether anybody does: not to the bot's own, to notices of other bots, to guests in
        somebody's chat, or to strangers."""
        if letter.sender == self.setup().bot or letter.msgtype in SILENT:
            return False
        chat = self.slot.current.lookup(letter.room_id)
        if chat is not None:
            return letter.sender == chat.owner
        if letter.room_id in self.slot.current.elsewhere:
            # Another instance's chat, on the same account: it answers there.
            return False
        if self.reception.has_shown(letter.room_id, letter.sender):
            return False
        return self.setup().level_of(letter.sender) >= Level.USER

    async def handle(self, case: Case) -> None:
        """Answer a message whose turn has come."""
        letter = case.letter
        chat = self.slot.current.lookup(letter.room_id)
        if chat is None:
            chat = await self.reception.recognise(letter.room_id, letter.sender)
        if letter.room_id in self.slot.current.elsewhere:
            return
        if chat is None:
            await self.reception.receive(letter)
        elif letter.sender == chat.owner:
            await self._handle_owner(chat, case)
            await self.reception.call_home(chat.owner)

    async def _say_sealed(self, room_id: RoomID, sender: UserID, chat: Chat | None) -> None:
        if chat is not None:
            await self.matrix.sender.notice(room_id, SEALED)
            return
        permitted = self.setup().level_of(sender) >= Level.USER
        if permitted and await self.reception.is_control_room(room_id, sender):
            await self.matrix.sender.notice(room_id, SEALED_CONTROL)

    async def _handle_owner(self, chat: Chat, case: Case) -> None:
        letter = case.letter
        if self.setup().level_of(letter.sender) < Level.USER:
            raise UserError(NOT_PERMITTED)
        if not letter.is_text:
            raise UserError(TEXT_ONLY)
        if self.commands.is_command(letter.body):
            await self.commands.run(letter, chat)
        elif chat.status is Status.LIVE:
            await self.conversation.answer(chat, case)
        else:
            raise UserError(
                "This chat is archived, so nobody answers here. "
                f"`!restore {chat.binding.chat_id}` brings it back."
            )
