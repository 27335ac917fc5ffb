"""What changes take in a running instance that knows a great many chats, in a process of its own.

Run as `python -m dev.bench.running SPACES CHATS DATABASE`; prints one line of JSON. The database
is what a cold start left there. Pauses that the plugin makes on purpose are left out.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import attr
from aiohttp import ClientSession
from mautrix.types import RoomID

from plugin import Spacekeeper
from plugin.topology.model import CHILD_TYPE, Status

from .host import NO_PAUSES, Host, is_idle, reconcile, routes_of
from .load import Answered, LoadGenerator
from .loop_watch import LoopWatch
from .simulation import ADDRESS
from .start import SETTLING, check_routes
from .templates import LOGIN, owner_of, room_id

# Of each kind of change; one more comes first, which is not counted.
SAMPLES = 25
# Seconds between two looks at whether a change is through.
POLL = 0.001
KINDS = ("new", "archive", "removal")


@attr.frozen
class Instance:
    """A running instance, and what it runs on."""

    host: Host
    plugin: Spacekeeper
    simulation: Answered
    load: LoadGenerator

    async def create(self, space: int) -> None:
        """Let the owner say `!new`, until routes and cache have the chat."""
        before = set(self._rooms_of(space))
        await self._say(space, "!new")
        (room,) = set(self._rooms_of(space)) - before
        await self._until(lambda: self.host.cached_status(room) is not None)

    async def archive(self, space: int) -> None:
        """Let the owner say `!archive`, until routes and cache know."""
        await self._say(space, "!archive")
        await self._until(lambda: self._is_archived(room_id(space, "c001")))

    async def remove(self, space: int) -> None:
        """Let the owner take a chat out of the Space in a client, until the reconciliation that
        this calls for is over."""
        space_id, chat = room_id(space, "s000"), room_id(space, "c002")
        event = self.simulation.rooms.put(space_id, CHILD_TYPE, chat, {})
        event["sender"] = owner_of(space)
        sync = self.load.sync_of({space_id: event})
        self.load.announce(sync)
        self.plugin.client.handle_sync(cast(Any, sync))
        await self._until(lambda: self._is_archived(chat) and is_idle(self.plugin))

    async def _say(self, space: int, command: str) -> None:
        sync = self.load.sync_of(dict([self.load.message(space, 1, command)]))
        self.load.announce(sync)
        await self.load.deliver(sync)

    def _rooms_of(self, space: int) -> list[str]:
        return [chat.room_id for chat in routes_of(self.plugin).chats_of(owner_of(space))]

    def _is_archived(self, room: str) -> bool:
        chat = routes_of(self.plugin).lookup(RoomID(room))
        archived = chat is not None and chat.status is Status.ARCHIVED
        return archived and self.host.cached_status(room) == Status.ARCHIVED.value

    async def _until(self, true: Callable[[], bool]) -> None:
        while not true():
            await asyncio.sleep(POLL)


async def measure(spaces: int, chats: int, database: Path) -> dict[str, Any]:
    """Start warm, change this and that, and say what it took.

    Args:
        spaces: how many Spaces there are; three for each sample at least.
        chats: how many chats each has; two at least.
        database: the cache's file, as a start left it.
    """
    simulation = Answered(spaces, chats)
    host = Host(cast(ClientSession, simulation), LOGIN, database)
    plugin = await host.prepare(ADDRESS, NO_PAUSES)
    try:
        await plugin.internal_start()
        requests = simulation.requests
        await asyncio.sleep(SETTLING)
        load = LoadGenerator(plugin, simulation)
        figures = await _measure_changes(Instance(host, plugin, simulation, load))
        figures |= await _measure_full_run(plugin, simulation)
        check_routes(plugin, spaces, spaces * chats + SAMPLES + 1)
    finally:
        await host.stop(plugin)
    whole = {"spaces": spaces, "chats": spaces * chats, "start_requests": requests}
    return {**whole, **figures}


async def _measure_changes(instance: Instance) -> dict[str, float]:
    figures = {}
    changes = (instance.create, instance.archive, instance.remove)
    for start, (kind, change) in enumerate(zip(KINDS, changes, strict=True)):
        # Each in a Space of its own.
        spaces = range(start, start + len(KINDS) * (SAMPLES + 1), len(KINDS))
        await change(spaces[0])
        async with LoopWatch() as watch:
            seconds = [await _time(change, space, instance.simulation) for space in spaces[1:]]
        figures[f"{kind}_seconds"] = statistics.median(seconds)
        figures[f"{kind}_loop_held_seconds"] = watch.longest()
    return figures


async def _time(
    change: Callable[[int], Awaitable[None]], space: int, simulation: Answered
) -> float:
    started, own = time.perf_counter(), simulation.own_seconds
    await change(space)
    return time.perf_counter() - started - (simulation.own_seconds - own)


async def _measure_full_run(plugin: Spacekeeper, simulation: Answered) -> dict[str, float]:
    async with LoopWatch() as watch:
        await reconcile(plugin)
    return {
        "full_run_loop_held_seconds": watch.longest(),
        # When all is read, it is planned, written and put in force.
        "swap_loop_held_seconds": watch.longest(simulation.last_read),
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    SPACES, CHATS, DATABASE = sys.argv[1:]
    print(json.dumps(asyncio.run(measure(int(SPACES), int(CHATS), Path(DATABASE)))))
