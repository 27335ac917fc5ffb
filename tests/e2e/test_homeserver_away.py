"""The homeserver is away, or answers nonsense, while the plugin starts: it waits, and touches
nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from dev.proxy import hang_up
from dev.room_snapshot import take_snapshot
from dev.stack import INSTANCE, Stack

from .conftest import Configure
from .story import ask, ask_everywhere, membership_changes, onboard, reply_to, state_writes

pytestmark = pytest.mark.asyncio(loop_scope="session")

# maubot tries to reach its homeserver again after so long, and mautrix inside of each try.
LONGEST = 60

Nonsense = Callable[[web.Request, Stack], Awaitable[web.StreamResponse]]


async def test_a_homeserver_that_comes_back_finds_the_instance_enabled(stack: Stack) -> None:
    rex = await onboard(stack, "rex")
    await stack.maubot.stop()
    await stack.proxy.close()
    # It returns only when maubot's web server answers.
    await stack.maubot.start()
    assert (await stack.maubot.instance(INSTANCE))["enabled"]
    await stack.proxy.open()
    answer = await ask(rex.person, rex.chats[0], "are you back?", 2 * LONGEST)
    assert answer == "are you back?"


async def test_a_homeserver_lost_during_the_start_is_waited_for(
    stack: Stack, configure: Configure
) -> None:
    await configure("startup: {wait: 1}")
    sid = await onboard(stack, "sid", chats=2)
    before = await take_snapshot(stack.as_bot())
    away, asked = asyncio.Event(), asyncio.Event()

    async def vanish(request: web.Request) -> web.StreamResponse | None:
        # maubot's own questions at its start are answered: the plugin does get to run.
        if away.is_set() and request.path.endswith(("/sync", "/joined_rooms", "/state")):
            asked.set()
            return hang_up(request)
        return None

    await stack.maubot.stop()
    away.set()
    stack.proxy.fault = vanish
    stack.proxy.clear()
    await stack.maubot.start()
    assert asked.is_set()
    instance = await stack.maubot.instance(INSTANCE)
    assert (instance["enabled"], instance["started"]) == (True, True)
    away.clear()
    answers = await ask_everywhere([sid], "are you back?", LONGEST)
    assert answers == dict.fromkeys(sid.chats, "are you back?")
    assert membership_changes(stack.proxy) == []
    assert await take_snapshot(stack.as_bot()) == before


async def an_error(request: web.Request, stack: Stack) -> web.StreamResponse:
    """A server that has trouble of its own."""
    return web.json_response({"errcode": "M_UNKNOWN", "error": "oops"}, status=500)


async def a_page(request: web.Request, stack: Stack) -> web.StreamResponse:
    """A proxy's page, with a status that claims success."""
    return web.Response(text="<html>We are back soon</html>", content_type="text/html")


async def half_an_answer(request: web.Request, stack: Stack) -> web.StreamResponse:
    """The right answer, cut off in the middle."""
    whole = await stack.proxy.forward(request)
    assert isinstance(whole.body, bytes)
    return web.Response(body=whole.body[: len(whole.body) // 2], content_type="application/json")


@pytest.mark.parametrize("nonsense", [an_error, a_page, half_an_answer])
async def test_nonsense_about_a_space_changes_nothing(
    stack: Stack, configure: Configure, nonsense: Nonsense
) -> None:
    await configure("startup: {wait: 1}")
    tess = await onboard(stack, f"tess-{nonsense.__name__}", chats=2)
    space = f"/_matrix/client/v3/rooms/{tess.space_id}/state"
    before = await take_snapshot(stack.as_bot())
    asked, sane = asyncio.Event(), asyncio.Event()

    async def answer_nonsense(request: web.Request) -> web.StreamResponse | None:
        if sane.is_set() or request.path != space:
            return None
        asked.set()
        return await nonsense(request, stack)

    await stack.maubot.stop()
    stack.maubot.delete_database(INSTANCE)
    stack.proxy.fault = answer_nonsense
    stack.proxy.clear()
    await stack.maubot.start()
    await asyncio.wait_for(asked.wait(), 10)
    # Written while nobody knows yet whose room this is.
    questions = [await tess.person.send(room_id, "hello?") for room_id in tess.chats]
    sane.set()
    for question in questions:
        assert await reply_to(tess.person, question, LONGEST) == "hello?"
    assert membership_changes(stack.proxy) == []
    assert state_writes(stack.proxy) == []
    assert await take_snapshot(stack.as_bot()) == before
