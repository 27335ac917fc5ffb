"""Whose room is made next, where a homeserver makes only so many in a time.

Synapse makes ten rooms at once, and then one a minute, for the bot as a whole: whoever asks for
many must not keep others waiting. The first rooms of newcomers come first, all others in turn by
owner. Nothing is requested here.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import Counter
from collections.abc import AsyncIterator

from mautrix.types import UserID

from ..config.timing import Limits, Timing
from ..errors import UserError
from ..matrix.lanes import LONGEST_PAUSE
from . import sentences
from .room_wish import OnWait, RoomWish

# Rooms that are made at the same time.
PLACES = 2
# What Synapse lets an account make by default: so many rooms, and then one in so many seconds.
USUAL_BURST = 10
USUAL_INTERVAL = 62.5


class RoomTurns:
    """The wishes for rooms of one instance, and when each may be met."""

    def __init__(self, timing: Timing, limits: Limits, log: logging.Logger) -> None:
        """
        Args:
            timing: the pauses where the homeserver names none, and when people hear of them.
            limits: chats that one person may have, and wait for.
            log: the instance's log.
        """
        self.limits = limits
        self._timing = timing
        self._log = log
        self._numbers = itertools.count()
        self._wishes: list[RoomWish] = []
        self._waiting: list[RoomWish] = []
        self._held: set[RoomWish] = set()
        self._made: Counter[UserID] = Counter()
        self._refusals = 0
        # How long the homeserver makes no room, by its own word and by ours, and what lies between
        # two rooms that it makes; in seconds, the former two in the event loop's time.
        self._told_until = self._closed_until = self._interval = 0.0

    @contextlib.asynccontextmanager
    async def wish(
        self, owner: UserID, tell: OnWait | None, rooms: int = 1, first: bool = False
    ) -> AsyncIterator[RoomWish]:
        """Wish for rooms, for as long as the block lasts.

        Args:
            owner: whose.
            tell: called once if it takes long.
            rooms: how many.
            first: they have no chat yet.

        Raises:
            UserError: they wait for many already.
        """
        limit = self.limits.chats_at_once
        if not first and sum(one.owner == owner for one in self._wishes) >= limit:
            raise UserError(sentences.TOO_MANY_CHATS.format(limit=limit))
        wish = RoomWish(owner, first, next(self._numbers), tell, self._timing.tell, rooms)
        if not self._wishes and not self.is_closed:
            self._forget()
        self._wishes.append(wish)
        self._foresee()
        try:
            yield wish
        finally:
            self._wishes.remove(wish)
            # The order of the others may be another one without it.
            self._wake_next()
            await wish.close(self._log)

    @contextlib.asynccontextmanager
    async def turn(self, wish: RoomWish) -> AsyncIterator[None]:
        """Wait until a room may be made for this wish; the place is free again when the block
        ends, `give_back` was called, or it takes long: somebody's own server may not answer."""
        await self._take(wish)
        loop = asyncio.get_running_loop()
        end = loop.call_later(self._timing.room_turn, self.give_back, wish)
        try:
            yield
        finally:
            end.cancel()
            self.give_back(wish)

    def give_back(self, wish: RoomWish) -> None:
        """Note that nothing is being made for this wish any more."""
        self._held.discard(wish)
        self._wake_next()

    def count(self, wish: RoomWish) -> None:
        """Note that a room was made."""
        self._made[wish.owner] += 1
        self._refusals = 0
        wish.made += 1

    def close(self, seconds: float | None) -> None:
        """Note that the homeserver makes no rooms for a while, and have everybody told.

        Args:
            seconds: how long; None if it did not say.
        """
        self._refusals += 1
        pause = seconds or self._timing.requests.backoff.delay(self._refusals)
        now = asyncio.get_running_loop().time()
        # Whoever is told of hours asks again sooner.
        self._closed_until = max(self._closed_until, now + min(pause, LONGEST_PAUSE))
        self._told_until = max(self._told_until, now + pause)
        self._interval = max(self._interval, pause)
        self._foresee()

    @property
    def is_closed(self) -> bool:
        """Whether the homeserver makes no rooms just now."""
        return self._closed_until > asyncio.get_running_loop().time()

    async def _take(self, wish: RoomWish) -> None:
        loop = asyncio.get_running_loop()
        self._waiting.append(wish)
        try:
            while True:
                places = 1 if self._interval else PLACES
                if len(self._held) >= places or self._next() is not wish:
                    wish.turn.clear()
                    await wish.turn.wait()
                elif self.is_closed:
                    await asyncio.sleep(self._closed_until - loop.time())
                else:
                    self._held.add(wish)
                    return
        finally:
            self._waiting.remove(wish)
            self._wake_next()

    def _wake_next(self) -> None:
        if self._waiting:
            self._next().turn.set()

    def _next(self) -> RoomWish:
        return next(wish for wish in self._in_order() if wish in self._waiting)

    def _in_order(self) -> list[RoomWish]:
        """The wishes in the order in which they are met, those that are being met included."""
        before, ranks = Counter(self._made), {}
        for wish in self._wishes:
            ranks[wish] = (not wish.first, 0 if wish.first else before[wish.owner], wish.number)
            before[wish.owner] += wish.left
        return sorted(self._wishes, key=ranks.__getitem__)

    def _foresee(self) -> None:
        """Tell everybody how long it takes, as far as the limits met so far tell."""
        first: dict[UserID, float] = {}
        rooms = 0
        for wish in self._in_order():
            if wish.first and wish.owner in first:
                # What newcomers wish for twice is made once.
                wish.expect(first[wish.owner])
            elif wish.left:
                rooms += wish.left
                wish.expect(seconds := self._seconds_for(rooms))
                if wish.first:
                    first[wish.owner] = seconds

    def _seconds_for(self, rooms: int) -> float:
        """How long it takes to make so many more rooms."""
        if not self._interval:
            return 0.0
        pause = max(0.0, self._told_until - asyncio.get_running_loop().time())
        made = sum(self._made.values())
        # The first limit that is met may be a shorter one, of requests of all kinds.
        beyond = rooms - (USUAL_BURST - made) if made <= USUAL_BURST else 0
        return max(pause + (rooms - 1) * self._interval, beyond * USUAL_INTERVAL)

    def _forget(self) -> None:
        """Begin anew, where nobody waits: what was met before says little."""
        self._made.clear()
        self._refusals = 0
        self._closed_until = self._told_until = self._interval = 0.0
