"""The plugin is killed at every step of a message's way: each message is answered once, in
order, whatever became of the database, and the platform could tell what it had seen before."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest
import pytest_asyncio
from aiohttp import web

from dev.proxy import hang_up

from .kill_points import (
    Answered,
    Arrival,
    Call,
    CursorWritten,
    Delivery,
    Kept,
    KillPoint,
    KillScenario,
    NextCall,
    Removed,
    Reply,
    ReplyArrived,
    Stored,
    TokenSaved,
)
from .killable_stack import KillableStack, serve_stack
from .recorder import Recorder
from .story import OnboardedUser, onboard, start_chat
from .transcript import ANSWERS, read_transcript, read_when_complete

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOW = pytest.mark.slow
KILL_POINTS = (
    *(Delivery, Arrival, Stored, Call, Answered, Kept, Reply, ReplyArrived),
    *(Removed, NextCall, TokenSaved, CursorWritten),
)
# The whole matrix takes minutes.
QUICK = {(Call, "deleted"), (Reply, "kept"), (ReplyArrived, "deleted")}
CASES = [
    pytest.param(kill_point, database, marks=[] if (kill_point, database) in QUICK else SLOW)
    for kill_point in KILL_POINTS
    for database in ("kept", "deleted")
]


@dataclass
class RecordedStack(KillableStack):
    """A stack with a recording platform and one person."""

    recorder: Recorder
    onboarded: OnboardedUser
    numbers: itertools.count[int] = field(default_factory=itertools.count)


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="session",
    params=["sqlite", pytest.param("postgres", marks=SLOW)],
)
async def recorded(request: pytest.FixtureRequest) -> AsyncIterator[RecordedStack]:
    async with (
        Recorder.serve() as recorder,
        serve_stack(request.param, recorder.config) as (stack, server),
    ):
        yield RecordedStack(stack, server, recorder, await onboard(stack, "ida"))


@pytest.mark.parametrize(("kind", "database"), CASES)
async def test_a_message_is_answered_once_wherever_the_plugin_is_killed(
    recorded: RecordedStack, kind: type[KillPoint], database: str
) -> None:
    onboarded, kill_point = recorded.onboarded, kind()
    room_id = await start_chat(onboarded)
    number = next(recorded.numbers)
    words = f"first {number}", f"second {number}"
    scenario = KillScenario(recorded.stack, recorded.recorder, onboarded.person, room_id, *words)
    recorded.recorder.seen.clear()
    await kill_point.arm(scenario)
    keys = {
        name: await onboarded.person.send(room_id, words)
        for name, words in (("first", scenario.first), ("second", scenario.second))
    }
    await kill_point.come(scenario)
    await recorded.until_killed()
    keys["third"] = await onboarded.person.send(room_id, "third")
    if database == "deleted":
        await recorded.delete_database()
    await kill_point.disarm(scenario)
    await recorded.stack.maubot.start()
    await read_when_complete([(onboarded.person, room_id)])

    # Whatever was to be answered twice is so before this.
    keys["last"] = await onboarded.person.send(room_id, "last")
    (transcript,) = await read_when_complete([(onboarded.person, room_id)])
    assert transcript.lost == []
    assert transcript.answered == transcript.asked
    again = kill_point.again_kept if database == "kept" else kill_point.again_deleted
    for name, key in keys.items():
        allowed = (1, 2) if name in again else (1,)
        assert recorded.recorder.times[key] in allowed, f"the platform was sent the {name} message"


@pytest.mark.parametrize("database", ["kept", pytest.param("deleted", marks=SLOW)])
async def test_a_chat_is_made_once_although_nobody_could_say_so(
    recorded: RecordedStack, database: str
) -> None:
    onboarded = recorded.onboarded
    title = f"Holiday, database {database}"
    reply = f"rooms/{onboarded.control}/send/"

    async def kill_before_reply(request: web.Request) -> web.StreamResponse | None:
        if reply not in unquote(request.path):
            return None
        recorded.stack.maubot.kill()
        return hang_up(request)

    recorded.stack.proxy.fault = kill_before_reply
    question = await onboarded.person.send(onboarded.control, f"!new {title}")
    await recorded.until_killed()
    recorded.stack.proxy.fault = None
    if database == "deleted":
        await recorded.delete_database()
    await recorded.stack.maubot.start()
    await onboarded.person.wait_for_message(onboarded.control, title, within=30)
    # Whatever was to be answered twice is so before this.
    await onboarded.person.send(onboarded.control, "!chats")
    listing = await onboarded.person.wait_for_message(onboarded.control, "Your chats:")
    assert listing["content"]["body"].count(title) == 1
    answers = [
        event["content"].get(ANSWERS)
        for event in await onboarded.person.messages(onboarded.control)
        if event["type"] == "m.room.message"
    ]
    assert answers.count(question) == 1


async def test_a_platform_that_hangs_in_one_chat_holds_up_no_other(
    recorded: RecordedStack,
) -> None:
    onboarded, released = recorded.onboarded, asyncio.Event()
    slow, brisk = [await start_chat(onboarded) for _ in range(2)]

    async def hang(request: object) -> None:
        await released.wait()

    recorded.recorder.reactions["take your time"] = hang
    await onboarded.person.send(slow, "take your time")
    await onboarded.person.send(slow, "after you")
    for number in range(10):
        await onboarded.person.send(brisk, f"question {number}")
    (meanwhile,) = await read_when_complete([(onboarded.person, brisk)])
    assert meanwhile.answered == meanwhile.asked
    assert (await read_transcript(onboarded.person, slow)).answered == []
    released.set()
    (afterwards,) = await read_when_complete([(onboarded.person, slow)])
    assert afterwards.answered == afterwards.asked


async def test_a_platform_that_is_broken_in_one_chat_holds_up_no_other(
    recorded: RecordedStack,
) -> None:
    onboarded = recorded.onboarded
    broken, brisk = [await start_chat(onboarded) for _ in range(2)]

    async def fail(request: object) -> web.Response:
        return web.json_response({"error": {"message": "out of order"}}, status=503)

    recorded.recorder.reactions["can you hear me?"] = fail
    await onboarded.person.send(broken, "can you hear me?")
    for number in range(10):
        await onboarded.person.send(brisk, f"question {number}")
    (meanwhile,) = await read_when_complete([(onboarded.person, brisk)])
    assert meanwhile.answered == meanwhile.asked
    assert (await read_transcript(onboarded.person, broken)).answered == []

    await onboarded.person.wait_for_message(broken, "`!retry`", within=30)
    recorded.recorder.reactions.clear()
    await onboarded.person.send(broken, "!retry")
    (afterwards,) = await read_when_complete([(onboarded.person, broken)])
    assert afterwards.answered == afterwards.asked


async def test_what_waits_outlives_a_stop_and_the_loss_of_the_database(
    recorded: RecordedStack,
) -> None:
    onboarded, asked = recorded.onboarded, asyncio.Event()
    room_id = await start_chat(onboarded)

    async def hang(request: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    recorded.recorder.reactions["no hurry"] = hang
    # One run leaves two messages to the next, and that to another; none can finish them.
    await recorded.stack.maubot.stop()
    for words in ("no hurry", "after you"):
        await onboarded.person.send(room_id, words)
    for _ in range(2):
        asked.clear()
        await recorded.stack.maubot.start()
        await asyncio.wait_for(asked.wait(), 30)
        await recorded.stack.maubot.stop()
    await recorded.delete_database()
    recorded.recorder.reactions.clear()
    await recorded.stack.maubot.start()
    (transcript,) = await read_when_complete([(onboarded.person, room_id)], within=20)
    assert transcript.lost == []
    assert transcript.answered == transcript.asked
