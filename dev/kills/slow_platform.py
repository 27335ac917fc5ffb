"""An OpenAI-compatible server that repeats what it is told, and takes its time for that.

It is there so that kills strike while a platform is at work, and while its answer is shown word by
word. Counts what it was asked.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ..processes import free_port

# Seconds until an answer that comes whole; and from the first word to the last of one that is said
# slowly enough to be shown while it is written. So many of ten are.
LONGEST = 1.2
SLOWLY = (1.5, 4.0)
SLOW_OF_TEN = 4
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

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        dialogue = (await request.json())["messages"]
        # What was said before and has no answer above it comes along with the message.
        words = str(dialogue[-1]["content"]).rpartition("\n\n")[2]
        self.asked[request.headers["Idempotency-Key"]] += 1
        pieces, pause = [words], 0.0
        if self._chance.randrange(10) < SLOW_OF_TEN:
            pieces = re.findall(r"\S+\s*", words)
            pause = self._chance.uniform(*SLOWLY) / len(pieces)
        else:
            await asyncio.sleep(self._chance.random() * LONGEST)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            chunk = {"choices": [{"delta": {"content": piece}, "finish_reason": None}]}
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
            await asyncio.sleep(pause)
        await response.write(b"data: [DONE]\n\n")
        return response
