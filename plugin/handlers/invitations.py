"""Invitations: somebody asks the bot in, and gets a Space with a first chat.

Only in a direct chat: to a group the bot comes and says nothing. Whoever has no permission is
declined from outside. What is interrupted is found by the next start, in what happened since the
last sync token that was noted, and nothing is made twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from maubot.handlers import event
from mautrix.client import SyncStream
from mautrix.errors import MatrixRequestError, MForbidden
from mautrix.types import EventType, Membership, RoomID, StateEvent, UserID
from mautrix.types import MemberStateEventContent as Member

from ..config.permissions import Level
from ..errors import UserError
from ..matrix.api import NoAnswer
from ..matrix.lookups import PREPARING_KEY, WELCOME_KEY, Greeting
from ..matrix.sync import Invitation
from ..spaces.owner_rooms import OwnerRooms
from ..spaces.sentences import minutes
from . import sentences
from .control_room import ControlRoom
from .invitation_queue import InvitationQueue


class Invitations:
    """Answers invitations, those that came while nobody was there included."""

    def __init__(self, control_room: ControlRoom, queue: InvitationQueue) -> None:
        """
        Args:
            control_room: knows whose control room a room is.
            queue: where each waits for its turn.
        """
        self.control_room = control_room
        self.matrix = control_room.matrix
        self.provisioning = control_room.provisioning
        self.config = control_room.config
        self.queue = queue
        self.log = queue.log
        # The same invitation may come two ways while the plugin starts.
        self._welcomed: set[RoomID] = set()

    @event.on(EventType.ROOM_MEMBER)
    async def take(self, evt: StateEvent) -> None:
        """Queue an invitation of the bot."""
        content = evt.content
        if not isinstance(content, Member):
            return
        left = content.membership in (Membership.LEAVE, Membership.BAN)
        if left:
            self.control_room.note_leave(evt.room_id)
        if evt.state_key != self.config.bot:
            return
        if left:
            self._welcomed.discard(evt.room_id)
        # Once accepted, the invitation comes again in the joined room's timeline.
        fresh = getattr(evt, "source", SyncStream.INVITED_ROOM) & SyncStream.INVITED_ROOM
        if fresh and content.membership == Membership.INVITE:
            self.answer(Invitation(evt.room_id, evt.sender))

    def finish(self, owners: Iterable[UserID]) -> None:
        """Make the first chat of those for whom an earlier run got no further than the Space.

        Args:
            owners: they have a Space and no chat.
        """
        for owner in owners:
            if self.config.level_of(owner) < Level.USER:
                continue
            if (space := self.provisioning.routes.spaces.get(owner)) is not None:
                self.queue.put(space.room_id, partial(self._ensure_rooms, owner))

    async def _ensure_rooms(self, owner: UserID) -> None:
        try:
            await self.provisioning.ensure_rooms(owner)
        except UserError as error:
            self.log.warning("The first chat of %s is still missing: %s", owner, error.text)

    def greet(self, room_id: RoomID) -> None:
        """Queue a welcome in a joined room, whose invitation nobody may have seen; one that needs
        none is left as it is."""
        self.queue.put(room_id, partial(self._greet, room_id), told_once=False)

    def answer(self, invitation: Invitation, told_once: bool = False) -> None:
        """Queue the answer to an invitation; answering one twice does no harm. It is `told_once`
        if it is older than any token there is, so that no later sync tells of it."""
        self.queue.put(invitation.room_id, partial(self._answer, invitation), told_once)

    async def _answer(self, invitation: Invitation) -> None:
        room_id, sender = invitation.room_id, invitation.sender
        if not self.control_room.answers(sender):
            return
        if self.config.level_of(sender) < Level.USER:
            await self._decline(invitation)
        elif room_id not in self._welcomed:
            # First: from outside nobody can tell how many are in there.
            await self.matrix.writer.join(room_id)
            await self._serve_joined(room_id, sender)

    async def _serve_joined(self, room_id: RoomID, sender: UserID) -> None:
        is_direct = await self.control_room.is_control_room(room_id, sender)
        if is_direct and not (await self.matrix.lookups.creation(room_id)).is_space:
            self._welcomed.add(room_id)
            is_new = sender not in self.provisioning.routes.spaces
            try:
                tell = partial(self._say_preparing, room_id)
                rooms = await self.provisioning.ensure_rooms(sender, tell)
                await self._welcome(room_id, rooms, is_new)
            except NoAnswer:
                self._welcomed.discard(room_id)
                raise
        self.provisioning.reconciler.mark_foreign(room_id)

    async def _say_preparing(self, room_id: RoomID, seconds: float) -> None:
        """Greet somebody whose rooms take a while, once, whatever is interrupted."""
        if await self.matrix.lookups.greeting(room_id) is Greeting.NONE:
            text = sentences.PREPARING.format(minutes=minutes(seconds))
            await self.matrix.sender.notice(room_id, text, mark=PREPARING_KEY)

    async def _greet(self, room_id: RoomID) -> None:
        try:
            companion = await self._unwelcomed(room_id)
        except (UserError, MatrixRequestError) as error:
            # Nobody asked for anything, so nobody is told.
            self.log.warning("%s could not be looked at: %s", room_id, error)
            return
        if companion is not None and room_id not in self._welcomed:
            await self._serve_joined(room_id, companion)

    async def _unwelcomed(self, room_id: RoomID) -> UserID | None:
        """Who waits for a word of the bot's in a direct chat with it."""
        lookups = self.matrix.lookups
        if not (await lookups.creation(room_id)).is_foreign(self.config.bot):
            return None
        companion = await self.control_room.companion(room_id)
        if companion is None or self.config.level_of(companion) < Level.USER:
            return None
        if not self.control_room.answers(companion):
            return None
        if await self.control_room.resolve_room(room_id, companion) is not None:
            return None
        return None if await lookups.greeting(room_id) is Greeting.WELCOMED else companion

    async def _welcome(self, room_id: RoomID, rooms: OwnerRooms, is_new: bool) -> None:
        text = await self._describe(rooms, is_new, await self._is_unreadable(room_id))
        try:
            await self.matrix.sender.notice(room_id, text, mark=WELCOME_KEY)
        except NoAnswer:
            # Tried again, unless it stands there all the same.
            if await self.matrix.lookups.greeting(room_id) is not Greeting.WELCOMED:
                raise

    async def _is_unreadable(self, room_id: RoomID) -> bool:
        """Whether what is said in a room cannot be read, which the welcome explains."""
        if self.matrix.sender.can_decrypt or not await self.matrix.lookups.is_encrypted(room_id):
            return False
        self.control_room.explained.add(room_id)
        return True

    async def _describe(self, rooms: OwnerRooms, is_new: bool, unreadable: bool) -> str:
        space = await self.control_room.describe(rooms)
        chat = await self.control_room.link_to_chat(rooms)
        if chat is not None and is_new and len(rooms.chats) == 1:
            welcome = sentences.WELCOME_ENCRYPTED if unreadable else sentences.WELCOME
            return welcome.format(space=space, chat=chat)
        again, alone = sentences.WELCOME_AGAIN, sentences.WELCOME_WITHOUT_CHAT
        text = (alone if chat is None else again).format(space=space, chat=chat)
        return f"{text} {sentences.UNREADABLE}" if unreadable else text

    async def _decline(self, invitation: Invitation) -> None:
        """Decline an invitation unseen. What fails is not worth a wait: nobody is owed this."""
        room_id = invitation.room_id
        # maubot may be about to join by itself; a room that was joined is never left.
        await asyncio.sleep(self.queue.backoff.delay(3))
        try:
            if await self._is_joined(room_id):
                return
            await self.matrix.writer.leave(room_id, sentences.NOT_SERVED)
        except MForbidden:
            self.log.debug("The invitation to %s stands no more", room_id)
        except (NoAnswer, MatrixRequestError) as error:
            self.log.warning("The invitation to %s could not be declined: %s", room_id, error)
        else:
            self.log.info("Declined an invitation of %s: no permission", invitation.sender)

    async def _is_joined(self, room_id: RoomID) -> bool:
        member, bot = "m.room.member", self.config.bot
        try:
            found = await self.matrix.lookups.state_value(room_id, member, "membership", bot)
        except MForbidden:
            return False
        return found == "join"
