"""A message's turn: it is answered, for however long that takes, or set aside.

It is a command, something for the assistant, or said outside of the chats. Routing is strict:
only an owner's message in a live chat of theirs goes to the platform. That is decided when the
message's turn comes, not when it arrives: the message before it may have archived the chat.
"""

from __future__ import annotations

import asyncio
import itertools

from mautrix.types import UserID

from ..cache.pending_message import PendingMessage
from ..commands.dispatch import AGAIN, Commands
from ..commands.recognize import Invocation
from ..config.permissions import Level
from ..delivery.answer import Responder
from ..delivery.notices import Notices
from ..delivery.pending import PendingMessages
from ..errors import UserError
from ..matrix.api import NoAnswer
from ..matrix.retry import Backoff
from ..platforms.protocol import PlatformError
from ..topology.model import Chat, Status
from . import sentences
from .control_room import ControlRoom


class Turns:
    """Answers messages whose turn has come."""

    def __init__(
        self,
        control_room: ControlRoom,
        responder: Responder,
        pending: PendingMessages,
        backoff: Backoff,
    ) -> None:
        """
        Args:
            control_room: answers what is said outside of the chats.
            responder: answers what is said in a chat.
            pending: where messages are kept until they are answered.
            backoff: the waits before a reply is tried again that the homeserver does not take.
        """
        self.control_room = control_room
        self.responder = responder
        self.pending = pending
        self.backoff = backoff
        self.notices: Notices = responder.notices
        self.boundary = responder.notices.boundary
        self.routes = control_room.routes
        self.config = control_room.config
        self.commands: Commands = control_room.commands
        self._reconciler = control_room.provisioning.reconciler
        # Owners who are being shown to their Space.
        self._shown: set[UserID] = set()

    async def settle(self, pending: PendingMessage, command: Invocation | None) -> None:
        """Answer a message, for however long the homeserver does not take the answer.

        Args:
            pending: the message.
            command: the one that it is, if it is any.
        """
        for failures in itertools.count(1):
            try:
                async with self.boundary.answering(pending.message):
                    await self._handle(pending, command)
                async with self.boundary.answering(pending.message):
                    # Where something else was said than the rest of an answer.
                    await self.responder.unfinished.end(pending.asked, pending.standing)
            except NoAnswer:
                await asyncio.sleep(self.backoff.delay(failures))
            except PlatformError as error:
                # Nobody is told of what a kill could still undo.
                await asyncio.wait({self.pending.set_aside(pending)})
                await self.notices.platform_failed(pending.asked, error)
                return
            else:
                await self.pending.complete(pending)
                return

    async def _handle(self, pending: PendingMessage, command: Invocation | None) -> None:
        message = pending.message
        chat = self.routes.lookup(message.room_id)
        if chat is None:
            chat = await self.control_room.resolve_room(message.room_id, message.sender)
        if message.room_id in self.routes.elsewhere:
            return
        if message.replaces is not None:
            await self._handle_edit(chat, pending)
        elif chat is None:
            await self.control_room.handle(pending, command)
        elif message.sender == chat.owner:
            await self._handle_owner(chat, pending, command)
            self._show_space(chat.owner)

    def _show_space(self, owner: UserID) -> None:
        """See that an owner can find their Space, beside: it may take as long as a homeserver
        makes no rooms, and what they write next does not wait for that."""
        looked_at = self._reconciler.is_looking_at(owner)
        if owner in self._shown or (self.control_room.has_space(owner) and not looked_at):
            return
        self._shown.add(owner)
        showing = self.pending.spawn(self._show_when_seen(owner))
        showing.add_done_callback(lambda _: self._shown.discard(owner))

    async def _show_when_seen(self, owner: UserID) -> None:
        # They may have left it a moment before they wrote.
        await self._reconciler.seen(owner)
        await self.control_room.reinvite_to_space(owner)

    async def _handle_edit(self, chat: Chat | None, pending: PendingMessage) -> None:
        """Ask an edited question again, if it is the last; nobody is told of any other edit."""
        sender = pending.message.sender
        if chat is None or chat.owner != sender or self.config.level_of(sender) < Level.USER:
            return
        if chat.status is Status.LIVE:
            await self._ask_again(chat, pending)

    async def _ask_again(self, chat: Chat, pending: PendingMessage) -> bool:
        return await self.responder.answer_again(chat, pending, self.commands.is_question)

    async def _handle_owner(
        self, chat: Chat, pending: PendingMessage, command: Invocation | None
    ) -> None:
        if self.config.level_of(pending.message.sender) < Level.USER:
            raise UserError(sentences.NOT_PERMITTED)
        if not pending.message.is_text:
            raise UserError(sentences.TEXT_ONLY)
        is_live = chat.status is Status.LIVE
        if command is not None:
            if not (is_live and command == AGAIN and await self._ask_again(chat, pending)):
                await self.commands.run(pending, command, chat)
        elif is_live:
            await self.responder.answer(chat, pending)
        else:
            raise UserError(sentences.CHAT_IS_ARCHIVED.format(handle=chat.chat_id))
