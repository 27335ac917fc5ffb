"""One run: a stack, people who write, and a plugin that is killed again and again.

What each kill found and left goes into the stack's directory, so that a fault can be traced.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from ..postgres import Postgres
from ..room_snapshot import Chat, take_snapshot
from ..stack import Options, Stack
from .databases import FATES, WEIGHTS, PluginDatabase, PostgresDatabase, SQLiteDatabase
from .slow_platform import SlowPlatform
from .writers import Writer, bring_in, running

# Seconds after the start of the plugin.
EARLIEST, LATEST = 0.2, 4.0
# So many kills, and then everything must be answered within so many seconds.
ROUND = 25
PATIENCE = 120.0
LOOKS = 0.5


class Fault(Exception):
    """Something was lost, came twice or out of order, or a room is not as it was."""


@dataclass
class Outcome:
    """What a run came to."""

    database: str
    seed: int
    kills: int = 0
    messages: int = 0
    lost: int = 0
    repeated: int = 0
    disordered: int = 0
    strange: list[str] = field(default_factory=list)
    rooms_changed: bool = False
    asked_again: int = 0
    shown_live: int = 0
    seconds: float = 0.0
    fates: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FATES, 0))

    @property
    def is_sound(self) -> bool:
        """Whether all is as it should be."""
        bad = self.lost or self.repeated or self.disordered or self.strange
        return not (bad or self.rooms_changed)


@dataclass
class Rooms:
    """What stands in Matrix: the chats with their bindings, and the rooms that the bot is in."""

    chats: list[Chat]
    joined: set[str]


class Run:
    """Kills the plugin under people who write."""

    def __init__(self, stack: Stack, slow: SlowPlatform, database: PluginDatabase) -> None:
        self.stack = stack
        self.slow = slow
        self.database = database
        self.writers: list[Writer] = []

    async def go(self, outcome: Outcome, number: int, report: Callable[[str], None]) -> None:
        """Kill it so many times; what comes of it goes into `outcome`. Raises Fault."""
        chance = random.Random(outcome.seed)  # noqa: S311 (a seed, so that a run can be repeated)
        self.writers = await bring_in(self.stack, self.slow, chance)
        before = await self._rooms()
        report(f"{len(self.writers)} people write in {len(before.chats)} chats")
        started_at = time.monotonic()
        try:
            while outcome.kills < number:
                await self._kill_some(outcome, min(ROUND, number - outcome.kills), chance)
                await self._wait_until_answered()
                self._count(outcome)
                outcome.rooms_changed = await self._rooms() != before
                outcome.seconds = time.monotonic() - started_at
                report(summary(outcome))
                if not outcome.is_sound:
                    raise Fault
        finally:
            outcome.seconds = time.monotonic() - started_at
        await self._read_again(outcome)

    async def _kill_some(self, outcome: Outcome, number: int, chance: random.Random) -> None:
        writing = [writer.write() for writer in self.writers]
        async with running(*writing, self._look()) as check:
            for _ in range(number):
                await asyncio.sleep(chance.uniform(EARLIEST, LATEST))
                check()
                self.stack.maubot.kill()
                (fate,) = chance.choices(FATES, WEIGHTS)
                done = await self.database.meet(fate, chance)
                self._note(f"--- kill {outcome.kills + 1}, database {done}")
                outcome.kills += 1
                outcome.fates[fate] += 1
                self.stack.proxy.clear()
                await self.stack.maubot.launch()

    async def _look(self) -> None:
        while True:
            await asyncio.gather(*(writer.look() for writer in self.writers))
            await asyncio.sleep(LOOKS)

    async def _wait_until_answered(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            await asyncio.gather(*(writer.look() for writer in self.writers))
            if not any(writer.waiting for writer in self.writers):
                return
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(LOOKS)

    def _count(self, outcome: Outcome) -> None:
        ledgers = [ledger for writer in self.writers for ledger in writer.chats.values()]
        outcome.messages = sum(len(one.asked) for one in ledgers)
        outcome.lost = sum(one.waiting for one in ledgers)
        outcome.repeated = sum(one.repeated for one in ledgers)
        outcome.disordered = sum(one.disordered for one in ledgers)
        outcome.strange = [words for one in ledgers for words in one.strange]
        outcome.shown_live = sum(one.shown_live for one in ledgers)
        outcome.asked_again = sum(self.slow.asked.values()) - len(self.slow.asked)

    async def _read_again(self, outcome: Outcome) -> None:
        """The verdict anew, from what stands in the rooms in the end."""
        for writer in self.writers:
            read = await writer.read_all()
            if any(read[room].asked.keys() != writer.chats[room].asked.keys() for room in read):
                raise Fault(f"{writer.person.user_id} was not told of every event.")
            writer.chats = read
        self._count(outcome)
        if not outcome.is_sound:
            raise Fault

    async def _rooms(self) -> Rooms:
        bot = self.stack.as_bot()
        return Rooms(await take_snapshot(bot), await bot.joined_rooms())

    def _note(self, line: str) -> None:
        with self.stack.maubot.log_file.open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")


async def kill_many(outcome: Outcome, number: int, report: Callable[[str], None]) -> None:
    """Bring everything up, and kill the plugin so many times. Raises Fault, StartFailure."""
    chance = random.Random(outcome.seed)  # noqa: S311 (as above)
    async with AsyncExitStack() as parts:
        slow = await parts.enter_async_context(SlowPlatform.serve(chance))
        options, database = Options(config=slow.config("echo"), report=report), None
        if outcome.database == "postgres":
            server = await parts.enter_async_context(Postgres.serve())
            options = Options(options.limits, config=options.config, database=server.url)
            database = PostgresDatabase(server.url)
        stack = await parts.enter_async_context(Stack.start(options))
        run = Run(stack, slow, database or SQLiteDatabase(stack.maubot))
        await run.go(outcome, number, report)


def summary(outcome: Outcome) -> str:
    """What a run came to, in one line."""
    fates = ", ".join(f"{outcome.fates[fate]} times {fate}" for fate in FATES)
    return (
        f"{outcome.database}, seed {outcome.seed}: {outcome.kills} kills ({fates}) under "
        f"{outcome.messages} messages ({outcome.shown_live} answers seen while written) in "
        f"{outcome.seconds:.0f} s: {outcome.lost} lost, "
        f"{outcome.repeated} answered twice, {outcome.disordered} out of order, "
        f"{len(outcome.strange)} strange, rooms "
        f"{'CHANGED' if outcome.rooms_changed else 'unchanged'}"
    )
