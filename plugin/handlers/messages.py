"""Decides what each message is: a command, something for the platform, or for the reception.

Routing is strict: only an owner's message in a live chat of theirs goes to the platform. The
decision is made when the message's turn comes, not when it arrives: the message before it may
have archived the chat.
"""

from __future__ import annotations

from functools import partial

from maubot.handlers import event
from maubot.matrix import MaubotMessageEvent
from mautrix.types import EventID, EventType, MessageType

from ..errors import UserError
from ..permissions import Level
from ..topology.model import Chat, Status
from .boundary import Boundary
from .commands import Commands
from .conversation import Conversation
from .queues import RoomQueues
from .reception import Reception

# A message may come twice while a start is caught up with, soon after one another.
REMEMBERED = 1000

TEXT = (MessageType.TEXT, MessageType.EMOTE)
# What clients send without anybody having written something.
SILENT = (MessageType.NOTICE,)

NOT_PERMITTED = "You may not use me any more, so nobody answers here. Your chats are kept."
TEXT_ONLY = "I can read text only; this message did not reach the platform."


class Messages:
    """Takes every message and hands it on, in the order of its room."""

    def __init__(
        self,
        reception: Reception,
        commands: Commands,
        conversation: Conversation,
        queues: RoomQueues,
        boundary: Boundary,
    ) -> None:
        self.slot = reception.slot
        self.setup = reception.setup
        self.reception = reception
        self.commands = commands
        self.conversation = conversation
        self.queues = queues
        self.boundary = boundary
        self._taken: dict[EventID, None] = {}

    @event.on(EventType.ROOM_MESSAGE)
    async def take(self, evt: MaubotMessageEvent) -> None:
        """Queue a live message."""
        self.put(evt)

    def put(self, evt: MaubotMessageEvent) -> None:
        """Queue a message unless nobody wants an answer to it: the bot's own, notices of other
        bots, edits of what was said before."""
        content = evt.content
        if evt.sender == self.setup().bot or content.msgtype in SILENT or content.get_edit():
            return
        if evt.event_id in self._taken:
            return
        self._taken[evt.event_id] = None
        if len(self._taken) > REMEMBERED:
            self._taken.pop(next(iter(self._taken)))
        work = partial(self._handle, evt)
        run = partial(self.boundary.run, work, evt.room_id, evt.event_id)
        self.queues.put(evt.room_id, run)

    async def _handle(self, evt: MaubotMessageEvent) -> None:
        chat = self.slot.current.lookup(evt.room_id)
        if chat is None:
            chat = await self.reception.recognise(evt.room_id, evt.sender)
        if chat is None:
            await self.reception.receive(evt)
        elif evt.sender == chat.owner:
            await self._handle_owner(chat, evt)
            await self.reception.provisioning.call_home(chat.owner)

    async def _handle_owner(self, chat: Chat, evt: MaubotMessageEvent) -> None:
        if self.setup().level_of(evt.sender) < Level.USER:
            raise UserError(NOT_PERMITTED)
        if evt.content.msgtype not in TEXT:
            raise UserError(TEXT_ONLY)
        text = evt.content.body
        if self.commands.is_command(text):
            await self.commands.run(evt, chat)
        elif chat.status is Status.LIVE:
            await self.conversation.answer(chat, evt.event_id, text)
        else:
            raise UserError(
                "This chat is archived, so nobody answers here. "
                f"`!restore {chat.binding.chat_id}` brings it back."
            )
