"""The loop that makes cache and routes agree with Matrix: observe, plan, apply, swap.

Whatever happens elsewhere only says where something may have changed; a run never trusts what
it was told, it looks. One run goes on at a time, and what is asked for meanwhile is done by the
next. This is where a failure is met and tried again; nothing here knows commands or messages.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from .application import Application
from .cache.store import Store
from .matrix.api import NoAnswer
from .matrix.hint import Hint
from .matrix.retry import wait_before
from .matrix.session import Matrix
from .observation import Observation, Picture
from .report import Report, make_report
from .topology.model import Status, Topology
from .topology.plan import Plan, Rules
from .topology.relevance import NOWHERE, Scope
from .topology.routes import Routes, Slot, build_routes

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
# Events come in flocks: one run for all of them, soon enough that nobody waits.
GATHER = 0.2
# Owners whose chats are verified in one run: few, so that what people do meanwhile waits little.
PORTION = 20

T = TypeVar("T")


async def until_answered(ask: Callable[[], Awaitable[T]], log: logging.Logger) -> T:
    """Ask the homeserver until it does what it is asked, however long that takes."""
    for attempt in itertools.count(1):
        try:
            return await until_known(ask, log)
        except MatrixRequestError as error:
            await _pause(attempt, error, log)
    raise AssertionError("unreachable: the count has no end")


async def until_known(ask: Callable[[], Awaitable[T]], log: logging.Logger) -> T:
    """Ask the homeserver until it answers, however long that takes.

    Raises:
        MatrixRequestError: it answered, and refused.
    """
    for attempt in itertools.count(1):
        try:
            return await ask()
        except MatrixRequestError:
            raise
        except NoAnswer as error:
            await _pause(attempt, error, log)
        except Exception as error:
            # A bug must not end the plugin for good: what it stumbled over may go away.
            log.exception("The start broke down")
            await _pause(attempt, error, log)
    raise AssertionError("unreachable: the count has no end")


async def _pause(attempt: int, error: Exception, log: logging.Logger) -> None:
    pause = wait_before(attempt, LONGEST_PAUSE)
    log.warning("The start is held up (%s); next try in %.0f s", error, pause)
    await asyncio.sleep(pause)


class Reconciliation:
    """Reconciles one instance."""

    def __init__(
        self,
        matrix: Matrix,
        store: Store,
        slot: Slot,
        rules: Callable[[], Rules],
        log: logging.Logger,
    ) -> None:
        """
        Args:
            matrix: the truth.
            store: the cache.
            slot: where the routes are put in force.
            rules: what a plan goes by; asked at every run, for the configuration may change.
            log: the instance's log.
        """
        self.observation = Observation(matrix, rules)
        self.application = Application(matrix.writer, slot, log)
        self.reader = matrix.reader
        self.store = store
        store.on_behind = lambda: self._look_later(NOWHERE)
        self.slot = slot
        self.log = log
        self.last: Report | None = None
        self._runs = itertools.count(1)
        self._running = asyncio.Lock()
        self._dirty = NOWHERE
        self._woken = asyncio.Event()
        self._later = NOWHERE
        self._timer: asyncio.Task[None] | None = None
        self._failures = 0
        self._closed = False
        self.on_report: Callable[[Report], Awaitable[None]] | None = None
        self._foreign: frozenset[RoomID] | None = None
        self._acknowledged: set[RoomID] = set()

    async def start_cold(self, cached: Topology) -> Report:
        """The first run: look at everything; what the cache holds helps where a look fails."""
        return await self._run("start", NOWHERE, cached)

    async def start_warm(self, cached: Topology, changed: Scope) -> Report | None:
        """Take the cache for true but where something changed since, and look there.

        Args:
            cached: what the cache holds.
            changed: where it cannot be relied on.

        Returns:
            The run's report, or None if nothing had to be looked at.
        """
        self.slot.current = build_routes(cached)
        return await self._run("start", changed) if changed else None

    async def run(self, reason: str, thorough: bool = False) -> Report:
        """Look at everything, and make everything else agree with it.

        Args:
            reason: why, for the log.
            thorough: read each chat's own state too, not its mirror in the Space alone.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed; nothing changed.
        """
        return await self._run(reason, NOWHERE, self.slot.current.topology(), thorough)

    async def run_for(self, scope: Scope, reason: str) -> Report:
        """Look at some owners and rooms, and at joined rooms that nobody knows.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed; nothing changed.
        """
        return await self._run(reason, scope)

    async def plan(self, scope: Scope) -> Plan:
        """What a run would do, without doing it; an empty scope means everything."""
        async with self._running:
            return (await self._see(scope, None, thorough=not scope)).plan

    def mark(self, scope: Scope) -> None:
        """Something may have changed there; the next run looks."""
        self._dirty |= scope
        self._woken.set()

    @property
    def idle(self) -> bool:
        """Nothing is marked, nothing waits to be looked at again, and no run goes on."""
        waiting = self._dirty or self._later or self._running.locked()
        return not waiting and not self.store.behind

    async def knows(self, room_id: RoomID) -> bool:
        """Whether a run has seen what this room is, in this life or in an earlier one."""
        routes = self.slot.current
        if room_id in routes.chats or room_id in routes.elsewhere or routes.owner_of(room_id):
            return True
        return room_id in await self._known_foreign()

    async def _known_foreign(self) -> frozenset[RoomID]:
        if self._foreign is None:
            self._foreign = (await self.reader.read_hint()).foreign
        return self._foreign

    def acknowledge(self, room_id: RoomID) -> None:
        """A joined room that is no chat was seen to: later starts need not read it again."""
        self._acknowledged.add(room_id)

    async def serve(self) -> None:
        """Look wherever something is marked, until cancelled."""
        try:
            while True:
                await self._woken.wait()
                await asyncio.sleep(GATHER)
                self._woken.clear()
                scope, self._dirty = self._dirty, NOWHERE
                if scope:
                    await self._try(scope, "something changed")
        finally:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    async def verify(self, owners: Iterable[UserID], after: float) -> None:
        """Read the own state of these owners' chats, a few owners at a time.

        Args:
            owners: whose chats; who is done is noted, so that a restart goes on from there.
            after: seconds to wait before it begins, and between any two portions.
        """
        await asyncio.sleep(after)
        await self._compare()
        waiting = sorted(owners)
        while waiting:
            await asyncio.sleep(after)
            portion, waiting = waiting[:PORTION], waiting[PORTION:]
            if await self._try(Scope(frozenset(portion)), "verification", thorough=True):
                await self.store.put_unverified(portion, verified=True)

    async def _compare(self) -> None:
        """Mark those of whom a room is gone that no event told of: purged by an administrator."""
        routes = self.slot.current
        try:
            joined = await self.reader.joined_rooms()
        except (NoAnswer, MatrixRequestError) as error:
            self.log.warning("The joined rooms could not be listed: %s", error)
            return
        owners = {
            chat.owner
            for room_id, chat in routes.chats.items()
            if room_id not in joined and chat.status is not Status.LOST
        }
        owners |= {owner for room_id, owner in routes.owners.items() if room_id not in joined}
        self.mark(Scope(frozenset(owners)))

    async def _try(self, scope: Scope, reason: str, thorough: bool = False) -> bool:
        """Run once; whatever goes wrong is logged, and the scope looked at again later."""
        try:
            report = await self._run(reason, scope, thorough=thorough)
            if self.on_report is not None:
                await self.on_report(report)
        except (NoAnswer, MatrixRequestError) as error:
            self.log.warning("A look at Matrix failed (%s): %s", reason, error)
        except Exception:
            self.log.exception("A reconciliation broke down (%s)", reason)
        else:
            return True
        self._look_later(scope)
        return False

    def _look_later(self, scope: Scope) -> None:
        """Mark the scope after a pause that grows with every failure in a row."""
        self._later |= scope
        if self._closed:
            return
        if self._timer is None or self._timer.done():
            self._failures += 1
            pause = wait_before(self._failures, LONGEST_PAUSE)
            self._timer = asyncio.create_task(self._mark_later(max(pause, FIRST_PAUSE)))

    async def _mark_later(self, pause: float) -> None:
        await asyncio.sleep(pause)
        while not await self.store.save(self.slot.current.topology()):  # noqa: ASYNC110
            await asyncio.sleep(pause)
        scope, self._later = self._later, NOWHERE
        self.mark(scope)

    async def _run(
        self, reason: str, scope: Scope, cached: Topology | None = None, thorough: bool = False
    ) -> Report:
        async with self._running:
            started, looked_at = time.monotonic(), self.slot.changes
            picture = await self._see(scope, cached, thorough)
            plan = picture.plan
            failed = await self.application.apply(plan, looked_at)
            self.application.swap(picture, failed, looked_at)
            saved = await self.store.save(self.slot.current.topology())
            await self._note(picture)
            report = make_report(picture, failed, saved)
            self.last = attr.evolve(
                report,
                run=next(self._runs),
                reason=reason,
                seconds=time.monotonic() - started,
            )
            self.last.tell(self.slot.current, self.log)
            if report.settled:
                self._failures = 0
            else:
                self._look_later(report.open)
            return self.last

    async def _see(self, scope: Scope, cached: Topology | None, thorough: bool) -> Picture:
        if not scope:
            known = self.slot.current.topology() if cached is None else cached
            return await self.observation.see_all(known, thorough)
        routes = self.slot.current
        foreign = await self._known_foreign()
        picture = await self.observation.see_some(routes, scope, foreign, thorough)
        if picture.owners is not None and _collides(picture, routes):
            # Two owners' chats claim one conversation: only the whole picture settles that.
            return await self.observation.see_all(routes.topology(), thorough=False)
        return picture

    async def _note(self, picture: Picture) -> None:
        """Remember what is foreign, and leave a hint for the next start; that may fail, for it
        is no more than a hint."""
        world, plan = picture.world, picture.plan
        known = world.foreign if picture.owners is None else self._foreign or frozenset()
        self._foreign = known | plan.strangers | plan.retired | plan.elsewhere
        spaces = frozenset(space.room_id for space in self.slot.current.spaces.values())
        seen_to = self._acknowledged & (plan.strangers | self._foreign)
        noted = self.reader.noted.foreign if picture.owners is not None else world.foreign
        try:
            await self.reader.write_hint(Hint(spaces, noted | seen_to | plan.retired))
        except (NoAnswer, MatrixRequestError) as error:
            self.log.debug("The hint for the next start was not written: %s", error)


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
