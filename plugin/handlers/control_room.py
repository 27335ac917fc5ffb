"""Receives people outside their chats: in the control room, in groups, and in unknown rooms.

Nothing said here ever reaches a platform. Whoever may have a Space is shown to it, and it is
made if there is none; there is never a second working room beside it.
"""

from __future__ import annotations

from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..cache.inbox import PendingMessage
from ..commands.dispatch import Commands
from ..config.active import CurrentConfig
from ..config.permissions import Level
from ..errors import UserError
from ..matrix.api import NoAnswer
from ..matrix.client import Matrix
from ..matrix.links import link, room_url
from ..spaces.provision import OwnerRooms, Provisioning
from ..topology.model import Chat
from ..topology.scope import Scope
from . import sentences


class ControlRoom:
    """Answers messages in rooms that are no chats."""

    def __init__(
        self,
        matrix: Matrix,
        provisioning: Provisioning,
        commands: Commands,
        config: CurrentConfig,
    ) -> None:
        self.matrix = matrix
        self.provisioning = provisioning
        self.routes = provisioning.routes
        self.known_rooms = provisioning.reconciler.known_rooms
        self.commands = commands
        self.config = config
        self.log = provisioning.owner_lock.log
        self._pointed: set[tuple[RoomID, UserID]] = set()

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

    async def handle(self, pending: PendingMessage) -> None:
        """Answer somebody who wrote outside their chats."""
        message = pending.message
        if self.config.level_of(message.sender) < Level.USER:
            return
        in_group = not await self.is_control_room(message.room_id, message.sender)
        if not in_group:
            if self.commands.is_command(message.body):
                if message.sender not in self.routes.spaces:
                    await self.reinvite_to_space(message.sender)
                await self.commands.run(pending, None)
                await self.reinvite_to_space(message.sender)
                return
        elif self.was_pointed(message.room_id, message.sender):
            return
        rooms = await self.provisioning.ensure_rooms(message.sender)
        await self.reinvite_to_space(message.sender)
        text = sentences.NOT_HERE.format(space=await self.describe(rooms))
        await self.matrix.sender.reply(message.room_id, text, message.event_id)
        if in_group:
            self._pointed.add((message.room_id, message.sender))

    async def reinvite_to_space(self, owner: UserID) -> None:
        """See that an owner who wrote can find their Space; if not now, with their next word."""
        try:
            await self.provisioning.reinvite_to_space(owner)
        except (UserError, NoAnswer, MatrixRequestError) as error:
            self.log.warning("%s could not be shown to their Space: %s", owner, error)

    def was_pointed(self, room_id: RoomID, sender: UserID) -> bool:
        """Whether somebody in a group was shown to their Space already: the others there should
        not have to read that after every message."""
        return (room_id, sender) in self._pointed

    async def is_control_room(self, room_id: RoomID, sender: UserID) -> bool:
        """Whether the bot and this person are alone in the room."""
        members = await self.matrix.lookups.joined_members(room_id)
        return members <= {self.config.bot, sender}

    async def is_group(self, room_id: RoomID) -> bool:
        """Whether more than two are in the room, so that it is nobody's control room."""
        return len(await self.matrix.lookups.joined_members(room_id)) > 2

    async def describe(self, rooms: OwnerRooms) -> str:
        """A link to the Space, by its name."""
        space = rooms.space
        name = await self.matrix.lookups.state_value(space.room_id, "m.room.name", "name", "")
        url = room_url(space.room_id, self.config.bot, space.owner)
        return link(name or sentences.YOUR_SPACE, url)
