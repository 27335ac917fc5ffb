"""Carries a plan out, owner by owner: Matrix first, then the routes.

What Matrix did not take is not routed by. What somebody changed after the run began to look is
left as they made it. Nothing here takes longer than it is given: what Matrix does not take in
that time waits for another run, and nobody else waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from weakref import WeakValueDictionary

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..config.timing import Timing
from ..matrix.api import NoAnswer
from ..matrix.writer import Writer
from ..planner.plan import Plan
from ..planner.writes import Write
from ..topology.current_routes import Claims, CurrentRoutes
from ..topology.model import Topology
from ..topology.routes import build_routes
from .looks import RoomSnapshot, without_unwritten

# Owners for whom is written at the same time: one of them may have a room that never answers.
MAX_OWNERS = 8


@attr.frozen
class Outcome:
    """What came of a plan's writes.

    Attributes:
        failed: what was not sent: the homeserver did not take it, or it is no longer the run's to
            change, or the time was over.
        left: the owners for whom the time was over; nothing else is known to be in the way.
    """

    failed: tuple[Write, ...] = ()
    left: frozenset[UserID] = frozenset()


class _Turn:
    """The writes of one run: until when they may be sent, and what became of them."""

    def __init__(self, claims: Claims, seconds: float) -> None:
        self.claims = claims
        self.deadline = asyncio.get_running_loop().time() + seconds
        self.failed: list[Write] = []
        self.left: set[UserID] = set()

    @property
    def seconds(self) -> float:
        """What is left of the time."""
        return self.deadline - asyncio.get_running_loop().time()


class Applier:
    """Applies the plans of one instance."""

    def __init__(
        self, writer: Writer, routes: CurrentRoutes, timing: Timing, log: logging.Logger
    ) -> None:
        """
        Args:
            writer: sends to the homeserver.
            routes: the routes in force.
            timing: how long one run may write.
            log: told of what was not taken.
        """
        self.writer = writer
        self.routes = routes
        self.timing = timing
        self.log = log
        # Rooms that took no write the last time come after their owner's others.
        self._failing: set[RoomID] = set()
        self._locks: WeakValueDictionary[UserID, asyncio.Lock] = WeakValueDictionary()

    async def apply(self, plan: Plan, claims: Claims, hurry: bool = False) -> Outcome:
        """Send what is planned, of each owner in its order.

        Args:
            plan: what to send.
            claims: say what this run may change.
            hurry: somebody waits for the end of it.
        """
        seconds = self.timing.write_hurry if hurry else self.timing.write
        writes: dict[UserID, list[Write]] = {}
        for write in plan.writes:
            writes.setdefault(write.owner, []).append(write)
        turn, places = _Turn(claims, seconds), asyncio.Semaphore(MAX_OWNERS)

        async def send_for(owner: UserID) -> None:
            async with places:
                await self._send_for(owner, writes[owner], turn)

        await asyncio.gather(*map(send_for, writes))
        return Outcome(tuple(turn.failed), frozenset(turn.left))

    async def swap(
        self, observed: RoomSnapshot, failed: Iterable[Write], claims: Claims
    ) -> frozenset[UserID]:
        """Put the routes in force; a chat whose binding could not be written goes on in the
        conversation that it was known by, and waits if it was not.

        Args:
            observed: what was seen, and the plan.
            failed: the writes that Matrix did not take.
            claims: say what this run may change.

        Returns:
            The owners who keep what they have: it was changed meanwhile.
        """
        plan = observed.plan
        found, waiting = without_unwritten(observed, failed)
        unread = plan.unread | plan.to_read | waiting
        if observed.owners is None:
            kept = await self._swap_all(found, claims)
            of_these = (room for owner in kept for room in self.routes.rooms_of.get(owner, ()))
            unread |= self._still_unread(found, kept)
            self.routes.unread = unread.difference(of_these)
            self.routes.elsewhere = plan.elsewhere
            return kept
        kept = self._swap_part(observed.owners, found, claims)
        seen = observed.snapshot.joined | observed.snapshot.refused_read
        seen -= self._still_unread(found, kept)
        self.routes.unread = (self.routes.unread - seen) | unread
        no_longer = self.routes.elsewhere & (seen - plan.elsewhere)
        if no_longer or not plan.elsewhere <= self.routes.elsewhere:
            self.routes.elsewhere = (self.routes.elsewhere - no_longer) | plan.elsewhere
        return kept

    def _still_unread(self, found: Topology, kept: frozenset[UserID]) -> frozenset[RoomID]:
        """Rooms that only a look knows which came too late: whoever waits for them waits on."""
        seen = ((one, found.spaces.get(one) or found.chats.get(one)) for one in self.routes.unread)
        return frozenset(one for one, what in seen if what is not None and what.owner in kept)

    async def _swap_all(self, found: Topology, claims: Claims) -> frozenset[UserID]:
        # Of a million chats that takes seconds, for which nothing else must stand still.
        new, kept = await asyncio.to_thread(build_routes, found), set[UserID]()
        for batch in new.in_batches(sorted(new.everybody() | self.routes.everybody())):
            kept |= self._swap_part(batch, new.part(batch), claims)
            await asyncio.sleep(0)
        return frozenset(kept)

    def _swap_part(
        self, owners: Iterable[UserID], found: Topology, claims: Claims
    ) -> frozenset[UserID]:
        mine = frozenset(owner for owner in owners if claims.hold(owner))
        self.routes.replace_part(mine, found)
        return frozenset(owners) - mine

    async def _send_for(self, owner: UserID, writes: list[Write], turn: _Turn) -> None:
        """Send one owner's events; what failed of a chat keeps back the rest of it."""
        stuck: set[RoomID] = set()
        claims = turn.claims
        async with self._lock(owner):
            if not claims.hold(owner):
                # Not done and not wrong: the next run looks at what is there then.
                turn.failed += writes
                return
            claims.renew(owner)
            for write in sorted(writes, key=lambda write: write.chat in self._failing):
                ready = claims.hold(owner) and write.chat not in stuck
                if ready and turn.seconds <= 0:
                    turn.left.add(owner)
                elif ready and await self._send(write, turn.seconds):
                    continue
                turn.failed.append(write)
                if write.chat is not None:
                    stuck.add(write.chat)
            if claims.hold(owner):
                # Whoever looked meanwhile saw half of it.
                claims.renew(owner)

    async def _send(self, write: Write, seconds: float) -> bool:
        """Send one event; whether the homeserver took it in time."""
        room_id, chat = write.room_id, write.chat
        sending = self.writer.put_state(room_id, write.event_type, write.state_key, write.content)
        try:
            await asyncio.wait_for(sending, seconds)
        except (NoAnswer, MatrixRequestError, asyncio.TimeoutError) as error:
            why, kind = str(error) or "no answer in time", write.event_type
            self.log.warning("%s in %s could not be written: %s", kind, room_id, why)
            if chat is not None:
                self._failing.add(chat)
            return False
        self._failing -= {chat}
        self.log.debug("Wrote %s in %s", write.event_type, room_id)
        return True

    def _lock(self, owner: UserID) -> asyncio.Lock:
        lock = self._locks.get(owner)
        if lock is None:
            self._locks[owner] = lock = asyncio.Lock()
        return lock
