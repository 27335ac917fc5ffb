"""Invitations: somebody asks the bot in, and gets a Space with a first chat.

The invitation is accepted last: until then it stands in Matrix, so whatever is interrupted is
found by the next start and finished, and nothing is made twice.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from functools import partial

from maubot.handlers import event
from mautrix.client import SyncStream
from mautrix.errors import MatrixRequestError
from mautrix.types import EventType, Membership, RoomID, StateEvent, UserID
from mautrix.types import MemberStateEventContent as Member

from ..config.permissions import Level
from ..delivery.error_boundary import ErrorBoundary
from ..delivery.room_queues import RoomQueues
from ..errors import UserError
from ..matrix.api import NoAnswer
from ..matrix.links import link, room_url
from ..matrix.retry import Backoff
from ..matrix.sync import Invitation
from ..spaces.provision import OwnerRooms
from ..topology.model import Status
from ..topology.snapshot import Room
from . import sentences
from .control_room import ControlRoom


class Invitations:
    """Answers invitations, those that came while nobody was there included."""

    def __init__(
        self,
        control_room: ControlRoom,
        queues: RoomQueues,
        boundary: ErrorBoundary,
        backoff: Backoff,
    ) -> None:
        """
        Args:
            control_room: knows whose control room a room is.
            queues: keep the order of what happens in a room.
            boundary: tells people what went wrong.
            backoff: the waits before an invitation is answered again.
        """
        self.control_room = control_room
        self.matrix = control_room.matrix
        self.provisioning = control_room.provisioning
        self.config = control_room.config
        self.queues = queues
        self.boundary = boundary
        self.log = boundary.log
        self.backoff = backoff
        self._apologised: set[UserID] = set()
        self._pending = 0
        # The same invitation may come two ways while the plugin starts.
        self._welcomed: set[RoomID] = set()

    @event.on(EventType.ROOM_MEMBER)
    async def take(self, evt: StateEvent) -> None:
        """Queue an invitation of the bot."""
        content = evt.content
        if evt.state_key != self.config.bot or not isinstance(content, Member):
            return
        if content.membership in (Membership.LEAVE, Membership.BAN):
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
            if (space := self.provisioning.routes.spaces.get(owner)) is not None:
                self.queues.put(space.room_id, partial(self._ensure_rooms, owner))

    async def _ensure_rooms(self, owner: UserID) -> None:
        try:
            await self.provisioning.ensure_rooms(owner)
        except UserError as error:
            self.log.warning("The first chat of %s is still missing: %s", owner, error.text)

    def greet(self, rooms: Iterable[Room]) -> None:
        """Greet people in rooms that maubot joined without the plugin hearing of it, each room in
        its turn: one that cannot be read keeps no other waiting.

        Args:
            rooms: joined rooms that the bot did not make and did not know before.
        """
        for room in rooms:
            self.queues.put(room.room_id, partial(self._greet, room))

    async def _greet(self, room: Room) -> None:
        others = [
            user
            for user, membership in room.members.items()
            if membership == "join" and user != self.config.bot
        ]
        try:
            is_direct = len(others) == 1 and not room.is_space
            if is_direct and not await self.matrix.lookups.has_spoken(room.room_id):
                self.answer(Invitation(room.room_id, others[0]))
            else:
                self.provisioning.reconciler.mark_foreign(room.room_id)
        except (NoAnswer, MatrixRequestError) as error:
            # It is not marked, so the next look at it leads here again.
            self.log.warning("%s could not be greeted: %s", room.room_id, error)

    def answer(self, invitation: Invitation) -> None:
        """Queue the answer to an invitation; answering one twice does no harm."""
        self._pending += 1
        self.queues.put(invitation.room_id, partial(self._serve, invitation))

    @property
    def idle(self) -> bool:
        """Whether every invitation was answered."""
        return not self._pending

    async def _serve(self, invitation: Invitation) -> None:
        async with self.boundary.serving(invitation.room_id):
            await self._answer_until_taken(invitation)
        # Not where this was cancelled: then it is the next start's to answer.
        self._pending -= 1

    async def _answer_until_taken(self, invitation: Invitation) -> None:
        """Answer an invitation, for however long the homeserver does not take it."""
        for attempt in itertools.count(1):
            try:
                await self._answer(invitation)
            except NoAnswer as error:
                self.log.warning("The invitation to %s waits: %s", invitation.room_id, error)
                self._welcomed.discard(invitation.room_id)
                await asyncio.sleep(self.backoff.delay(attempt))
            else:
                return

    async def _answer(self, invitation: Invitation) -> None:
        if self.config.level_of(invitation.sender) < Level.USER:
            await self._decline(invitation)
            return
        if invitation.room_id in self._welcomed:
            return
        self._welcomed.add(invitation.room_id)
        try:
            rooms = await self.provisioning.ensure_rooms(invitation.sender)
        except UserError:
            # Said in the room, which the bot must have joined for that.
            await self.matrix.writer.join(invitation.room_id)
            raise
        await self.matrix.writer.join(invitation.room_id)
        if await self.control_room.is_control_room(invitation.room_id, invitation.sender):
            await self.matrix.sender.notice(invitation.room_id, await self._welcome(rooms))
        self.provisioning.reconciler.mark_foreign(invitation.room_id)

    async def _welcome(self, rooms: OwnerRooms) -> str:
        space = await self.control_room.describe(rooms)
        live = next((chat for chat in rooms.chats if chat.status is Status.LIVE), None)
        if live is None:
            return sentences.WELCOME_WITHOUT_CHAT.format(space=space)
        url = room_url(live.room_id, self.config.bot, live.owner)
        return sentences.WELCOME.format(space=space, chat=link(sentences.FIRST_CHAT, url))

    async def _decline(self, invitation: Invitation) -> None:
        room_id: RoomID = invitation.room_id
        if invitation.sender not in self._apologised:
            self._apologised.add(invitation.sender)
            await self.matrix.writer.join(room_id)
            await self.matrix.sender.notice(room_id, sentences.NOT_SERVED)
        await self.matrix.writer.leave(room_id, sentences.NOT_SERVED)
        self.log.info("Declined an invitation of %s, who has no permission", invitation.sender)
