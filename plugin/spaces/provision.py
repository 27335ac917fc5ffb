"""Makes Spaces and chats, once each, however often and from wherever they are asked for.

What is asked for is looked for first. How often a homeserver is tried that is busy or away is
decided in room_retry.py; the requests are made by room_creator.py.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import attr
from mautrix.errors import MForbidden
from mautrix.types import RoomID, UserID

from ..errors import UserError
from ..matrix.api import NoAnswer
from ..platforms.protocol import Platform, PlatformError
from ..topology.model import Binding, Chat, Space
from ..topology.scope import Scope
from . import sentences
from .owner_rooms import OwnerRooms
from .room_creator import RoomCreator
from .room_retry import OwnerLock, RoomRefused
from .room_wait import RoomWait
from .room_wish import OnWait, RoomWish

if TYPE_CHECKING:
    from ..reconciler.loop import Reconciler

# The key of a Space's first chat: any other chat will do as well.
FIRST = "first"


class Provisioning:
    """Makes one instance's Spaces and chats."""

    def __init__(
        self,
        reconciler: Reconciler,
        owner_lock: OwnerLock,
        creator: RoomCreator,
        room_wait: RoomWait,
    ) -> None:
        """
        Args:
            reconciler: finds what the homeserver made without saying so.
            owner_lock: lets one thing at a time be made for an owner.
            creator: makes the rooms.
            room_wait: lets owners wait whose rooms may be there and cannot be read.
        """
        self.matrix = creator.matrix
        self.room_wait = room_wait
        self.reconciler = reconciler
        self.owner_lock = owner_lock
        self.creator = creator
        self.config = creator.config
        self.routes = reconciler.routes

    async def ensure_rooms(self, owner: UserID, tell: OnWait | None = None) -> OwnerRooms:
        """The owner's Space with a chat in it; whatever of it is missing is made.

        Args:
            owner: whose.
            tell: called once if it will take a while, with the seconds, as far as is known.

        Raises:
            UserError: it could not be made now.
        """
        space, chats = self.routes.spaces.get(owner), self.routes.chats_of(owner)
        if space is not None and chats:
            return OwnerRooms(space, chats)
        until = self.room_wait.deadline()
        rooms = (space is None) + (not chats)
        async with self.owner_lock.turns.wish(owner, tell, rooms, first=not chats) as wish:
            space = await self._make_space(wish, until)
            if wish.made and self.routes.chats_of(owner):
                # The Space before it is lost to the bot; its chats come along.
                why = "a new Space for old chats"
                await self.owner_lock.refresh(Scope(frozenset({owner})), why)
            if not self.routes.chats_of(owner):
                await self._make_chat(wish, ("", FIRST), until)
        return OwnerRooms(space, self.routes.chats_of(owner))

    async def make_chat(
        self, owner: UserID, title: str, key: str, tell: OnWait | None = None
    ) -> Chat:
        """A further chat in the owner's Space, which is made too if there is none.

        Args:
            owner: whose chat.
            title: the room's name; empty for the configured one.
            key: names the wish; asked for twice with one key, it is one chat.
            tell: called once if it will take a while, with the seconds, as far as is known.

        Raises:
            UserError: it could not be made now.
        """
        until = self.room_wait.deadline()
        async with self.owner_lock.turns.wish(owner, tell) as wish:
            await self._make_space(wish, until)
            return await self._make_chat(wish, (title, key), until)

    async def invite_back(self, room_id: RoomID, owner: UserID) -> bool:
        """Invite the owner to a room unless they are in it or invited.

        Returns:
            Whether an invitation was sent.

        Raises:
            UserError: the homeserver does not let the bot invite them, or not yet.
            NoAnswer: whether they were invited is not known.
        """
        membership = await self.matrix.lookups.state_value(
            room_id, "m.room.member", "membership", owner
        )
        if membership in ("join", "invite"):
            return False
        try:
            await self.matrix.writer.invite(room_id, owner)
        except MForbidden:
            raise UserError(sentences.CANNOT_INVITE) from None
        except NoAnswer as error:
            if not error.limited:
                raise
            when = sentences.minutes(error.retry_after or 0)
            raise UserError(sentences.INVITE_LATER.format(minutes=when)) from None
        return True

    async def reinvite_to_space(self, owner: UserID, tell: OnWait | None = None) -> None:
        """See that an owner who is there again can find their Space: whoever left it is invited
        back, whoever has none any more gets a new one with their chats in it."""
        space = self.routes.spaces.get(owner)
        if space is not None and not space.owner_left:
            return
        home = await self.ensure_rooms(owner, tell)
        await self.invite_back(home.space.room_id, owner)
        # Asked once: whoever leaves again is invited again when they speak again.
        self.routes.put_space(attr.evolve(home.space, owner_left=False))
        await self.reconciler.save(owner)

    async def _make_space(self, wish: RoomWish, until: float) -> Space:
        owner, spaces = wish.owner, self.routes.spaces
        if owner not in spaces:
            # It may be there, unheard of: a second one would be worse than a late one.
            await self.owner_lock.look(wish, "a Space is wanted")
        if owner not in spaces:
            await self.room_wait.wait_for(owner, until, spaces=True)
        find, make = partial(spaces.get, owner), partial(self.creator.make_space, wish)
        return await self.owner_lock.run_with_retry(wish, find, make)

    async def _make_chat(self, wish: RoomWish, named: tuple[str, str], until: float) -> Chat:
        owner, (title, key) = wish.owner, named
        name = self.config.settings.default_platform
        platform = self.config.platform(name)
        try:
            conversation = await platform.open(f"{self.matrix.identity.instance} {owner} {key}")
        except PlatformError as error:
            raise UserError(error.sentence) from error

        def find() -> Chat | None:
            chats, limit = self.routes.chats_of(owner), self.owner_lock.turns.limits.chats
            found = (one for one in chats if key == FIRST or one.platform_chat_id == conversation)
            if (chat := next(found, None)) is None and len(chats) >= limit:
                raise RoomRefused(sentences.CHATS_FULL.format(limit=limit))
            return chat

        async def make() -> Chat:
            binding = Binding(
                chat_id=f"C{self.routes.next_number(owner)}",
                space_id=self.routes.spaces[owner].room_id,
                matrix_user_id=owner,
                platform=name,
                platform_chat_id=conversation,
            )
            return await self.creator.make_chat(wish, binding, title)

        # One may be the chat that is wanted, or have the next number.
        await self.room_wait.wait_for(owner, until, spaces=False)
        try:
            chat = await self.owner_lock.run_with_retry(wish, find, make)
        except RoomRefused:
            await self._forget_unused(platform, owner, conversation)
            raise
        await self._forget_unused(platform, owner, conversation)
        return chat

    async def _forget_unused(self, platform: Platform, owner: UserID, conversation: str) -> None:
        """End a conversation that none of the owner's chats has. Not to be called where a room
        may have been made that nobody has seen: it would have the conversation."""
        if all(chat.platform_chat_id != conversation for chat in self.routes.chats_of(owner)):
            with contextlib.suppress(PlatformError):
                await platform.forget(conversation)
