"""Fuzzed: what a platform sends, whole, in events, or instead of an answer.

Whatever it is, the platform answers or says why not; and of the key nothing reaches a log.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import attr

from plugin.platforms.completions import build_messages, parse_json, read_chunk
from plugin.platforms.credentials import Key
from plugin.platforms.failures import explain_refusal
from plugin.platforms.openai import OpenAISettings
from plugin.platforms.protocol import PlatformError, Prompt, Turn
from plugin.platforms.refusal import read_refusal
from plugin.platforms.sse import read_events

from .rooms import QUESTION
from .target import LOOP, Target, Unusable, from_json, to_json

SECRET = "sk-Zq7Rt5Lw9Xc3Vb1N"  # noqa: S105 (nobody's)
SETTINGS = OpenAISettings("http://test/v1", "small", api_key=Key(SECRET), timeout=60.0)
WHOLE = {"choices": [{"message": {"content": "Yes"}, "finish_reason": "stop"}]}
SENT = SimpleNamespace(headers={"Authorization": f"Bearer {SECRET}"})
PIECES: Sequence[dict[str, Any]] = (
    {"choices": [{"delta": {"content": "Y", "reasoning": "So"}, "finish_reason": None}]},
    {"choices": [{"delta": {"content": "es"}, "finish_reason": "length"}]},
    {"choices": [], "usage": {"total_tokens": 7}},
)
ERROR = {"error": {"message": f"context length of {SECRET}", "type": "x", "code": 429}}
STREAM = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in PIECES)


def read_completion(value: Any) -> None:
    """One JSON value, as a chunk and as a whole answer."""
    for part in ("delta", "message"):
        with contextlib.suppress(PlatformError):
            chunk = read_chunk(value, part)
            assert isinstance(chunk.text, str)
            turns = [Turn("user", "Hi"), Turn("assistant", chunk.text), Turn("user", "Ho")]
            parse_json(json.dumps(build_messages("", turns)))


def read_error(value: Any) -> None:
    """A refusal, of which no part that could be the key's is logged."""
    if not isinstance(value, list) or not value or not isinstance(value[0], int):
        raise Unusable
    headers = {"Retry-After": value[2]} if len(value) > 2 and isinstance(value[2], str) else {}
    refusal = read_refusal(value[0], value[1] if len(value) > 1 else None, headers)
    error = explain_refusal(refusal, "small", [SECRET])
    said = f"{error.detail} {error.sentence}".lower()
    assert not any(SECRET[at : at + 6].lower() in said for at in range(len(SECRET) - 5))
    assert refusal.retry_after is None or refusal.retry_after >= 0


async def _events(chunks: list[bytes]) -> list[str]:
    async def arrive() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [event async for event in read_events(arrive())]


def read_stream(data: bytes) -> None:
    """Server-sent events: the same in whatever portions they come."""
    whole = LOOP.run(_events([data]))
    middle = len(data) // 3
    assert LOOP.run(_events([data[:middle], b"", data[middle:]])) == whole
    if len(data) < 500:
        assert LOOP.run(_events([data[at : at + 1] for at in range(len(data))])) == whole


@attr.define
class _Response:
    """A response of so many bytes at a time, and the session that gets it."""

    status: int
    content_type: str
    headers: dict[str, str]
    body: bytes
    portion: int
    request_info: Any = SENT

    @property
    def content(self) -> _Response:
        return self

    async def readany(self) -> bytes:
        chunk, self.body = self.body[: self.portion], self.body[self.portion :]
        return chunk

    def close(self) -> None:
        return

    async def __aenter__(self) -> _Response:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def post(self, *_: object, **__: object) -> _Response:
        return self


async def _no_history(_: int) -> Sequence[Turn]:
    return ()


async def _ask(response: _Response) -> None:
    platform = SETTINGS.build(cast(Any, response))
    with contextlib.suppress(PlatformError):
        pieces = [one async for one in platform.send(Prompt("c", QUESTION, "Hi", _no_history))]
        assert "".join(pieces).strip()


def read_response(data: bytes) -> None:
    """A whole response: status, media type, size of portions and Retry-After in the first line."""
    head, _, body = data.partition(b"\n")
    words = head.decode("ascii", "replace").split(" ", 3)
    if len(words) < 3 or not all(word.isascii() and word.isdigit() for word in words[::2][:2]):
        raise Unusable
    headers = {"Retry-After": words[3]} if len(words) > 3 else {}
    kind = {"s": "text/event-stream"}.get(words[1], words[1])
    LOOP.run(_ask(_Response(int(words[0][:4]), kind, headers, body, max(64, int(words[2][:5])))))


TARGETS = (
    Target("completions", from_json(read_completion), to_json(WHOLE, *PIECES)),
    Target("refusals", from_json(read_error), to_json([429, ERROR, "7"], [200, ERROR], [500])),
    Target("events", read_stream, [STREAM, b": hello\r\n\r\ndata:a\rdata: b\n\ndata: [DONE]"]),
    Target(
        "platform",
        read_response,
        [
            b"200 s 100\n" + STREAM + b"data: [DONE]\n\n",
            b"200 application/json 9999\n" + json.dumps(WHOLE).encode(),
            b"429 application/json 9999 12\n" + json.dumps(ERROR).encode(),
            b"200 s 64\ndata: " + json.dumps(ERROR).encode() + b"\n\n",
            b"404 text/html 100\n<html>",
        ],
    ),
)
