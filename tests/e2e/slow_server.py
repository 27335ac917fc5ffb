"""An OpenAI-compatible server that says its answers word by word, as slowly as a test wants.

It listens on 127.0.0.1, in the test's own process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from dev.processes import free_port

CONFIG = """
default_platform: slow
platforms:
    slow: {{type: openai, base_url: "{url}", model: slow}}
"""


class SlowServer:
    """One such server.

    Attributes:
        keys: the idempotency key of each request, in their order.
        spoken_at: the event loop's time at which the last answer's first word was said.
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
        self.spoken_at = 0.0
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
    def config(self) -> str:
        """The part of the instance's configuration that makes it the platform of new chats."""
        return CONFIG.format(url=f"http://127.0.0.1:{self._port}/v1")

    @property
    def answer(self) -> str:
        """What it says to everything but what ends in `short`, to which it says a word."""
        return "".join(self.words).strip()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers["Idempotency-Key"])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.spoken_at = asyncio.get_running_loop().time()
        dialogue = (await request.json())["messages"]
        short = dialogue[-1]["content"].endswith("short")
        for word in ["Short."] if short else self.words:
            chunk = {"choices": [{"delta": {"content": word}, "finish_reason": None}]}
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
            await asyncio.sleep(self.pause)
        await response.write(b"data: [DONE]\n\n")
        return response
