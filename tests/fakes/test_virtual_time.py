"""The virtual clock: it tells how long somebody waits, and nothing else makes it go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from plugin.config.timing import Timing

from .faults import Answer, Hold
from .maubot import Bot
from .users import User, heard
from .virtual_time import NearHomeserver, NothingIsDue, VirtualLoop, sqlite_in_the_loop

BUSY = {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 4_000}


def run(work: Coroutine[Any, Any, float]) -> float:
    loop = VirtualLoop()
    try:
        with sqlite_in_the_loop():
            return loop.run_until_complete(work)
    finally:
        loop.close()


async def welcome(folder: Path, fault: Answer | None = None) -> float:
    """How long somebody waits for their welcome."""
    server = NearHomeserver()
    await server.start()
    if fault is not None:
        server.inject(fault)
    bot = Bot(server, folder)
    bot.timing = Timing()
    await bot.start()
    room, began = User(server.world, "alice").invite_bot(), asyncio.get_running_loop().time()
    await bot.push()
    await server.until(lambda: heard(room) != [])
    waited = asyncio.get_running_loop().time() - began
    await bot.close()
    await server.stop()
    return waited


def test_work_takes_no_time(tmp_path: Path) -> None:
    assert run(welcome(tmp_path)) < 0.1


def test_waiting_does_and_costs_no_real_time(tmp_path: Path) -> None:
    limited = Answer("/join$", status=429, body=BUSY)

    assert 4 <= run(welcome(tmp_path, limited)) < 4.1


def test_what_never_comes_is_an_error() -> None:
    async def wait() -> float:
        await asyncio.Event().wait()
        return 0.0

    with pytest.raises(NothingIsDue):
        run(wait())


def test_a_thread_is_none() -> None:
    async def think() -> float:
        await asyncio.to_thread(time.sleep, 0.01)
        return asyncio.get_running_loop().time()

    assert run(think()) < 0.001


def test_a_request_that_hangs_takes_as_long_as_somebody_waits_for_it(tmp_path: Path) -> None:
    async def ask() -> float:
        server = NearHomeserver()
        await server.start()
        server.inject(Hold("joined_rooms", None))
        bot = Bot(server, tmp_path, "startup: {wait: 7}")
        bot.timing = Timing()
        await bot.start()
        waited = asyncio.get_running_loop().time()
        await bot.close()
        await server.stop()
        return waited

    assert 7 <= run(ask()) < 7.1
