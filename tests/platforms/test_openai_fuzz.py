"""Whatever a server sends, a platform answers or says why not: it raises nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
from hypothesis import example, given
from hypothesis import strategies as st

from plugin.platforms.openai import OpenAISettings
from plugin.platforms.protocol import PlatformError

from .conversation import ask, say

KEYS = st.sampled_from(
    [
        "choices",
        "delta",
        "message",
        "content",
        "finish_reason",
        "reasoning",
        "error",
        "code",
        "type",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["stop", "length", "content_filter", "\ud800", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
# Close to an answer, so that what is wrong lies deep.
CHOICES = st.fixed_dictionaries(
    {"choices": st.lists(st.fixed_dictionaries({"delta": VALUES, "message": VALUES}), max_size=2)}
)
DATA = st.binary(max_size=60) | (VALUES | CHOICES).map(lambda value: json.dumps(value).encode())
STREAMS = st.lists(
    st.tuples(st.sampled_from([b"data: ", b"data:", b": ", b"event: ", b""]), DATA), max_size=5
).map(lambda lines: b"\n\n".join(start + data for start, data in lines) + b"\n\n")
BODIES = st.binary(max_size=200) | DATA | STREAMS
HEADERS = st.sampled_from(
    [
        b"Content-Type: text/event-stream",
        b"Content-Type: application/json",
        b"Content-Type: ;charset=\xff",
        b"Content-Encoding: gzip",
        b"Content-Encoding: deflate",
        b"Content-Encoding: br",
        b"Transfer-Encoding: chunked",
        b"Content-Length: 7",
        b"Content-Length: -1",
        b"Set-Cookie: a=\xff",
        b"Location: http://[",
        b"Connection: Upgrade",
    ]
) | st.binary(max_size=30).map(lambda value: b"Retry-After: " + value)
STATUSES = st.sampled_from(
    [b"200", b"201", b"101", b"204", b"304", b"401", b"404", b"429", b"500"]
)


@contextlib.asynccontextmanager
async def saying(response: bytes) -> AsyncIterator[str]:
    """A server that answers every request with these bytes and hangs up; yields its address."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response)
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}/v1"
    finally:
        server.close()


async def answers_or_explains(response: bytes) -> None:
    async with saying(response) as url, aiohttp.ClientSession() as http:
        platform = OpenAISettings(url, "small", timeout=1.0).build(http)
        with contextlib.suppress(PlatformError):
            pieces = await ask(platform, say("Hi"))
            assert "".join(pieces).strip()


@given(st.binary(max_size=200))
@example(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 70_000)
async def test_any_bytes_for_a_response(response: bytes) -> None:
    await answers_or_explains(response)


@given(STATUSES, st.lists(HEADERS, max_size=3), BODIES)
async def test_any_headers_and_body(status: bytes, headers: list[bytes], body: bytes) -> None:
    head = b"\r\n".join([b"HTTP/1.1 " + status + b" OK", *headers])
    await answers_or_explains(head + b"\r\n\r\n" + body)


@given(BODIES)
@example(b'{"error": ' + b'{"a": ' * 900 + b"1" + b"}" * 901)
@example(b'{"error": {"message": ' + b"[" * 900 + b"]" * 900 + b"}}")
@example(b'{"error": {"code": ' + b"9" * 5000 + b"}}")
@example(b'{"choices": [{"message": {"content": "\\ud800"}}]}')
async def test_any_whole_answer(body: bytes) -> None:
    await answers_or_explains(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)


@given(STREAMS)
async def test_any_stream(body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    await answers_or_explains(head + body)
