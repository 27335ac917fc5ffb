"""Makes something for an owner under their lock, and again until the homeserver has it.

What the homeserver may have made although it did not answer is found again by its marker before
the next try. Each owner's wishes are met one after the other; what they are is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..errors import UserError
from ..matrix.api import NoAnswer
from ..matrix.retry import Backoff
from ..topology.scope import Scope
from . import sentences

if TYPE_CHECKING:
    from ..reconciler.loop import Reconciler

T = TypeVar("T")
OnWait = Callable[[float], Awaitable[None]]

TRIES = 4
# Seconds: the longest that somebody's room is tried for, and a wait they should hear of.
LONGEST_WAIT = 3600.0
WORTH_TELLING = 5.0


class RoomRefused(UserError):
    """What was asked for was not made: the homeserver said no, or nobody may ask any more."""


class OwnerLock:
    """Makes rooms for one instance's owners, one thing at a time for each of them."""

    def __init__(self, reconciler: Reconciler, backoff: Backoff) -> None:
        self.reconciler = reconciler
        self.backoff = backoff
        self.log = reconciler.log
        self._locks: WeakValueDictionary[UserID, asyncio.Lock] = WeakValueDictionary()

    async def run_with_retry(
        self, owner: UserID, make: Callable[[], Awaitable[T]], tell: OnWait | None = None
    ) -> T:
        """Make something under its owner's lock, again only after a look that was answered.

        A homeserver that asks for patience gets it, and the owner is told once; one that does
        not answer is given a few tries.

        Raises:
            RoomRefused: the homeserver said that it does not make it.
            UserError: it could not be made now, or nobody knows whether it was.
        """
        loop = asyncio.get_running_loop()
        deadline, failures = loop.time() + LONGEST_WAIT, 0
        failure: NoAnswer | None = None
        unread = self.reconciler.routes.unread
        while True:
            unseen = failure is not None
            try:
                if unseen:
                    await self._look_for(owner, unread)
                    unseen = False
                async with self.lock(owner):
                    return await make()
            except NoAnswer as error:
                failure = error
            except MatrixRequestError as error:
                self.log.warning("The homeserver makes no room for %s: %s", owner, error)
                kind = UserError if unseen else RoomRefused
                raise kind(sentences.HOMESERVER_REFUSED.format(error=error)) from error
            failures += not failure.limited
            wait = failure.retry_after or self.backoff.delay(max(failures, 1))
            if failures >= TRIES or loop.time() + wait > deadline:
                raise UserError(sentences.HOMESERVER_SILENT)
            if tell is not None and wait > WORTH_TELLING:
                await tell(wait)
                tell = None
            await asyncio.sleep(wait)

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
        lock = self._locks.get(owner)
        if lock is None:
            self._locks[owner] = lock = asyncio.Lock()
        return lock

    async def wait_for(self, owner: UserID) -> None:
        """Wait until what is being made for this owner is made, or was not."""
        async with self.lock(owner):
            return
