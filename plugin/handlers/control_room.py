"""Receives people outside their chats: in the control room, in groups, and in unknown rooms.

Nothing said here ever reaches a platform. In a control room, in which the bot is alone with one
person, that person is shown to their Space, and it is made if there is none. In a group nothing
is made for anybody, and only who turns to the bot is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..cache.pending_message import PendingMessage
from ..commands.dispatch import Commands
from ..commands.recognize import Invocation, split_command
from ..config.permissions import Level
from ..errors import UserError
from ..matrix.api import NoAnswer, TooLarge
from ..matrix.links import link, room_url
from ..message import IncomingMessage
from ..spaces.owner_rooms import OwnerRooms
from ..spaces.provision import Provisioning
from ..spaces.room_wish import OnWait
from ..spaces.sentences import minutes
from ..topology.model import Chat, Status
from ..topology.scope import Scope
from . import sentences

# Others in a group, below which those who leave are followed by a look at who is there.
SMALL_GROUP = 10
# Others in a group whose list of members is longer than is read.
UNCOUNTED = 1000


class ControlRoom:
    """Answers messages in rooms that are no chats.

    Attributes:
        explained: the rooms in which it was said that their messages cannot be read.
    """

    def __init__(
        self, provisioning: Provisioning, commands: Commands, answers: Callable[[UserID], bool]
    ) -> None:
        """
        Args:
            provisioning: makes Spaces and chats.
            commands: carries out what owners ask for.
            answers: whether it is for this instance to answer somebody: there may be others on
                the account. Raises NoAnswer if that is not known yet.
        """
        self.matrix = provisioning.matrix
        self.answers = answers
        self.provisioning = provisioning
        self.routes = provisioning.routes
        self.known_rooms = provisioning.reconciler.known_rooms
        self.commands = commands
        self.config = provisioning.config
        self.log = provisioning.owner_lock.log
        # How many others are in rooms that are groups, and the groups in which a command was
        # answered, which may have been meant for another bot.
        self._groups: dict[RoomID, int] = {}
        self._told: set[RoomID] = set()
        self.explained: set[RoomID] = set()

    async def resolve_room(self, room_id: RoomID, sender: UserID) -> Chat | None:
        """Whether a room that is not routed is a chat after all: one that is being made just
        now, or one that could not be read before.

        Raises:
            UserError: it is still not known what the room is.
        """
        if not await self.known_rooms.is_known(room_id):
            await self.provisioning.owner_lock.wait_for(sender)
        if not await self.known_rooms.is_known(room_id):
            # Made by another instance, perhaps, or by an earlier run a moment before it ended.
            scope = Scope(frozenset({sender}), frozenset({room_id}))
            why = "somebody wrote in an unknown room"
            await self.provisioning.owner_lock.refresh(scope, why, search=True)
        if room_id in self.routes.unread:
            scope = Scope(frozenset({sender}), frozenset({room_id}))
            await self.provisioning.owner_lock.refresh(scope, "somebody wrote in an unread room")
            if room_id in self.routes.unread:
                raise UserError(sentences.UNREAD)
        return self.routes.lookup(room_id)

    async def handle(self, pending: PendingMessage, command: Invocation | None) -> None:
        """Answer somebody who wrote outside their chats: a command, if that was recognised."""
        message = pending.message
        permitted = self.config.level_of(message.sender) >= Level.USER
        if not permitted or not self.answers(message.sender):
            return
        if not await self.is_control_room(message.room_id, message.sender):
            await self._answer_in_group(message)
            return
        tell = partial(self._say_preparing, message)
        # Where no assistant listens, a command that there is none of was meant for the bot too.
        given = command or split_command(message.body)
        if given is not None and (command is not None or given.exact):
            has_rooms = message.sender in self.routes.spaces
            if command is not None and not has_rooms and self.commands.needs_rooms(command):
                await self.reinvite_to_space(message.sender, tell)
            await self.commands.run(pending, given, None)
            await self.reinvite_to_space(message.sender, tell)
            return
        rooms = await self.provisioning.ensure_rooms(message.sender, tell)
        await self.reinvite_to_space(message.sender)
        chat = await self.link_to_chat(rooms)
        said = sentences.NOT_HERE_WITHOUT_CHAT if chat is None else sentences.NOT_HERE
        said = said.format(space=await self.describe(rooms), chat=chat)
        await self.matrix.sender.reply(message, said)

    async def _say_preparing(self, message: IncomingMessage, seconds: float) -> None:
        text = sentences.STILL_PREPARING.format(minutes=minutes(seconds))
        await self.matrix.sender.notice(message.room_id, text, message)

    async def _answer_in_group(self, message: IncomingMessage) -> None:
        """Tell who turned to the bot how to get chats; a command, which may have been meant for
        another bot, is answered once in a room."""
        if message.room_id not in self._groups or self.is_ignored(message):
            return
        await self.matrix.sender.reply(message, sentences.IN_GROUP)
        self._told.add(message.room_id)

    def is_ignored(self, message: IncomingMessage) -> bool:
        """Whether a message is talk among others: said in a group, and not to the bot."""
        room_id, bot = message.room_id, self.config.bot
        if room_id not in self._groups or bot in message.mentions or bot in message.body:
            return False
        return room_id in self._told or self.commands.recognize(message.body) is None

    def has_space(self, owner: UserID) -> bool:
        """Whether an owner has a Space and is in it, or invited."""
        space = self.routes.spaces.get(owner)
        return space is not None and not space.owner_left

    async def reinvite_to_space(self, owner: UserID, tell: OnWait | None = None) -> None:
        """See that an owner who wrote can find their Space; if not now, with their next word.

        Args:
            owner: who.
            tell: called once if it will take a while, with the seconds.
        """
        try:
            await self.provisioning.reinvite_to_space(owner, tell)
        except (UserError, NoAnswer, MatrixRequestError) as error:
            self.log.warning("%s could not be shown to their Space: %s", owner, error)

    async def is_control_room(self, room_id: RoomID, sender: UserID) -> bool:
        """Whether the bot and this person are alone in the room."""
        return await self.companion(room_id) == sender

    async def companion(self, room_id: RoomID) -> UserID | None:
        """The one person with whom the bot is alone in a room; None if it is a group, or empty.

        Whoever is invited counts: what begins as a group must not be taken for a control room.
        """
        try:
            others = await self.matrix.lookups.members(room_id) - {self.config.bot}
        except TooLarge:
            self._groups[room_id] = UNCOUNTED
            return None
        self._groups.pop(room_id, None)
        if len(others) > 1:
            self._groups[room_id] = len(others)
        return next(iter(others)) if len(others) == 1 else None

    def note_leave(self, room_id: RoomID) -> None:
        """Note that somebody left a room, or declined to come: it may be a group no more."""
        others = self._groups.get(room_id, 0) - 1
        if others < SMALL_GROUP:
            # Counted anew when somebody writes there.
            self._groups.pop(room_id, None)
        else:
            self._groups[room_id] = others

    def forget_groups(self) -> None:
        """Note that people may have left groups unseen."""
        self._groups.clear()

    async def describe(self, rooms: OwnerRooms) -> str:
        """A link to the Space, by its name."""
        space = rooms.space
        name = await self.matrix.lookups.room_name(space.room_id)
        url = room_url(space.room_id, self.config.bot, space.owner)
        return link(name or sentences.YOUR_SPACE, url)

    async def link_to_chat(self, rooms: OwnerRooms) -> str | None:
        """A link to the first chat that answers, by its name; None if there is none."""
        live = next((chat for chat in rooms.chats if chat.status is Status.LIVE), None)
        if live is None:
            return None
        name = await self.matrix.lookups.room_name(live.room_id)
        return link(name or live.chat_id, room_url(live.room_id, self.config.bot, live.owner))
