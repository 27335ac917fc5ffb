"""Makes something for an owner in their turn, and again until the homeserver has it.

What the homeserver may have made although it did not answer is found again by its marker before
the next try. Each owner's wishes are met one after the other; what they are is not known here.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..errors import UserError
from ..matrix.api import NoAnswer
from ..matrix.lanes import LONGEST_PAUSE
from ..matrix.retry import Backoff
from ..topology.scope import Scope
from . import sentences
from .room_turns import RoomTurns
from .room_wish import RoomWish

if TYPE_CHECKING:
    from ..reconciler.loop import Reconciler

T = TypeVar("T")

TRIES = 4


class RoomRefused(UserError):
    """What was asked for was not made: the homeserver said no, or nobody may ask any more."""


class OwnerLock:
    """Makes rooms for one instance's owners, one thing at a time for each of them."""

    def __init__(self, reconciler: Reconciler, turns: RoomTurns, backoff: Backoff) -> None:
        """
        Args:
            reconciler: finds what the homeserver made without saying so.
            turns: say whose room is made next.
            backoff: the waits before a homeserver that does not answer is asked again.
        """
        self.reconciler = reconciler
        self.turns = turns
        self.backoff = backoff
        self.log = reconciler.log
        self._locks: WeakValueDictionary[UserID, asyncio.Lock] = WeakValueDictionary()
        # Held for as long as something is wished for, while the others are held for a moment.
        self._wish_locks: WeakValueDictionary[UserID, asyncio.Lock] = WeakValueDictionary()

    async def run_with_retry(
        self, wish: RoomWish, find: Callable[[], T | None], make: Callable[[], Awaitable[T]]
    ) -> T:
        """Make something in its owner's turn, again only after a look that was answered: a
        homeserver that asks for patience gets it, one that does not answer a few tries.

        Args:
            wish: for whom.
            find: what was made meanwhile; asked before each try.
            make: makes it.

        Raises:
            RoomRefused: the homeserver said that it does not make it.
            UserError: it could not be made now, or nobody knows whether it was.
        """
        async with _lock_of(wish.owner, self._wish_locks):
            failures, limits, failure = 0, 0, None
            unread = self.reconciler.routes.unread
            while True:
                unseen = failure is not None
                try:
                    if unseen:
                        await self._look_for(wish.owner, unread)
                        unseen = False
                    return await self._make_in_turn(wish, find, make)
                except NoAnswer as error:
                    failure = error
                except MatrixRequestError as error:
                    self.log.warning("The homeserver makes no room for %s: %s", wish.owner, error)
                    kind = UserError if unseen else RoomRefused
                    raise kind(sentences.HOMESERVER_REFUSED.format(error=error)) from error
                # In a row: one that asks for patience is there.
                failures = 0 if failure.limited else failures + 1
                limits = limits + 1 if failure.limited else 0
                if failures >= TRIES:
                    raise UserError(sentences.HOMESERVER_SILENT)
                # Who met the limit looks at once, to be in the queue again when it ends.
                if unseen or not (failure.limited and self.turns.is_closed):
                    await self._wait(wish, failure, limits or failures)

    async def _make_in_turn(
        self, wish: RoomWish, find: Callable[[], T | None], make: Callable[[], Awaitable[T]]
    ) -> T:
        lock = self.lock(wish.owner)
        while True:
            async with lock:
                if (found := find()) is not None:
                    return found
            async with self.turns.turn(wish):
                # Nobody else waits for what their owner has begun meanwhile.
                if lock.locked():
                    continue
                async with lock:
                    found = find()
                    return found if found is not None else await make()

    async def look(self, wish: RoomWish, why: str) -> None:
        """Look for what an owner has, for as long as the homeserver asks for patience.

        Args:
            wish: for whom.
            why: the reason, for the log.

        Raises:
            UserError: the homeserver does not answer.
        """
        for attempt in itertools.count(1):
            try:
                scope = Scope(frozenset({wish.owner}))
                await self.reconciler.run_for(scope, why, search=True)
            except (NoAnswer, MatrixRequestError) as error:
                if not (isinstance(error, NoAnswer) and error.limited):
                    raise UserError(sentences.HOMESERVER_SILENT) from error
                await self._wait(wish, error, attempt)
            else:
                return

    async def _wait(self, wish: RoomWish, failure: NoAnswer, failures: int) -> None:
        seconds = failure.retry_after or self.backoff.delay(failures)
        if failure.limited:
            wish.expect(seconds)
        await asyncio.sleep(min(seconds, LONGEST_PAUSE))

    async def _look_for(self, owner: UserID, unread: frozenset[RoomID]) -> None:
        """See whether the homeserver made a room although it did not say so.

        Args:
            owner: for whom.
            unread: the rooms that could not be read before either; the room is none of them.

        Raises:
            NoAnswer: that could not be seen.
        """
        routes = self.reconciler.routes
        scope = Scope(frozenset({owner}), routes.unread - unread)
        await self.reconciler.run_for(scope, "a room may have been made", search=True)
        if new := routes.unread - unread:
            raise NoAnswer(f"{min(new)} may be that room, and could not be read")

    async def refresh(self, scope: Scope, why: str, search: bool = False) -> bool:
        """Look at Matrix once more; without an answer, what is known stays known.

        Args:
            scope: where.
            why: the reason, for the log.
            search: look through the joined rooms too, for ones that nobody knows.

        Returns:
            Whether there was an answer.
        """
        try:
            await self.reconciler.run_for(scope, why, search)
        except (NoAnswer, MatrixRequestError):
            return False
        return True

    def lock(self, owner: UserID) -> asyncio.Lock:
        """Held while something of this owner's is made or changed."""
        return _lock_of(owner, self._locks)

    async def wait_for(self, owner: UserID) -> None:
        """Wait until what is being made for this owner is made, or was not."""
        async with self.lock(owner):
            return


def _lock_of(owner: UserID, locks: WeakValueDictionary[UserID, asyncio.Lock]) -> asyncio.Lock:
    lock = locks.get(owner)
    if lock is None:
        locks[owner] = lock = asyncio.Lock()
    return lock
