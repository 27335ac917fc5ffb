"""One run after the other: observe, plan, apply, swap, and keep what came of it.

What a run was told only says where to look. When there is a run, and what follows from one that
failed, is for reconciliation.py to say.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable

import attr

from ..cache.topology_store import Store
from ..collector import full_collections_spared
from ..matrix.client import Matrix
from ..planner.plan import Plan, Rules
from ..topology.model import Topology
from ..topology.routes import Routes, Slot
from ..topology.scope import Scope
from .apply import Application
from .known_rooms import Acquaintance
from .observe import Observation, Picture
from .report import Report, make_report


@attr.frozen
class Errand:
    """What one run is for.

    Attributes:
        reason: why there is one, for the log.
        scope: where to look; nowhere in particular means everywhere.
        cached: what is believed where a look fails, if not the routes in force.
        thorough: read each chat's own state too, not its mirror in the Space alone.
    """

    reason: str
    scope: Scope
    cached: Topology | None = None
    thorough: bool = False


class Runs:
    """The runs of one instance, one at a time."""

    def __init__(
        self,
        matrix: Matrix,
        store: Store,
        slot: Slot,
        rules: Callable[[], Rules],
    ) -> None:
        """
        Args:
            matrix: the truth.
            store: the cache.
            slot: where the routes are put in force.
            rules: what a plan goes by; asked at every run, for the configuration may change.
        """
        self.log = store.log
        self.observation = Observation(matrix, rules)
        self.application = Application(matrix.writer, slot, self.log)
        self.acquaintance = Acquaintance(matrix.reader, slot, self.log)
        self.reader = matrix.reader
        self.store = store
        self.slot = slot
        self.last: Report | None = None
        self._numbers = itertools.count(1)
        self._running = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """A run goes on."""
        return self._running.locked()

    async def run(self, errand: Errand) -> Report:
        """Look, and make everything else agree with what is seen.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed; nothing changed.
        """
        async with self._running:
            started, looked_at = time.monotonic(), self.slot.changes
            with full_collections_spared():
                picture = await self._see(errand)
            failed = await self.application.apply(picture.plan, looked_at)
            touched = self.slot.all_touched_since(looked_at)
            if picture.owners is not None:
                touched &= picture.owners
            with full_collections_spared():
                self.application.swap(picture, failed, looked_at)
                saved = await self.store.save(self.slot.current.topology())
            await self.acquaintance.note(picture)
            self.last = attr.evolve(
                make_report(picture, failed, saved),
                run=next(self._numbers),
                reason=errand.reason,
                touched=touched,
                seconds=time.monotonic() - started,
            )
            self.last.tell(self.slot.current, self.log)
            return self.last

    async def plan(self, errand: Errand) -> Plan:
        """What a run would do, without doing it."""
        async with self._running:
            return (await self._see(errand)).plan

    async def _see(self, errand: Errand) -> Picture:
        if not errand.scope:
            cached = self.slot.current.topology() if errand.cached is None else errand.cached
            return await self.observation.see_all(cached, errand.thorough)
        routes = self.slot.current
        known = await self.acquaintance.known()
        picture = await self.observation.see_some(routes, errand.scope, known, errand.thorough)
        if picture.owners is not None and _collides(picture, routes):
            # Two owners' chats claim one conversation: only the whole picture settles that.
            return await self.observation.see_all(routes.topology(), errand.thorough)
        return picture


def _collides(picture: Picture, routes: Routes) -> bool:
    """Whether a chat in the picture has a conversation that a chat outside it has too."""
    assert picture.owners is not None
    new = {
        chat.binding.platform_chat_id
        for room_id, chat in picture.plan.topology.chats.items()
        if (before := routes.lookup(room_id)) is None or before.binding != chat.binding
    }
    return bool(new) and any(
        chat.binding.platform_chat_id in new and chat.owner not in picture.owners
        for chat in routes.chats.values()
    )
