"""An OpenAI-compatible server that says its answers word by word, as slowly as it is told to.

It listens on 127.0.0.1 in the process of the test or benchmark that asks, so that what people see
can be compared with what it said, and when.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from .processes import free_port

CONFIG = """
default_platform: slow
platforms:
    slow: {{type: openai, base_url: "{url}", model: slow}}
"""


@dataclass
class Speech:
    """What it said to one request, and when, in the event loop's time.

    Attributes:
        key: the request's idempotency key.
        begun_at: when it said the first word; it does so at once.
        ended_at: when it said the last.
    """

    key: str
    begun_at: float
    ended_at: float = 0.0


class SlowServer:
    """One such server.

    Attributes:
        keys: the idempotency key of each request, in their order.
        dialogues: what was said in each of them, as (role, words).
        speeches: what it said to each of them.
    """

    def __init__(self, words: list[str], pause: float) -> None:
        """
        Args:
            words: every answer, word by word.
            pause: seconds between two of them.
        """
        self.words = words
        self.pause = pause
        self.keys: list[str] = []
        self.dialogues: list[list[tuple[str, str]]] = []
        self.speeches: list[Speech] = []
        self._port = free_port()

    @classmethod
    @asynccontextmanager
    async def serve(cls, words: list[str], pause: float) -> AsyncIterator[SlowServer]:
        """A server for the length of the block."""
        server = cls(words, pause)
        application = web.Application()
        application.router.add_post("/v1/chat/completions", server._complete)
        runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", server._port).start()
            yield server
        finally:
            await runner.cleanup()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def config(self) -> str:
        """The part of the instance's configuration that makes it the platform of new chats."""
        return CONFIG.format(url=self.url)

    @property
    def answer(self) -> str:
        """What it says to everything but what ends in `short`, to which it says a word."""
        return "".join(self.words).strip()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        key = request.headers["Idempotency-Key"]
        self.keys.append(key)
        loop = asyncio.get_running_loop()
        messages = (await request.json())["messages"]
        self.dialogues.append([(one["role"], one["content"]) for one in messages])
        short = messages[-1]["content"].endswith("short")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        speech = Speech(key, loop.time())
        self.speeches.append(speech)
        for number, word in enumerate(["Short."] if short else self.words):
            if number:
                await asyncio.sleep(self.pause)
            speech.ended_at = loop.time()
            chunk = {"choices": [{"delta": {"content": word}, "finish_reason": None}]}
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response
