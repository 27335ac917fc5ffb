"""One start on a simulated homeserver, measured in a process of its own.

Run as `python -m dev.bench.start HOW SPACES CHATS DATABASE`; prints one line of JSON. Each has
a process of its own, because the most memory that a process had never goes down again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any, cast

from aiohttp import ClientSession
from mautrix.types import RoomID

from plugin import Spacekeeper
from plugin.topology.routes import Routes

from .host import Host, routes_of
from .loop_watch import LoopWatch
from .simulation import ADDRESS, Simulation
from .templates import LOGIN, room_id

BATCHES, LOOKUPS = 5, 20_000
SETTLING = 1.0
CHANGED_SHARE = 0.01


async def measure(how: str, spaces: int, chats: int, database: Path) -> dict[str, Any]:
    """Start once, and say what it took.

    Args:
        how: `cold`, `warm`, or `changed`: warm, with changes in one Space of a hundred.
        spaces: how many Spaces there are.
        chats: how many chats each has.
        database: the cache's file.
    """
    changed = max(1, round(CHANGED_SHARE * spaces)) if how == "changed" else 0
    simulation = Simulation(spaces, chats, changed)
    host = Host(cast(ClientSession, simulation), LOGIN, database)
    if how == "cold":
        host.forget()
    plugin = await host.prepare(ADDRESS)
    try:
        figures = await _start(plugin, simulation)
        check_routes(plugin, spaces, spaces * chats)
        lookup, bare_lookup = _time_lookups(routes_of(plugin), spaces, chats)
        # The token that makes the next start a warm one is noted last.
        await asyncio.sleep(SETTLING)
    finally:
        await host.stop(plugin)
    return {
        "how": how,
        "spaces": spaces,
        "chats": spaces * chats,
        "lookup_seconds": lookup,
        "bare_lookup_seconds": bare_lookup,
        **figures,
    }


async def _start(plugin: Spacekeeper, simulation: Simulation) -> dict[str, Any]:
    memory_before = _peak_memory()
    async with LoopWatch() as watch:
        wall, cpu = time.perf_counter(), time.process_time()
        await plugin.internal_start()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        memory, requests, own = _peak_memory(), simulation.requests, simulation.own_seconds
    return {
        "cpu_seconds": cpu - own,
        "wall_seconds": wall - own,
        "simulation_seconds": own,
        "peak_bytes": memory,
        "own_bytes": memory - memory_before,
        "requests": requests,
        "loop_held_seconds": watch.longest(),
    }


def check_routes(plugin: Spacekeeper, spaces: int, chats: int) -> None:
    """See that so many Spaces and chats in all are routed; raises AssertionError."""
    found = routes_of(plugin)
    if (len(found.spaces), len(found.chats)) != (spaces, chats):
        raise AssertionError(f"found {len(found.spaces)} Spaces and {len(found.chats)} chats")


def _peak_memory() -> int:
    """The most memory in bytes that this process ever had."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux counts what the parent had at the fork into `ru_maxrss`, but not in here.
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _time_lookups(routes: Routes, spaces: int, chats: int) -> tuple[float, float]:
    """Seconds a lookup takes, and what the bare dictionary takes of it, for ids that come fresh
    from an event: never hashed before."""
    chance = random.Random(0)  # noqa: S311 (no secret)

    def fresh_ids() -> list[RoomID]:
        return [
            RoomID(room_id(chance.randrange(spaces), f"c{chance.randint(1, chats):03d}"))
            for _ in range(LOOKUPS)
        ]

    looked_up, bare, dictionary = [], [], dict.fromkeys(routes.chats)
    for _ in range(BATCHES):
        ids = fresh_ids()
        started_at = time.thread_time()
        for one in ids:
            routes.lookup(one)
        looked_up.append((time.thread_time() - started_at) / LOOKUPS)
        ids = fresh_ids()
        started_at = time.thread_time()
        for one in ids:
            dictionary.get(one)
        bare.append((time.thread_time() - started_at) / LOOKUPS)
    return statistics.median(looked_up), statistics.median(bare)


if __name__ == "__main__":
    # A slow statement is no surprise at this size; a start that breaks down is.
    logging.basicConfig(level=logging.ERROR)
    HOW, SPACES, CHATS, DATABASE = sys.argv[1:]
    print(json.dumps(asyncio.run(measure(HOW, int(SPACES), int(CHATS), Path(DATABASE)))))
