"""What the tests of platforms share: a message in a chat, and a server that answers as told.

The server is a real one on 127.0.0.1, so that the platform's own HTTP client runs. It must not
know what the plugin makes of its answers.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attr
from aiohttp import web
from aiohttp.test_utils import TestServer
from mautrix.types import EventID

from plugin.platforms.protocol import Platform, Prompt, Turn

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attr.define
class Server:
    """An OpenAI-compatible server: keeps what it was asked, and answers with `reply`."""

    reply: Reply
    base_url: str = ""
    questions: list[dict[str, Any]] = attr.Factory(list)
    headers: list[dict[str, str]] = attr.Factory(list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.questions.append(await request.json())
        self.headers.append(dict(request.headers))
        return await self.reply(request)


@asynccontextmanager
async def running(reply: Reply) -> AsyncIterator[Server]:
    """Run a server that answers like this."""
    server = Server(reply)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.handle)
    async with TestServer(app, host="127.0.0.1") as running:
        server.base_url = str(running.make_url("/v1"))
        yield server


def say(text: str, earlier: Sequence[Turn] = ()) -> Prompt:
    """An owner's message in a chat; the chat's history is `earlier`, cut from the front."""

    async def history(budget: int) -> Sequence[Turn]:
        kept: list[Turn] = []
        for utterance in reversed(earlier):
            budget -= len(utterance.text)
            if budget < 0:
                break
            kept.insert(0, utterance)
        return kept

    return Prompt("conversation", EventID("$question"), text, history)


async def ask(platform: Platform, message: Prompt) -> list[str]:
    """The pieces of the answer."""
    return [piece async for piece in platform.send(message)]


def error(status: int, body: object, **headers: str) -> Reply:
    """Refuse with a JSON body."""

    async def reply(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(body, status=status, headers=named)

    return reply


def answer(text: str, content_type: str, status: int = 200) -> Reply:
    """Answer with exactly this body."""

    async def reply(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type, status=status)

    return reply


def events(*data: object) -> Reply:
    """Answer with a whole event stream; text stands as it is, anything else becomes JSON."""
    lines = (item if isinstance(item, str) else json.dumps(item) for item in data)
    return answer("".join(f"data: {line}\n\n" for line in lines), "text/event-stream")


def chunk(text: str | None, finish_reason: str | None = None) -> dict[str, Any]:
    """One chunk of a streamed answer."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}]}
