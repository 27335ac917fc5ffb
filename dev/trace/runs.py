"""The two runs that are traced, on the benchmark's simulated homeserver.

Each starts a plugin of its own, in-process; what the simulation and the benchmark do is no part of
the plugin's package, so none of it is recorded.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import cast

from aiohttp import ClientSession
from maubot import Plugin

from ..bench.host import PACKAGE, Host
from ..bench.load import Answered, started
from ..bench.simulation import ADDRESS, Simulation
from ..bench.templates import LOGIN
from .recorder import Call, Recorder

SPACES, CHATS = 2, 3
# Seconds after which nothing goes on any more for a message: its read receipt comes last.
QUIET = 2.0


async def trace_message() -> list[Call]:
    """The calls of one message in a chat, from maubot's handler to the answer in Matrix.

    It is the second message of a running instance: what happens only once is over by then. What
    the plugin does for each sync, however many messages are in it, is left out.
    """
    recorder = Recorder(PACKAGE, Answered.accept_reply.__code__)
    with recorder.installed():
        async with started(SPACES, CHATS) as load:
            await load.ask(1)
            sync = load.make_sync(1)
            load.announce(sync)
            await asyncio.sleep(QUIET)
            with recorder.recording():
                await load.deliver(sync)
    return recorder.calls


async def trace_cold_start() -> list[Call]:
    """The calls of a cold start's main task, until the handlers are registered.

    What `start()` does itself before it makes that task, which is to read the configuration and
    to put the parts together, is left out.
    """
    recorder = Recorder(PACKAGE, Plugin.register_handler_class.__code__)
    with tempfile.TemporaryDirectory() as folder, recorder.installed():
        session = cast(ClientSession, Simulation(SPACES, CHATS))
        host = Host(session, LOGIN, Path(folder) / "cache.db")
        plugin = await host.prepare(ADDRESS)
        try:
            with recorder.recording(ignored=asyncio.current_task()):
                await plugin.internal_start()
        finally:
            await host.stop(plugin)
    return recorder.calls
