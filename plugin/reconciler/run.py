"""One run after the other: observe, plan, apply, swap, and keep what came of it.

What a run was told only says where to look. When there is a run, and what follows from one that
failed, is for reconciliation.py to say.
"""

from __future__ import annotations

import asyncio
import itertools
import time

import attr

from ..cache.topology_store import Store
from ..collector import full_collections_spared
from ..planner.plan import Plan
from ..topology.model import Topology
from ..topology.routes import Routes
from ..topology.scope import Scope
from .apply import Applier
from .known_rooms import KnownRooms
from .observe import Observer, RoomSnapshot
from .report import Report, make_report


@attr.frozen
class RunRequest:
    """What one run is for.

    Attributes:
        reason: why there is one, for the log.
        scope: where to look; None means everywhere.
        cached: what is believed where a look fails, if not the routes in force.
        thorough: read each chat's own state too, not its mirror in the Space alone.
    """

    reason: str
    scope: Scope | None
    cached: Topology | None = None
    full: bool = False


class Runner:
    """The runs of one instance, one at a time."""

    def __init__(
        self, observer: Observer, applier: Applier, known_rooms: KnownRooms, store: Store
    ) -> None:
        """
        Args:
            observer: looks at Matrix.
            applier: writes to Matrix, and puts routes in force.
            known_rooms: told of the rooms that are no chats.
            store: the cache.
        """
        self.log = store.log
        self.observer = observer
        self.applier = applier
        self.known_rooms = known_rooms
        self.reader = observer.reader
        self.store = store
        self.routes = applier.routes
        self.last: Report | None = None
        self._numbers = itertools.count(1)
        self._running = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """A run goes on."""
        return self._running.locked()

    async def run(self, request: RunRequest) -> Report:
        """Look, and make everything else agree with what is seen.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed; nothing changed.
        """
        async with self._running:
            started, looked_at = time.monotonic(), self.routes.changes
            with full_collections_spared():
                observed = await self._see(request)
            failed = await self.applier.apply(observed.plan, looked_at)
            changed_meanwhile = self.routes.all_touched_since(looked_at)
            if observed.owners is not None:
                changed_meanwhile &= observed.owners
            with full_collections_spared():
                await self.applier.swap(observed, failed, looked_at)
                saved = await self.store.save(self.routes.topology())
            await self.known_rooms.note(observed)
            self.last = attr.evolve(
                make_report(observed, failed, saved),
                run=next(self._numbers),
                reason=request.reason,
                changed_meanwhile=changed_meanwhile,
                seconds=time.monotonic() - started,
            )
            self.last.log_to(self.routes, self.log)
            return self.last

    async def plan(self, request: RunRequest) -> Plan:
        """What a run would do, without doing it."""
        async with self._running:
            return (await self._see(request)).plan

    async def _see(self, request: RunRequest) -> RoomSnapshot:
        if request.scope is None:
            cached = self.routes.topology() if request.cached is None else request.cached
            return await self.observer.observe_all(cached, request.full)
        routes = self.routes
        known = await self.known_rooms.known()
        observed = await self.observer.observe_scope(routes, request.scope, known, request.full)
        if observed.owners is not None and _collides(observed, routes):
            # Two owners' chats claim one conversation: only the whole picture settles that.
            return await self.observer.observe_all(routes.topology(), request.full)
        return observed


def _collides(observed: RoomSnapshot, routes: Routes) -> bool:
    """Whether a chat in the picture has a conversation that a chat outside it has too."""
    assert observed.owners is not None
    new = {
        chat.binding.platform_chat_id
        for room_id, chat in observed.plan.topology.chats.items()
        if (before := routes.lookup(room_id)) is None or before.binding != chat.binding
    }
    return bool(new) and any(
        chat.binding.platform_chat_id in new and chat.owner not in observed.owners
        for chat in routes.chats.values()
    )
