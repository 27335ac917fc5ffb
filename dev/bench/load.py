"""Messages through the plugin alone, on the simulated homeserver: a great many, or many routes.

Each comes in a sync, as mautrix takes it apart, and is answered when the reply is sent; only the
homeserver and the network are left out. What is left is what the plugin itself takes.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

from aiohttp import ClientSession
from mautrix.client import InternalEventType
from yarl import URL

from plugin import Spacekeeper

from .host import Host
from .memory import own_memory
from .simulation import ADDRESS, Answer, Simulation
from .start import SETTLING
from .templates import LOGIN, owner_of, room_id

# Spaces and chats in each: 10 and 10,000 routes; 100 where memory is watched.
FEW, MANY = (10, 1), (1_000, 10)
BUSY = (10, 10)
SAMPLES = 10


class Answered(Simulation):
    """Knows when a number of messages are answered."""

    def __init__(self, spaces: int, chats: int) -> None:
        super().__init__(spaces, chats)
        self.missing = 0
        self.complete = asyncio.Event()

    @asynccontextmanager
    async def request(self, method: str, url: URL, **more: Any) -> AsyncIterator[Answer]:
        """As any simulation, and counts the replies."""
        async with super().request(method, url, **more) as answer:
            if "/send/m.room.message/" in url.raw_path:
                self.accept_reply()
            yield answer

    def expect(self, replies: int) -> None:
        """So many replies are missing from now on."""
        self.missing = replies
        self.complete.clear()

    def accept_reply(self) -> None:
        """Count a reply that came in."""
        self.missing -= 1
        if self.missing == 0:
            self.complete.set()


class LoadGenerator:
    """A started plugin, and the messages that are sent to it."""

    def __init__(self, plugin: Spacekeeper, simulation: Answered) -> None:
        self.plugin = plugin
        self.simulation = simulation
        self._numbers = itertools.count(1)
        self._chance = random.Random(0)  # noqa: S311 (no secret)

    async def ask(self, chats: int) -> float:
        """Let one sync bring a message in each of `chats` chats, chosen at random; seconds until
        all of them are answered."""
        sync = self.make_sync(chats)
        started_at = time.perf_counter()
        self.announce(sync)
        await self.deliver(sync)
        return time.perf_counter() - started_at

    def make_sync(self, chats: int) -> dict[str, Any]:
        """A sync with a message in each of so many chats, chosen at random."""
        simulation = self.simulation
        places = range(simulation.spaces * simulation.chats)
        rooms = [divmod(place, simulation.chats) for place in self._chance.sample(places, chats)]
        return self.sync_of(dict(self.message(space, chat + 1) for space, chat in rooms))

    def sync_of(self, events: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """A sync with one event in each of these rooms."""
        rooms = {room: {"timeline": {"events": [event]}} for room, event in events.items()}
        return {"next_batch": f"s{next(self._numbers)}", "rooms": {"join": rooms}}

    def message(self, space: int, chat: int, body: str = "") -> tuple[str, dict[str, Any]]:
        """A chat, and a message of its owner's in it.

        Args:
            space: the number of its Space.
            chat: its number there, from 1 on.
            body: what the message says; without it, something that is said only once.
        """
        number = next(self._numbers)
        event = {
            "type": "m.room.message",
            "sender": owner_of(space),
            "event_id": f"$message-{number}",
            "origin_server_ts": int(time.time() * 1000),
            "content": {"msgtype": "m.text", "body": body or f"This is message number {number}."},
        }
        return room_id(space, f"c{chat:03d}"), event

    def announce(self, sync: dict[str, Any]) -> None:
        """Tell of a sync, as maubot does before it delivers what is in it."""
        self.plugin.client.dispatch_internal_event(InternalEventType.SYNC_SUCCESSFUL, data=sync)

    async def deliver(self, sync: dict[str, Any]) -> None:
        """Deliver a sync's messages, and wait until all of them are answered."""
        self.simulation.expect(len(sync["rooms"]["join"]))
        self.plugin.client.handle_sync(cast(Any, sync))
        await self.simulation.complete.wait()


@asynccontextmanager
async def started(spaces: int, chats: int) -> AsyncIterator[LoadGenerator]:
    """The plugin, after a cold start with so many Spaces of so many chats."""
    simulation = Answered(spaces, chats)
    with tempfile.TemporaryDirectory() as folder:
        session = cast(ClientSession, simulation)
        host = Host(session, LOGIN, Path(folder) / "cache.db")
        plugin = await host.prepare(ADDRESS)
        try:
            await plugin.internal_start()
            await asyncio.sleep(SETTLING)
            yield LoadGenerator(plugin, simulation)
        finally:
            await host.stop(plugin)


async def measure_routes(
    rounds: int, messages: int, report: Callable[[str], None]
) -> dict[int, float]:
    """The median of the seconds a message takes with few and with many routes.

    Args:
        rounds: how often each is measured, in turn.
        messages: how many, one after another, in each round.
        report: called at the end, with a line of text.
    """
    medians: dict[int, list[float]] = {}
    async with AsyncExitStack() as stack:
        loads = [await stack.enter_async_context(started(*size)) for size in (FEW, MANY)]
        for _ in range(rounds):
            for load in loads:
                times = [await load.ask(1) for _ in range(messages)]
                routes = load.simulation.spaces * load.simulation.chats
                medians.setdefault(routes, []).append(statistics.median(times))
    report("few and many routes are measured")
    return {routes: statistics.median(times) for routes, times in medians.items()}


async def measure_growth(messages: int, report: Callable[[str], None]) -> dict[int, int]:
    """What memory is held, in bytes, after so many of `messages` messages."""
    memory: dict[int, int] = {}
    async with started(*BUSY) as load:
        at_once = BUSY[0] * BUSY[1]
        portion = max(1, messages // SAMPLES // at_once)
        for sample in range(1, SAMPLES + 1):
            for _ in range(portion):
                await load.ask(at_once)
            memory[sample * portion * at_once] = own_memory()
    report(f"{max(memory):,} messages went through the plugin alone")
    return memory
