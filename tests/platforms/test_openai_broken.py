"""What is no answer must never be taken for one: broken streams, nonsense, silence."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from plugin.platforms.openai import OpenAISettings
from plugin.platforms.protocol import PlatformError
from plugin.platforms.response import LARGEST_PART

from .conversation import Reply, Server, answer, ask, chunk, error, events, say

NONSENSE = "I do not understand"
TOO_MUCH = "far more than a message can hold"
UNFINISHED = "broke off before its end"


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (events(chunk("Hello")), UNFINISHED),
        (answer('data: {"choices": [{"del', "text/event-stream"), UNFINISHED),
        (events(chunk("Hello"), '{"choices": [{"del'), NONSENSE),
        (events({"surprise": 1}), NONSENSE),
        (events({"choices": ["surprise"]}), NONSENSE),
        (events({"choices": [{"delta": "surprise"}]}), NONSENSE),
        (events({"choices": [{"delta": {"content": ["surprise"]}}]}), NONSENSE),
        (answer("<html>Log in</html>", "text/html"), NONSENSE),
        (answer("[" * 100_000, "application/json"), NONSENSE),
        (answer(" " * (LARGEST_PART + 1), "application/json"), TOO_MUCH),
        (answer("data: " + "x" * LARGEST_PART, "text/event-stream"), TOO_MUCH),
        (error(200, {"choices": []}), NONSENSE),
        (error(200, ["surprise"]), NONSENSE),
        (events("[DONE]"), "an empty answer"),
        (events(chunk(" \n"), "[DONE]"), "an empty answer"),
        (error(200, {"choices": [{"message": {"content": None}}]}), "an empty answer"),
        (events(chunk("Well", "content_filter")), "does not want to answer"),
        (events(chunk("Hi"), {"error": {"message": "Overloaded", "code": 503}}), "error 503"),
        (events({"error": {"code": "rate_limit_exceeded"}}), "too many messages"),
        (events({"error": "the context size is exceeded"}), "too long"),
        (error(200, {"error": {"message": "boom"}}), "error 500"),
    ],
)
async def test_what_is_no_answer_is_never_taken_for_one(
    server: Server, http: aiohttp.ClientSession, reply: Reply, sentence: str
) -> None:
    server.reply = reply

    with pytest.raises(PlatformError) as caught:
        await ask(OpenAISettings(server.base_url, "small").build(http), say("Hi"))

    assert sentence in caught.value.sentence


async def test_a_connection_lost_in_the_middle_is_told_from_one_never_made(
    server: Server, http: aiohttp.ClientSession
) -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"choices": [{"delta": {"content": "Wel"}}]}\n\n')
        assert request.transport is not None
        request.transport.abort()
        return response

    server.reply = reply

    with pytest.raises(PlatformError) as caught:
        await ask(OpenAISettings(server.base_url, "small").build(http), say("Hi"))

    assert UNFINISHED in caught.value.sentence


async def test_a_server_that_is_not_there_is_called_unreachable(
    http: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    settings = OpenAISettings(f"http://127.0.0.1:{unused_tcp_port}/v1", "small")

    with pytest.raises(PlatformError) as caught:
        await ask(settings.build(http), say("Hi"))

    assert "cannot reach the assistant" in caught.value.sentence
    assert caught.value.can_retry


@pytest.mark.parametrize("has_begun", [False, True])
async def test_a_server_that_stays_silent_is_not_waited_for(
    server: Server, http: aiohttp.ClientSession, *, has_begun: bool
) -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        if has_begun:
            await response.prepare(request)
        await asyncio.Event().wait()
        return response

    server.reply = reply
    platform = OpenAISettings(server.base_url, "small", timeout=0.05).build(http)

    with pytest.raises(PlatformError) as caught:
        await ask(platform, say("Hi"))

    assert "said nothing for 0.05 seconds" in caught.value.sentence
