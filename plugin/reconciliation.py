"""The loop that makes cache and routes agree with Matrix: observe, plan, apply, swap.

Whatever happens elsewhere only asks for a run; a run never trusts what it was told, it looks.
One run goes on at a time and one more may wait. This is where a failure is met and tried again;
nothing here knows commands, messages or maubot.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from .cache.store import Store
from .matrix.api import NoAnswer
from .matrix.hint import Hint
from .matrix.retry import wait_before
from .matrix.session import Matrix
from .topology.model import Problem, Reason, Room, Status, Topology, World
from .topology.plan import Plan, Rules, Write, make_plan
from .topology.routes import Slot, build_routes

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
# A look can bring up rooms that call for another one; a world that keeps changing must not hold
# a run for ever, and what is missing then is looked at by the next.
LOOKS = 8

T = TypeVar("T")


@attr.frozen
class Report:
    """What one run came to.

    `at` is its end in seconds since the epoch; `settled` is False where a look or a write
    failed: another run is due.
    """

    run: int
    at: float
    reason: str
    seconds: float
    reasons: Counter[Reason]
    writes: int
    failed: int
    problems: tuple[Problem, ...]
    strangers: dict[RoomID, Room]
    unfinished: tuple[UserID, ...]
    settled: bool


async def until_answered(ask: Callable[[], Awaitable[T]], log: logging.Logger) -> T:
    """Ask the homeserver until it answers, however long that takes."""
    for attempt in itertools.count(1):
        try:
            return await ask()
        except (NoAnswer, MatrixRequestError) as error:
            pause = wait_before(attempt, LONGEST_PAUSE)
            log.warning("The homeserver does not answer (%s); next try in %.0f s", error, pause)
            await asyncio.sleep(pause)
    raise AssertionError("unreachable: the count has no end")


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
        self.reader, self.writer = matrix.reader, matrix.writer
        self.store = store
        self.slot = slot
        self.rules = rules
        self.log = log
        self.last: Report | None = None
        self._runs = itertools.count(1)
        self._running = asyncio.Lock()
        self._waiting: asyncio.Task[Report] | None = None
        self._loaded = False
        self._acknowledged: set[RoomID] = set()

    async def keep_settled(self, thorough_after: float) -> None:
        """Verify every chat once, then run again for as long as something is left open.

        Args:
            thorough_after: seconds to wait before the verification.
        """
        await asyncio.sleep(thorough_after)
        thorough, pause = True, FIRST_PAUSE
        while True:
            try:
                report = await self.run("verification" if thorough else "retry", thorough)
                if report.settled:
                    return
            except (NoAnswer, MatrixRequestError) as error:
                self.log.warning("A reconciliation found no answer: %s", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def request(self, reason: str) -> Report:
        """Run once more, after the run that goes on if there is one; requests that wait share it.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed.
        """
        if self._waiting is None or self._waiting.done():
            self._waiting = asyncio.ensure_future(self.run(reason))
        return await asyncio.shield(self._waiting)

    def acknowledge(self, room_id: RoomID) -> None:
        """A joined room that is no chat was seen to: later starts need not read it again."""
        self._acknowledged.add(room_id)

    async def run(self, reason: str, thorough: bool = False) -> Report:
        """Look at Matrix, and make everything else agree with it.

        Args:
            reason: why, for the log.
            thorough: read each chat's own state too, not its mirror in the Space alone.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed; nothing changed.
        """
        async with self._running:
            self._waiting = None
            return await self._run(reason, thorough)

    async def _run(self, reason: str, thorough: bool) -> Report:
        started, looked_at, run = time.monotonic(), self.slot.changes, next(self._runs)
        cached = self.slot.current.topology() if self._loaded else await self.store.load()
        world = await self.reader.observe(cached.spaces, thorough)
        world, plan = await self._look_and_plan(world, cached)
        failed = [write for write in plan.writes if not await self._send(write, looked_at)]
        self._swap(plan, failed, looked_at)
        self._loaded = True
        saved = await self.store.save(self.slot.current.topology())
        await self._note(plan, world)
        stale = any(chat.stale for chat in plan.topology.chats.values())
        report = Report(
            run=run,
            at=time.time(),
            reason=reason,
            seconds=time.monotonic() - started,
            reasons=Counter(plan.reasons.values()),
            writes=len(plan.writes) - len(failed),
            failed=len(failed),
            problems=plan.problems,
            strangers={room_id: world.rooms[room_id] for room_id in plan.strangers},
            unfinished=plan.unfinished,
            settled=saved and not (failed or stale or plan.unread or plan.look or world.unread),
        )
        self._tell(report)
        return report

    async def _look_and_plan(self, world: World, cached: Topology) -> tuple[World, Plan]:
        plan = make_plan(world, cached, self.rules())
        for _ in range(LOOKS):
            if not plan.look:
                break
            world = await self.reader.look(world, plan.look)
            plan = make_plan(world, cached, self.rules())
        return world, plan

    async def _send(self, write: Write, looked_at: int) -> bool:
        """Send one planned event, unless its owner's rooms changed since they were looked at."""
        if self.slot.touched_since(looked_at, write.owner):
            return True
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

    def _swap(self, plan: Plan, failed: list[Write], looked_at: int) -> None:
        """Put the routes in force; a chat whose binding could not be written waits."""
        open_ends = {write.chat for write in failed if write.chat == write.room_id}
        chats = {
            room_id: chat
            for room_id, chat in plan.topology.chats.items()
            if room_id not in open_ends
        }
        unread = plan.unread | plan.look | {room_id for room_id in open_ends if room_id}
        routes = build_routes(attr.evolve(plan.topology, chats=chats), unread)
        self.slot.swap(routes, looked_at)

    async def _note(self, plan: Plan, world: World) -> None:
        """Leave a hint for the next start; it may fail, for it is no more than that."""
        spaces = frozenset(space.room_id for space in self.slot.current.spaces.values())
        hint = Hint(spaces, world.foreign | (plan.strangers & self._acknowledged))
        try:
            await self.reader.write_hint(hint)
        except (NoAnswer, MatrixRequestError) as error:
            self.log.debug("The hint for the next start was not written: %s", error)

    def _tell(self, report: Report) -> None:
        self.last = report
        for problem in report.problems:
            self.log.debug("Left out in %s: %s", problem.room_id, problem.what)
        routes = self.slot.current
        self.log.info(
            "Reconciled, run %d (%s): %d Spaces, %d live chats, %d writes, %d failed, "
            "%d rooms unread, %d problems, in %.2f s",
            report.run,
            report.reason,
            len(routes.spaces),
            routes.count(Status.LIVE),
            report.writes,
            report.failed,
            len(routes.unread),
            len(report.problems),
            report.seconds,
        )
