"""Answers that are shown while they are written, on a real homeserver."""

from __future__ import annotations

import pytest

from dev.slow_server import SlowServer
from dev.stack import INSTANCE, Stack
from dev.user_client import Event

from .conftest import Configure
from .story import (
    OnboardedUser,
    onboard,
    reply_to,
    show_that_nothing_is_limited,
    wait_for_words,
)
from .transcript import EVERYTHING, LIVE, latest

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = [f"Word number {number} of many. " for number in range(60)]


async def answers(user: OnboardedUser) -> list[Event]:
    """What the bot said in somebody's chat, each message as its last edit left it."""
    (room_id,) = user.chats
    events = latest(await user.person.messages(room_id, EVERYTHING))
    return [
        one
        for one in events
        if one["type"] == "m.room.message" and one["sender"] != user.person.user_id
    ]


async def test_first_words_come_early_and_the_whole_answer_is_one_message(
    stack: Stack, configure: Configure
) -> None:
    async with SlowServer.serve(WORDS, pause=0.1) as server:
        await configure(server.config)
        ida = await onboard(stack, "streaming")
        await show_that_nothing_is_limited(ida)
        question = await ida.person.send(ida.chats[0], "hello")
        first = await wait_for_words(ida.person, question)
        assert LIVE in first["content"]
        assert len(first["content"]["body"]) < len(server.answer) / 2
        assert await reply_to(ida.person, question, within=30) == server.answer

        (answer,) = await answers(ida)
        assert answer["event_id"] == first["event_id"]
        assert answer["content"]["body"] == server.answer
        assert LIVE not in answer["content"]


@pytest.mark.parametrize("keep_database", [True, False], ids=["database", "none"])
async def test_a_kill_while_words_are_shown_leaves_one_whole_message(
    stack: Stack, configure: Configure, keep_database: bool
) -> None:
    async with SlowServer.serve(WORDS, pause=0.1) as server:
        await configure(server.config)
        jon = await onboard(stack, f"killed-{keep_database}".lower())
        await show_that_nothing_is_limited(jon)
        question = await jon.person.send(jon.chats[0], "hello")
        first = await wait_for_words(jon.person, question)
        assert LIVE in first["content"]

        stack.maubot.kill()
        await stack.maubot.stop()
        if not keep_database:
            stack.maubot.delete_database(INSTANCE)
        server.pause = 0.0
        await stack.maubot.start()

        assert await reply_to(jon.person, question, within=30) == server.answer
        (answer,) = await answers(jon)
        assert answer["event_id"] == first["event_id"]
        assert LIVE not in answer["content"]
        assert server.keys == [server.keys[0]] * 2
