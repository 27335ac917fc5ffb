"""An OpenAI-compatible server that repeats what it is told, and takes its time for that.

It is there so that kills strike while a platform is at work, too. Counts what it was asked.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ..processes import free_port

LONGEST = 1.2
CONFIG = """
default_platform: {default}
platforms:
    echo:
        type: echo
    slow:
        type: openai
        base_url: {url}
        model: slow
        history_characters: 400
"""


class SlowPlatform:
    """One such server; `asked` counts how often each idempotency key came."""

    def __init__(self, chance: random.Random) -> None:
        self.asked: Counter[str] = Counter()
        self._chance = chance
        self._port = free_port()

    @classmethod
    @asynccontextmanager
    async def serve(cls, chance: random.Random) -> AsyncIterator[SlowPlatform]:
        """A server for the length of the block."""
        server = cls(chance)
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

    def config(self, default: str) -> str:
        """The instance's configuration; new chats are on the platform `default`."""
        return CONFIG.format(url=f"http://127.0.0.1:{self._port}/v1", default=default)

    async def _complete(self, request: web.Request) -> web.Response:
        dialogue = (await request.json())["messages"]
        # What was said before and has no answer above it comes along with the message.
        words = str(dialogue[-1]["content"]).rpartition("\n\n")[2]
        self.asked[request.headers["Idempotency-Key"]] += 1
        await asyncio.sleep(self._chance.random() * LONGEST)
        message = {"role": "assistant", "content": words}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})
