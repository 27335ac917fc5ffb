"""A chat with an OpenAI-compatible server: what it is asked, and what becomes of its answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from plugin.platforms.credentials import Key
from plugin.platforms.openai import OpenAI, OpenAISettings
from plugin.platforms.protocol import PlatformError, Turn

from .conversation import Server, ask, chunk, error, events, say


def connect(server: Server, http: aiohttp.ClientSession, **more: object) -> OpenAI:
    raw = {"type": "openai", "base_url": server.base_url, "model": "small", **more}
    return OpenAISettings.parse(raw, "platforms.gpt").build(http)


async def test_the_answer_comes_in_pieces(server: Server, http: aiohttp.ClientSession) -> None:
    assert await ask(connect(server, http), say("Hi")) == ["Hello", " there"]


async def test_the_server_gets_the_prompt_the_history_and_the_message(
    server: Server, http: aiohttp.ClientSession
) -> None:
    earlier = [Turn("user", "I am Ann"), Turn("assistant", "Hello Ann")]
    platform = connect(server, http, system_prompt="Be kind.")

    await ask(platform, say("Who am I?", earlier))

    assert server.questions == [
        {
            "model": "small",
            "stream": True,
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "I am Ann"},
                {"role": "assistant", "content": "Hello Ann"},
                {"role": "user", "content": "Who am I?"},
            ],
        }
    ]


async def test_what_does_not_fit_into_the_budget_stays_behind(
    server: Server, http: aiohttp.ClientSession
) -> None:
    earlier = [Turn("user", "a" * 50), Turn("assistant", "b" * 5)]

    await ask(connect(server, http, history_characters=20), say("c" * 10, earlier))

    assert [turn["content"] for turn in server.questions[0]["messages"]] == ["c" * 10]


async def test_a_message_beyond_the_budget_goes_alone(
    server: Server, http: aiohttp.ClientSession
) -> None:
    await ask(connect(server, http, history_characters=5), say("c" * 10, [Turn("user", "a")]))

    assert server.questions[0]["messages"] == [{"role": "user", "content": "c" * 10}]


async def test_two_messages_in_a_row_become_one_turn(
    server: Server, http: aiohttp.ClientSession
) -> None:
    await ask(connect(server, http), say("Are you there?", [Turn("user", "Hello?")]))

    turns = server.questions[0]["messages"]
    assert turns == [{"role": "user", "content": "Hello?\n\nAre you there?"}]


async def test_the_event_id_lets_the_server_recognise_a_repetition(
    server: Server, http: aiohttp.ClientSession
) -> None:
    await ask(connect(server, http), say("Hi"))

    assert server.headers[0]["Idempotency-Key"] == "$question"


async def test_a_local_server_needs_no_key(server: Server, http: aiohttp.ClientSession) -> None:
    await ask(connect(server, http), say("Hi"))

    assert "Authorization" not in server.headers[0]


async def test_a_new_key_in_the_file_counts_from_the_next_message_on(
    server: Server, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    place = tmp_path / "key"
    platform = connect(server, http, api_key=f"file:{place}")
    for key in ("first\n", "second\n"):
        place.write_text(key)
        await ask(platform, say("Hi"))

    sent = [headers["Authorization"] for headers in server.headers]
    assert sent == ["Bearer first", "Bearer second"]


async def test_a_key_comes_from_the_environment(
    server: Server, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY_FOR_A_TEST", "from-outside")

    await ask(connect(server, http, api_key="env:A_KEY_FOR_A_TEST"), say("Hi"))

    assert server.headers[0]["Authorization"] == "Bearer from-outside"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("env:sk-secret", "the environment variable that api_key names is not set, or empty"),
        ("file:/sk-secret", "file that api_key names cannot be read: No such file or directory"),
        ("file:/sk-secret\0", "file that api_key names cannot be read: it is no text"),
        ("sk-secret sk-secret", "the key is more than one word"),
        (" ", "api_key is blank"),
    ],
)
async def test_a_key_that_is_not_to_be_had_is_explained(
    server: Server, http: aiohttp.ClientSession, source: str, reason: str
) -> None:
    with pytest.raises(PlatformError) as caught:
        await ask(connect(server, http, api_key=source), say("Hi"))

    assert reason in caught.value.detail
    assert "sk-secret" not in str(caught.value)
    assert server.questions == []


def test_a_key_is_never_shown() -> None:
    assert "secret" not in repr(OpenAISettings("http://x/v1", "m", Key("secret")))


async def test_a_server_that_does_not_stream_is_understood(
    server: Server, http: aiohttp.ClientSession
) -> None:
    whole = {"choices": [{"message": {"role": "assistant", "content": "Hello"}}]}
    server.reply = error(200, whole)

    assert await ask(connect(server, http), say("Hi")) == ["Hello"]


async def test_the_end_of_the_answer_may_be_told_in_either_way(
    server: Server, http: aiohttp.ClientSession
) -> None:
    ends = [events(chunk("Hi"), "[DONE]"), events(chunk("Hi", "stop"))]
    answers = []
    for server.reply in ends:
        answers.append(await ask(connect(server, http), say("Hi")))

    assert answers == [["Hi"], ["Hi"]]


async def test_chunks_without_words_are_passed_over(
    server: Server, http: aiohttp.ClientSession
) -> None:
    server.reply = events({"choices": []}, chunk(None), chunk(""), chunk("Hi"), "[DONE]")

    assert await ask(connect(server, http), say("Hi")) == ["Hi"]


async def test_an_answer_cut_by_its_greatest_length_says_so(
    server: Server, http: aiohttp.ClientSession
) -> None:
    server.reply = events(chunk("Once upon"), chunk(None, "length"), "[DONE]")

    assert "greatest length" in "".join(await ask(connect(server, http), say("A tale")))


async def test_pieces_come_before_the_answer_is_complete(
    server: Server, http: aiohttp.ClientSession
) -> None:
    heard = asyncio.Event()

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"choices": [{"delta": {"content": "One"}}]}\r\n\r\n')
        await heard.wait()
        await response.write(b'data: {"choices": [{"delta": {"content": "Two"}}]}\n\n')
        await response.write(b"data: [DONE]\n\n")
        return response

    server.reply = reply
    pieces = []
    async for piece in connect(server, http).send(say("Hi")):
        pieces.append(piece)
        heard.set()

    assert pieces == ["One", "Two"]
