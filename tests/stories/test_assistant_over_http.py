"""A person's chat with an assistant behind HTTP: long answers, waits, and servers in trouble."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import attr
import pytest
from aiohttp import web

from plugin.config.timing import Limits

from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in
from ..fakes.users import User, heard, replies
from ..platforms.conversation import Reply, Server, chunk, error, events, running

CONFIG = """
permissions: {{local: user}}
default_platform: gpt
platforms: {{gpt: {{type: openai, base_url: "{url}", model: small{more}}}}}
"""
HELLO = events(chunk("Hello"), chunk(None, "stop"))


@pytest.fixture
async def assistant(bot: Bot) -> AsyncIterator[Server]:
    """The server behind new chats."""
    async with running(HELLO) as server:
        bot.text.text = CONFIG.format(url=server.base_url, more="")
        yield server


def reasoning(text: str) -> dict[str, object]:
    """A chunk in which the model talks to itself."""
    return {"choices": [{"index": 0, "delta": {"reasoning_content": text}}]}


async def test_a_long_answer_after_long_reasoning_arrives_whole_and_is_asked_for_once(
    bot: Bot, assistant: Server, alice: User
) -> None:
    await settle_in(bot, alice)
    words = [f"word{number}" for number in range(9000)]
    padded = {"id": "chatcmpl-" + "x" * 200, "object": "chat.completion.chunk"}
    assistant.reply = events(
        *({**padded, **reasoning("hm ")} for _ in range(6000)),
        *({**padded, **chunk(f"{word} ")} for word in words),
        "[DONE]",
    )

    alice.write(alice.chat, "Tell me all")
    await bot.deliver()

    assert " ".join(heard(alice.chat)).split() == words
    assert len(assistant.questions) == 1


def trickle(piece: bytes, closed: asyncio.Event) -> Reply:
    """Send the same again and again, until the other side hangs up; then `closed` is set."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            while True:
                await response.write(piece)
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    return reply


async def test_an_answer_without_end_ends_with_a_word_about_it_and_is_asked_for_once(
    bot: Bot, assistant: Server, alice: User
) -> None:
    bot.limits = Limits(answer=1000)
    await settle_in(bot, alice)
    closed = asyncio.Event()
    assistant.reply = trickle(b'data: {"choices": [{"delta": {"content": "again "}}]}\n\n', closed)

    answer = await ask(bot, alice, alice.chat, "Say it again and again")

    assert answer.startswith("again again ")
    assert len(answer) < 1100
    assert answer.endswith("Ask me to go on, and I will.)")
    assert len(assistant.questions) == 1
    await asyncio.wait_for(closed.wait(), 5)


async def test_an_answer_of_one_endless_piece_is_asked_for_once(
    bot: Bot, assistant: Server, alice: User
) -> None:
    await settle_in(bot, alice)
    closed = asyncio.Event()
    assistant.reply = trickle(b"x" * 100_000, closed)

    answer = await ask(bot, alice, alice.chat, "Hello?")

    assert answer.startswith("The assistant sent far more than a message can hold.")
    assert len(assistant.questions) == 1
    await asyncio.wait_for(closed.wait(), 5)


async def test_an_assistant_that_asks_for_patience_gets_it_and_its_owner_is_told(
    bot: Bot, assistant: Server, alice: User
) -> None:
    await settle_in(bot, alice)
    assistant.reply = error(429, {}, Retry_After="12")

    question = alice.write(alice.chat, "Hello?")
    await bot.deliver()

    assert len(assistant.questions) == 1
    assert replies(alice.chat, question) == [
        "The assistant is getting too many messages at once. It may work again in 12 seconds. "
        "Then I ask again by myself; `!cancel` drops it."
    ]
    assert await ask(bot, alice, alice.chat, "!cancel") == "Stopped. 1 message won't be answered."


async def test_after_the_wait_that_the_assistant_asked_for_it_answers(
    bot: Bot, assistant: Server, alice: User
) -> None:
    bot.timing = attr.evolve(bot.timing, worth_telling=0.1)
    await settle_in(bot, alice)
    refusals = iter([error(503, {}, Retry_After="0.2")])

    async def reply(request: web.Request) -> web.StreamResponse:
        return await next(refusals, HELLO)(request)

    assistant.reply = reply
    question = alice.write(alice.chat, "Hello?")
    await bot.push()
    await bot.server.until(lambda: len(replies(alice.chat, question)) == 2)

    told, answer = replies(alice.chat, question)
    assert told.endswith("Then I ask again by myself; `!cancel` drops it.")
    assert answer == "Hello"


async def test_who_would_wait_too_long_is_told_when_to_come_back(
    bot: Bot, assistant: Server, alice: User
) -> None:
    await settle_in(bot, alice)
    assistant.reply = error(429, {}, Retry_After="7200")

    answer = await ask(bot, alice, alice.chat, "Hello?")

    assert "It may work again in 120 minutes." in answer
    assert answer.endswith("`!retry` asks again, `!cancel` drops it.")
    assert len(assistant.questions) == 1
    assistant.reply = HELLO
    assert await ask(bot, alice, alice.chat, "!retry") == "I'm asking again: 1 message."
    assert heard(alice.chat)[-1] == "Hello"


@pytest.mark.parametrize(
    "piece",
    [
        b": still here\n\n",
        b" ",
        b'data: {"choices": []}\n\n',
        b'data: {"choices": [{"delta": {}}]}\n\n',
    ],
    ids=["comments", "single bytes", "statistics", "empty pieces"],
)
async def test_a_server_that_sends_anything_but_words_is_not_waited_for(
    bot: Bot, assistant: Server, alice: User, piece: bytes
) -> None:
    bot.text.text = CONFIG.format(url=assistant.base_url, more=", timeout: 1")
    bot.timing = attr.evolve(bot.timing, platform_retries=())
    await settle_in(bot, alice)
    closed = asyncio.Event()
    assistant.reply = trickle(piece, closed)

    alice.write(alice.chat, "Hello?")
    await bot.push()
    await bot.server.until(lambda: heard(alice.chat) != [])

    (answer,) = heard(alice.chat)
    assert answer.startswith("The assistant has said nothing for 1 seconds")
    await asyncio.wait_for(closed.wait(), 5)


@pytest.mark.parametrize("kind", ["the answer", "reasoning"])
async def test_a_slow_answer_is_waited_for_as_long_as_there_are_words(
    bot: Bot, assistant: Server, alice: User, kind: str
) -> None:
    bot.text.text = CONFIG.format(url=assistant.base_url, more=", timeout: 1")
    await settle_in(bot, alice)

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(6):
            piece = reasoning("hm") if kind == "reasoning" else chunk("hm")
            await response.write(f"data: {json.dumps(piece)}\n\n".encode())
            await asyncio.sleep(0.3)
        await response.write(f"data: {json.dumps(chunk('Hello', 'stop'))}\n\n".encode())
        return response

    assistant.reply = reply
    answer = await ask(bot, alice, alice.chat, "Hello?")

    assert answer == ("Hello" if kind == "reasoning" else "hmhmhmhmhmhmHello")


async def test_an_answer_that_never_ends_is_given_up_after_the_total_time(
    bot: Bot, assistant: Server, alice: User
) -> None:
    bot.text.text = CONFIG.format(url=assistant.base_url, more=", total_timeout: 1")
    await settle_in(bot, alice)
    closed = asyncio.Event()
    assistant.reply = trickle(b'data: {"choices": [{"delta": {"content": "again "}}]}\n\n', closed)

    answer = await ask(bot, alice, alice.chat, "Hello?")

    assert answer == (
        "The assistant did not finish its answer within 1 seconds, so I stopped waiting.  \n"
        "`!retry` asks again, `!cancel` drops it."
    )
    assert len(assistant.questions) == 1
    await asyncio.wait_for(closed.wait(), 5)


async def test_cancel_hangs_up_however_often_it_is_said(
    bot: Bot, assistant: Server, alice: User
) -> None:
    await settle_in(bot, alice)
    closed = asyncio.Event()
    assistant.reply = trickle(b": still here\n\n", closed)
    alice.write(alice.chat, "Hello?")
    await bot.push()
    await bot.server.until(lambda: assistant.questions != [])

    first, second = alice.write(alice.chat, "!cancel"), alice.write(alice.chat, "!cancel")
    await bot.deliver()

    await asyncio.wait_for(closed.wait(), 5)
    assert replies(alice.chat, first) == ["Stopped. 1 message won't be answered."]
    assert replies(alice.chat, second) == ["There's nothing to stop here."]
    assistant.reply = HELLO
    assert await ask(bot, alice, alice.chat, "And now?") == "Hello"
