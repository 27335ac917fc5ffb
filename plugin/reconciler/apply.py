"""Carries a plan out, owner by owner: Matrix first, then the routes.

What Matrix did not take is not routed by. What somebody changed after the run began to look is
left as they made it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from weakref import WeakValueDictionary

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..matrix.api import NoAnswer
from ..matrix.writer import Writer
from ..planner.plan import Plan
from ..planner.writes import Write
from ..topology.current_routes import CurrentRoutes
from ..topology.model import BINDING_TYPE, Topology
from ..topology.routes import build_routes
from .looks import RoomSnapshot


class Claims:
    """Which owners' parts one run may still change: those that nobody changed since it began to
    look.

    Runs look at Matrix side by side and wait for nobody. Where two of them, or a run and a
    command, come to the same owner, what was seen first no longer counts. Nothing is locked.
    """

    def __init__(self, routes: CurrentRoutes) -> None:
        """
        Args:
            routes: count the changes; make the claims before looking at Matrix.
        """
        self.routes = routes
        self._looked_at = routes.changes
        self._renewed: dict[UserID, int] = {}

    def hold(self, owner: UserID) -> bool:
        """Whether nobody but this run changed anything of this owner's since it looked."""
        since = self._renewed.get(owner, self._looked_at)
        return not self.routes.touched_since(since, owner)

    def renew(self, owner: UserID) -> None:
        """Say that this run changes something of this owner's: from now on, no run counts that
        looked before."""
        self._renewed[owner] = self.routes.touch(owner)


class Applier:
    """Applies the plans of one instance."""

    def __init__(self, writer: Writer, routes: CurrentRoutes, log: logging.Logger) -> None:
        self.writer = writer
        self.routes = routes
        self.log = log
        self._locks: WeakValueDictionary[UserID, asyncio.Lock] = WeakValueDictionary()

    async def apply(self, plan: Plan, claims: Claims) -> list[Write]:
        """Send what is planned, of each owner in its order.

        Args:
            plan: what to send.
            claims: say what this run may change.

        Returns:
            What was not sent: it failed, which was logged, or is no longer the run's to change.
        """
        writes: dict[UserID, list[Write]] = {}
        for write in plan.writes:
            writes.setdefault(write.owner, []).append(write)
        return [
            failed
            for owner, theirs in writes.items()
            for failed in await self._apply_for(owner, theirs, claims)
        ]

    async def swap(
        self, observed: RoomSnapshot, failed: list[Write], claims: Claims
    ) -> frozenset[UserID]:
        """Put the routes in force; a chat whose binding could not be written waits.

        Args:
            observed: what was seen, and the plan.
            failed: the writes that Matrix did not take.
            claims: say what this run may change.

        Returns:
            The owners who keep what they have: it was changed meanwhile.
        """
        plan = observed.plan
        waiting = {
            write.room_id
            for write in failed
            if write.chat == write.room_id and write.event_type == BINDING_TYPE
        }
        unread = plan.unread | plan.to_read | waiting
        if observed.owners is None:
            kept = await self._swap_all(_without(plan.topology, waiting), claims)
            of_these = (room for owner in kept for room in self.routes.rooms_of.get(owner, ()))
            self.routes.unread = unread.difference(of_these)
            self.routes.elsewhere = plan.elsewhere
            return kept
        kept = self._swap_part(observed.owners, _without(plan.topology, waiting), claims)
        seen = observed.snapshot.joined | observed.snapshot.refused_read
        self.routes.unread = (self.routes.unread - seen) | unread
        if not plan.elsewhere <= self.routes.elsewhere:
            self.routes.elsewhere |= plan.elsewhere
        return kept

    async def _swap_all(self, found: Topology, claims: Claims) -> frozenset[UserID]:
        # Of a million chats that takes seconds, for which nothing else must stand still.
        new, routes = await asyncio.to_thread(build_routes, found), self.routes
        owners = new.everybody() | routes.everybody()
        kept: set[UserID] = set()
        for batch in new.in_batches(sorted(owners)):
            kept |= self._swap_part(batch, new.part(batch), claims)
            await asyncio.sleep(0)
        return frozenset(kept)

    def _swap_part(
        self, owners: Iterable[UserID], found: Topology, claims: Claims
    ) -> frozenset[UserID]:
        mine = frozenset(owner for owner in owners if claims.hold(owner))
        self.routes.replace_part(mine, found)
        return frozenset(owners) - mine

    async def _apply_for(self, owner: UserID, writes: list[Write], claims: Claims) -> list[Write]:
        """Send one owner's events; what failed of a chat keeps back the rest of it."""
        failed: list[Write] = []
        stuck: set[RoomID] = set()
        async with self._lock(owner):
            if not claims.hold(owner):
                # Not done and not wrong: the next run looks at what is there then.
                return writes
            claims.renew(owner)
            for write in writes:
                ready = claims.hold(owner) and write.chat not in stuck
                if not (ready and await self._send(write)):
                    failed.append(write)
                    if write.chat is not None:
                        stuck.add(write.chat)
            if claims.hold(owner):
                # Whoever looked meanwhile saw half of it.
                claims.renew(owner)
        return failed

    async def _send(self, write: Write) -> bool:
        try:
            await self.writer.put_state(
                write.room_id, write.event_type, write.state_key, write.content
            )
        except (NoAnswer, MatrixRequestError) as error:
            self.log.warning(
                "%s in %s could not be written: %s", write.event_type, write.room_id, error
            )
            return False
        self.log.debug("Wrote %s in %s", write.event_type, write.room_id)
        return True

    def _lock(self, owner: UserID) -> asyncio.Lock:
        lock = self._locks.get(owner)
        if lock is None:
            self._locks[owner] = lock = asyncio.Lock()
        return lock


def _without(topology: Topology, waiting: set[RoomID]) -> Topology:
    if not waiting:
        return topology
    chats = {key: chat for key, chat in topology.chats.items() if key not in waiting}
    return attr.evolve(topology, chats=chats)
