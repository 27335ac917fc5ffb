"""A wish for rooms, from its making to its fulfilment, and what its owner is told meanwhile.

It stands apart so that whoever makes the rooms and whoever decides about their order know the
same thing. Nothing is made or ordered here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import attr
from mautrix.types import UserID

# Told of a wait, with its length in seconds as far as anybody can foresee it.
OnWait = Callable[[float], Awaitable[None]]


@attr.define(eq=False)
class RoomWish:
    """Somebody wants a Space, a chat or both.

    Attributes:
        owner: whose rooms.
        first: they have no chat yet.
        number: counts the wishes, in the order of their coming.
        tell: called once, beside, if it takes long.
        patience: seconds in all that count as long.
        rooms: how many are wanted.
        made: how many of them were made.
    """

    owner: UserID
    first: bool
    number: int
    tell: OnWait | None
    patience: float
    rooms: int
    made: int = 0
    turn: asyncio.Event = attr.field(factory=asyncio.Event)
    _since: float = attr.field(factory=lambda: asyncio.get_running_loop().time())
    _telling: asyncio.Future[None] | None = None

    @property
    def left(self) -> int:
        """How many rooms are to be made yet, as far as is known here."""
        return max(0, self.rooms - self.made)

    def expect(self, seconds: float) -> None:
        """Have the owner told, unless they were, if what they waited and still have to comes to
        more than a moment; nobody waits for that.

        Args:
            seconds: how much longer it takes.
        """
        waited = asyncio.get_running_loop().time() - self._since
        if self.tell is None or self._telling or not seconds:
            return
        if waited + seconds > self.patience:
            self._telling = asyncio.ensure_future(self.tell(seconds))

    async def close(self, log: logging.Logger) -> None:
        """End the telling: what is said from now on says more."""
        if self._telling is None:
            return
        self._telling.cancel()
        (failure,) = await asyncio.gather(self._telling, return_exceptions=True)
        if isinstance(failure, Exception):
            log.warning("%s could not be told that they wait: %s", self.owner, failure)
