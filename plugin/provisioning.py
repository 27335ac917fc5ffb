"""Makes Spaces and chats, once each, however often and from wherever they are asked for.

What is asked for is looked for first; what the homeserver may have made although it did not
answer is found again by its marker. Each owner's wishes are met one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

import attr
from mautrix.errors import MatrixRequestError, MForbidden
from mautrix.types import RoomID, UserID

from .creation import Creation
from .errors import UserError
from .matrix.api import NoAnswer
from .matrix.retry import wait_before
from .platforms.protocol import PlatformError
from .topology.model import Binding, Chat, Space
from .topology.relevance import Scope

if TYPE_CHECKING:
    from .cache.store import Store
    from .matrix.session import Matrix
    from .reconciliation import Reconciliation
    from .setup import Setup
    from .topology.routes import Slot

T = TypeVar("T")
Tell = Callable[[float], Awaitable[None]]

# The key of a Space's first chat: any other chat will do as well.
FIRST = "first"
TRIES = 4
# Seconds: the longest that somebody's room is tried for, and a wait they should hear of.
LONGEST_WAIT = 3600.0
WORTH_TELLING = 5.0
NO_ANSWER = "The homeserver does not answer just now. Nothing is lost; please try again shortly."
NOT_LOOKED = (
    "I could not look at all of my rooms yet, so I make no new Space: yours may be among them. "
    "Please try again shortly."
)


@attr.frozen
class Home:
    """An owner's Space and the chats in it; `made` says that the Space is new."""

    space: Space
    chats: list[Chat]
    made: bool


class Provisioning:
    """Makes one instance's Spaces and chats."""

    def __init__(
        self,
        matrix: Matrix,
        store: Store,
        reconciliation: Reconciliation,
        setup: Callable[[], Setup],
    ) -> None:
        """
        Args:
            matrix: where rooms are made.
            store: the cache, told of each change.
            reconciliation: finds what the homeserver made without saying so.
            setup: the configuration in force.
        """
        self.matrix = matrix
        self.store = store
        self.reconciliation = reconciliation
        self.setup = setup
        self.slot: Slot = reconciliation.slot
        self.creation = Creation(matrix, store, self.slot, setup)
        self._locks: WeakValueDictionary[UserID, asyncio.Lock] = WeakValueDictionary()

    async def make_home(self, owner: UserID) -> Home:
        """The owner's Space with a chat in it; whatever of it is missing is made.

        Raises:
            UserError: it could not be made now.
        """
        space, made = await self._make_space(owner)
        if made and self.slot.current.chats_of(owner):
            # The Space before it is lost to the bot; its chats come along.
            await self.look_again(Scope(frozenset({owner})), "a new Space for old chats")
        if not self.slot.current.chats_of(owner):
            await self._make_chat(owner, "", FIRST)
        return Home(space, self.slot.current.chats_of(owner), made)

    async def make_chat(
        self, owner: UserID, title: str, key: str, tell: Tell | None = None
    ) -> Chat:
        """A further chat in the owner's Space, which is made too if there is none.

        Args:
            owner: whose chat.
            title: the room's name; empty for the configured one.
            key: names the wish; asked for twice with one key, it is one chat.
            tell: called once if it will take a while, with the seconds of the next wait.

        Raises:
            UserError: it could not be made now.
        """
        await self._make_space(owner)
        return await self._make_chat(owner, title, key, tell)

    async def invite_back(self, room_id: RoomID, owner: UserID) -> bool:
        """Invite the owner to a room unless they are in it or invited.

        Returns:
            Whether an invitation was sent.
        """
        membership = await self.matrix.reader.state_value(
            room_id, "m.room.member", "membership", owner
        )
        if membership in ("join", "invite"):
            return False
        try:
            await self.matrix.writer.invite(room_id, owner)
        except MForbidden:
            raise UserError("The homeserver does not let me invite you there.") from None
        return True

    async def call_home(self, owner: UserID) -> None:
        """See that an owner who is there again can find their Space: whoever left it is invited
        back, whoever has none any more gets a new one with their chats in it."""
        space = self.slot.current.spaces.get(owner)
        if space is not None and not space.owner_left:
            return
        home = await self.make_home(owner)
        await self.invite_back(home.space.room_id, owner)
        # Asked once: whoever leaves again is invited again when they speak again.
        self.slot.put_space(attr.evolve(home.space, owner_left=False))

    async def wait_for(self, owner: UserID) -> None:
        """Wait until what is being made for this owner is made, or was not."""
        async with self.lock(owner):
            return

    async def look_again(self, scope: Scope, why: str) -> bool:
        """Look at Matrix once more; without an answer, what is known stays known.

        Args:
            scope: where, beside the joined rooms that nobody knows.
            why: the reason, for the log.

        Returns:
            Whether there was an answer.
        """
        try:
            await self.reconciliation.run_for(scope, why)
        except (NoAnswer, MatrixRequestError):
            return False
        return True

    def lock(self, owner: UserID) -> asyncio.Lock:
        """Held while something of this owner's is made or changed."""
        lock = self._locks.get(owner)
        if lock is None:
            self._locks[owner] = lock = asyncio.Lock()
        return lock

    async def _make_space(self, owner: UserID) -> tuple[Space, bool]:
        async def make() -> tuple[Space, bool]:
            space = self.slot.current.spaces.get(owner)
            if space is not None:
                return space, False
            if self.slot.current.unread:
                raise UserError(NOT_LOOKED)
            return await self.creation.make_space(owner), True

        if owner not in self.slot.current.spaces:
            # It may be there, unheard of: a second one would be worse than a late one.
            scope = Scope(frozenset({owner}), self.slot.current.unread)
            if not await self.look_again(scope, "a Space is wanted"):
                raise UserError(NO_ANSWER)
        return await self._insist(owner, make)

    async def _make_chat(
        self, owner: UserID, title: str, key: str, tell: Tell | None = None
    ) -> Chat:
        name = self.setup().settings.default_platform
        platform = self.setup().platform(name)
        try:
            conversation = await platform.open(f"{self.matrix.identity.instance} {owner} {key}")
        except PlatformError as error:
            raise UserError(error.sentence) from error

        async def make() -> Chat:
            for chat in self.slot.current.chats_of(owner):
                if key == FIRST or chat.binding.platform_chat_id == conversation:
                    return chat
            binding = Binding(
                room_type="chat",
                chat_id=f"C{self.slot.current.next_number(owner)}",
                space_id=self.slot.current.spaces[owner].room_id,
                matrix_user_id=owner,
                platform=name,
                platform_chat_id=conversation,
            )
            return await self.creation.make_chat(binding, title)

        chat = None
        try:
            chat = await self._insist(owner, make, tell)
        finally:
            if chat is None or chat.binding.platform_chat_id != conversation:
                with contextlib.suppress(PlatformError):
                    await platform.forget(conversation)
        return chat

    async def _insist(
        self, owner: UserID, make: Callable[[], Awaitable[T]], tell: Tell | None = None
    ) -> T:
        """Make something under its owner's lock, looking again before each further try.

        A homeserver that asks for patience gets it, and the owner is told once; one that does
        not answer is given a few tries.
        """
        loop = asyncio.get_running_loop()
        deadline, failures = loop.time() + LONGEST_WAIT, 0
        while True:
            async with self.lock(owner):
                try:
                    return await make()
                except NoAnswer as error:
                    failure = error
                except MatrixRequestError as error:
                    raise UserError(f"The homeserver refused: {error}") from error
            failures += not failure.limited
            wait = failure.retry_after or wait_before(max(failures, 1))
            if failures >= TRIES or loop.time() + wait > deadline:
                raise UserError(NO_ANSWER)
            if tell is not None and wait > WORTH_TELLING:
                await tell(wait)
                tell = None
            await asyncio.sleep(wait)
            await self.look_again(Scope(frozenset({owner})), "a room may have been made")
