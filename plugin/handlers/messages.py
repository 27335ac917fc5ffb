"""Takes messages from maubot, and lets each have its turn in its room.

What nobody wants an answer to ends here, and a command that needs no turn is answered at once.
What is done when a message's turn has come, is in turns.py.
"""

from __future__ import annotations

from functools import partial

from maubot.handlers import event
from maubot.matrix import MaubotMessageEvent
from mautrix.types import EventType, RedactionEvent, RoomID, UserID

from ..cache.pending_message import PendingMessage, State
from ..commands.dispatch import CANCEL, STOP, Commands
from ..config.permissions import Level
from ..config.timing import Timing
from ..delivery.answer import Responder
from ..delivery.gates import Redaction
from ..delivery.inbound import Inbound
from ..delivery.notices import Notices
from ..delivery.room_queues import RoomQueues
from ..delivery.urgent_commands import UrgentCommands
from ..message import IncomingMessage, parse_message
from .control_room import ControlRoom
from .turns import Turns

# What clients send without anybody having written something.
SILENT = ("m.notice",)
# Places beyond a full queue for the command that ends what waits there.
SPARE = 5


class Messages:
    """Takes every message, and lets it have its turn."""

    def __init__(
        self, control_room: ControlRoom, responder: Responder, inbound: Inbound, timing: Timing
    ) -> None:
        """
        Args:
            control_room: answers what is said outside of the chats.
            responder: answers what is said in a chat.
            inbound: keeps messages in their order until their turn comes.
            timing: the waits before a reply is tried again that the homeserver does not take, and
                for what is done beside the queues.
        """
        self.control_room = control_room
        self.responder = responder
        self.inbound = inbound
        self.timing = timing
        self.pending = inbound.pending
        self.notices: Notices = inbound.notices
        self.queues: RoomQueues = inbound.notices.queues
        self.boundary = inbound.notices.boundary
        self.routes = control_room.routes
        self.config = control_room.config
        self.commands: Commands = control_room.commands
        self.matrix = control_room.matrix
        self._urgent = UrgentCommands(self.pending)
        self.turns = Turns(control_room, responder, self.pending, timing.reply)

    @event.on(EventType.ROOM_MESSAGE)
    async def take(self, evt: MaubotMessageEvent) -> None:
        """Take in a live message."""
        message = parse_message(evt.serialize())
        if message is not None:
            self.receive(message)

    @event.on(EventType.ROOM_REDACTION)
    async def take_redaction(self, evt: RedactionEvent) -> None:
        """Drop a message that was taken back before its turn came."""
        self.inbound.receive(Redaction(evt.room_id, evt.redacts))

    def receive(self, message: IncomingMessage) -> None:
        """Take in a message, unless nobody wants an answer to it."""
        if message.replaces is None:
            self.matrix.last.note(message.room_id, message.event_id)
        if not self.wants_answer(message):
            return
        if not self.answer_urgent(message):
            self.inbound.receive(message)
            self.serve(message.room_id)
        elif self.commands.recognize(message.body) == CANCEL:
            self.inbound.cancel(message)

    def answer_urgent(self, message: IncomingMessage) -> bool:
        """Answer a message at once if it is a command that needs no turn: nobody asks for help in
        order to wait for an answer.

        Returns:
            Whether it is one.
        """
        command = None if message.replaces is not None else self.commands.recognize(message.body)
        if command is None or not self.commands.needs_no_turn(command):
            return False
        if message.room_id in self.routes.unread:
            # Nobody knows yet whether its writer may ask anything there; later somebody does.
            return False
        spare = SPARE if command in (CANCEL, STOP) else 0
        if self.pending.is_full(message.sender, spare):
            return False
        if (urgent := self.inbound.receive_urgent(message)) is not None:
            self._urgent.put(message.room_id, self.turns.settle(urgent, command))
        return True

    def take_kept(self, pending: PendingMessage) -> None:
        """Take up a message that an earlier run kept in the inbox."""
        waits = pending.state is State.WAITING and pending.message.replaces is None
        command = self.commands.recognize(pending.message.body) if waits else None
        if command is None or not self.commands.needs_no_turn(command):
            self.inbound.take_kept(pending)
        elif self.inbound.take_kept_urgent(pending):
            if pending.answer is not None and command == CANCEL:
                # It was carried out; what was being read then is read again.
                self.inbound.cancel(pending.message)
            self._urgent.put(pending.message.room_id, self.turns.settle(pending, command))

    def serve(self, room_id: RoomID) -> None:
        """Let a room's messages be answered, those that were taken in by now."""
        self.queues.put(room_id, partial(self._answer_all, room_id))

    def wants_answer(self, message: IncomingMessage) -> bool:
        """Whether anybody does: not to notices of other bots, nor to talk in groups, nor where
        nothing that this person writes is answered."""
        if message.msgtype in SILENT:
            return False
        room_id = message.room_id
        if not self.may_be_answered(room_id, message.sender):
            return False
        return self.routes.lookup(room_id) is not None or not self.control_room.is_ignored(message)

    def may_be_answered(self, room_id: RoomID, sender: UserID) -> bool:
        """Whether something that a person writes in a room may want an answer: not what the bot
        says, nor what guests do in somebody's chat, nor people without permission."""
        if sender == self.config.bot:
            return False
        chat = self.routes.lookup(room_id)
        if chat is not None:
            return sender == chat.owner
        if room_id in self.routes.elsewhere:
            # Another instance's chat, on the same account: it answers there.
            return False
        return self.config.level_of(sender) >= Level.USER

    async def _answer_all(self, room_id: RoomID) -> None:
        async for pending in self.pending.of(room_id):
            command = self.commands.recognize(pending.message.body)
            if command is not None:
                # It may be about what they make; not for as long as a homeserver makes no room.
                await self._urgent.wait(room_id, self.timing.urgent)
            await self.turns.settle(pending, command)
