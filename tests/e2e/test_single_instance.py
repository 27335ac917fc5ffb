"""However often the plugin is stopped, started and replaced, one instance serves at a time."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from dev.maubot import Maubot
from dev.postgres import Postgres
from dev.room_snapshot import take_snapshot
from dev.stack import INSTANCE, Stack

from .conftest import Configure
from .story import ask, membership_changes, onboard, state_writes, wait_for_log
from .transcript import read_when_complete

pytestmark = pytest.mark.asyncio(loop_scope="session")

STANDING_DOWN = "Another maubot runs this instance on the same database"


async def upload(stack: Stack) -> None:
    """Replace the plugin."""
    await stack.upload()


async def stop(stack: Stack) -> None:
    """Stop the instance in maubot's web interface."""
    await stack.maubot.change_instance(INSTANCE, started=False)


async def start(stack: Stack) -> None:
    """Start it there."""
    await stack.maubot.change_instance(INSTANCE, started=True)


TEN_TURNS = (upload, stop, start, upload, upload, stop, start, stop, start, upload)


async def test_ten_turns_during_a_slow_start_leave_one_instance(
    stack: Stack, configure: Configure
) -> None:
    await configure("startup: {wait: 1}")
    eve = await onboard(stack, "evelyn")
    (room_id,) = eve.chats
    before = await take_snapshot(stack.as_bot())
    released = asyncio.Event()

    async def hold(request: web.Request) -> web.StreamResponse | None:
        # The plugin's own look at what changed; maubot's sync passes.
        if "nowhere.invalid" in request.query_string:
            await released.wait()
        return None

    stack.proxy.fault = hold
    stack.proxy.clear()
    for number, turn in enumerate(TEN_TURNS):
        await turn(stack)
        await eve.person.send(room_id, f"turn {number}")
    released.set()
    (transcript,) = await read_when_complete([(eve.person, room_id)])
    assert await ask(eve.person, room_id, "who is there?") == "who is there?"
    assert transcript.answered == transcript.asked
    # The homeserver takes a message that two instances send for one: the wire tells them apart.
    sent = Counter(passage.path for passage in stack.proxy.find("PUT", r"/send/"))
    assert set(sent.values()) == {1}
    assert membership_changes(stack.proxy) == []
    assert state_writes(stack.proxy) == []
    assert await take_snapshot(stack.as_bot()) == before
    instance = await stack.maubot.instance(INSTANCE)
    assert (instance["enabled"], instance["started"]) == (True, True)


@pytest_asyncio.fixture(loop_scope="session")
async def second_maubot(postgres_server: Postgres, postgres_stack: Stack) -> AsyncIterator[Maubot]:
    """Another maubot, not yet started, set up by mistake like the first one."""
    first = postgres_stack.directory / "maubot"
    directory = postgres_stack.directory / "second"
    # Whatever it would know of the first one's database lies in the database.
    shutil.copytree(first / "plugins", directory / "plugins")
    async with aiohttp.ClientSession() as session:
        maubot = Maubot(session, directory)
        maubot.configure(postgres_server.url)
        yield maubot
        await maubot.stop()


@pytest.mark.slow
async def test_the_older_of_two_maubots_on_one_database_stands_down(
    postgres_stack: Stack, second_maubot: Maubot
) -> None:
    stack = postgres_stack
    fay = await onboard(stack, "fay")
    assert await ask(fay.person, fay.chats[0], "alone?") == "alone?"
    logged = len(stack.maubot.log())
    await second_maubot.start()
    for number in range(5):
        words = f"which of you is it? {number}"
        assert await ask(fay.person, fay.chats[0], words, 20) == words
    await wait_for_log(stack, STANDING_DOWN, logged)
    await stack.maubot.stop()
    assert await ask(fay.person, fay.chats[0], "alone again?", 20) == "alone again?"
    (transcript,) = await read_when_complete([(fay.person, fay.chats[0])])
    assert transcript.answered == transcript.asked
