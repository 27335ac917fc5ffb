"""Starts measured on a real Synapse: the usual way, cold, warm, and warm with changes.

A first round goes through the proxy and counts the requests; it also fills Synapse's memory, so
that no way profits from the one before it. The timed rounds go straight to Synapse.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import attr
from mautrix.types import RoomID

from ..processes import together
from ..proxy import Proxy
from ..stack import BOT
from ..synapse import Synapse
from .host import Host, reconcile
from .seeding import OwnerRooms, Seeding

MAX_CONCURRENT = 8
USUAL = "the usual way"
# Seconds without a request after which a start is taken to be over, its last look at what came
# meanwhile included; shorter than the pause before the verification in the background.
QUIET = 1.0
SHARES = (0.01, 0.1)

# What is done when a start, named here, is over, before the plugin is stopped.
After = Callable[[str], Awaitable[None]]


@attr.frozen
class Way:
    """One way to start.

    Attributes:
        seconds: the median of `runs`, from `start()` to the handlers being registered; 0 for
            what happens only once and is counted, not timed.
        requests: how many went out in that time.
        later: how many followed, up to the verification in the background.
    """

    name: str
    seconds: float
    runs: tuple[float, ...]
    requests: int
    later: int


@attr.frozen
class RealFigures:
    """What was measured, `ways` in the order in which they were measured."""

    spaces: int
    chats: int
    ways: tuple[Way, ...]


async def measure_real(
    spaces: int, chats: int, rounds: int, report: Callable[[str], None]
) -> RealFigures:
    """Seed a Synapse of its own, measure, and end it.

    Args:
        spaces: how many Spaces.
        chats: how many chats in each.
        rounds: how often each way is timed.
        report: called at each step, with a line of text.

    Raises:
        StartFailure: Synapse did not start.
    """
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        timeout = aiohttp.ClientTimeout(total=120)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        synapse = Synapse(session, directory)
        synapse.configure("raised", "")
        proxy = Proxy(session, synapse.url)
        stack.push_async_callback(synapse.stop)
        stack.push_async_callback(proxy.close)
        await together(synapse.start(), proxy.open())
        report("Synapse is up")
        login = await synapse.register(BOT)
        owners = await Seeding(session, synapse, login).run(spaces, chats, report)
        starts = _Starts(Host(session, login, directory / "cache.db"), owners)
        requests = await starts.count(proxy)
        report("requests are counted")
        runs: list[dict[str, float]] = []
        for number in range(1, rounds + 1):
            runs.append(await starts.run(synapse, number))
            report(f"round {number} of {rounds} is timed")
    ways = []
    for name, counts in requests.items():
        seconds = tuple(run[name] for run in runs if name in run)
        ways.append(Way(name, statistics.median(seconds or (0.0,)), seconds, *counts))
    return RealFigures(spaces, chats, tuple(ways))


async def _settle(_: str) -> None:
    """Let the start come to its end: a token is noted when what came meanwhile was looked at."""
    await asyncio.sleep(QUIET)


class _Starts:
    """Every way to start, one after another."""

    def __init__(self, host: Host, owners: list[OwnerRooms]) -> None:
        self.host = host
        self.owners = owners

    async def count(self, proxy: Proxy) -> dict[str, tuple[int, int]]:
        """The requests of each way: until the handlers were registered, and after that."""
        requests: dict[str, tuple[int, int]] = {}

        async def after(name: str) -> None:
            until_served, seen = len(proxy.requests), -1
            while seen != len(proxy.requests):
                seen = len(proxy.requests)
                await asyncio.sleep(QUIET)
            requests[name] = until_served, seen - until_served

        plugin = await self.host.prepare(proxy.url)
        await plugin.internal_start()
        await after("the very first start")
        # A running plugin notes each control room when it is invited; these came all at once.
        await reconcile(plugin)
        await self.host.stop(plugin)
        await self.run(proxy, 0, after)
        return requests

    async def run(
        self, server: Synapse | Proxy, number: int, after: After = _settle
    ) -> dict[str, float]:
        """Seconds of each way, from `start()` to the handlers being registered.

        Args:
            server: the homeserver, or the proxy to it.
            number: tells the rounds apart, so that each change is one.
            after: called when a start is done, before the plugin is stopped.
        """
        times: dict[str, float] = {}
        times[USUAL] = await self._read_everything(server, after)
        self.host.forget()
        times["cold start"] = await self._start(server, "cold start", after)
        times["warm start"] = await self._start(server, "warm start", after)
        for share in SHARES:
            owners = self.owners[: max(1, round(share * len(self.owners)))]
            for owner in owners:
                await owner.reorder(f"{number:06d}-{share}")
            name = f"warm, {share:.0%} of Spaces changed"
            times[name] = await self._start(server, name, after)
            # The plugin's own repairs are news to the next start: take them in, unmeasured.
            await self._start(server, name, _settle)
        return times

    async def _start(self, server: Synapse | Proxy, name: str, after: After) -> float:
        _clear(server)
        plugin = await self.host.prepare(server.url)
        started_at = time.perf_counter()
        await plugin.internal_start()
        taken = time.perf_counter() - started_at
        await after(name)
        await self.host.stop(plugin)
        return taken

    async def _read_everything(self, server: Synapse | Proxy, after: After) -> float:
        """What a bot does that keeps its truth in Matrix and has no plan: read all of it."""
        _clear(server)
        client = self.host.client(server.url)
        started_at = time.perf_counter()
        slots = asyncio.Semaphore(MAX_CONCURRENT)

        async def read(room_id: RoomID) -> None:
            async with slots:
                await client.get_state(room_id)

        await asyncio.gather(*(read(room_id) for room_id in await client.get_joined_rooms()))
        taken = time.perf_counter() - started_at
        await after(USUAL)
        return taken


def _clear(server: Synapse | Proxy) -> None:
    if isinstance(server, Proxy):
        server.clear()
