"""A platform that remembers every request: a small OpenAI-compatible server.

It answers each message with its words, and does what a test tells it when certain words come:
hang, fail, or have somebody pull the plug.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from dev.processes import free_port

CONFIG = """
default_platform: recorder
platforms:
    recorder:
        type: openai
        base_url: {url}
        model: recorder
"""

Reaction = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


class Recorder:
    """One such server. `seen` has the idempotency key of each request, in the order they came;
    `reactions` are by the words to which they react."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}/v1"
        self.seen: list[str] = []
        self.reactions: dict[str, Reaction] = {}

    @classmethod
    @asynccontextmanager
    async def serve(cls) -> AsyncIterator[Recorder]:
        """A server for the length of the block."""
        recorder = cls()
        application = web.Application()
        application.router.add_post("/v1/chat/completions", recorder._complete)
        runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await runner.setup()
        try:
            port = int(recorder.url.rpartition(":")[2].partition("/")[0])
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield recorder
        finally:
            await runner.cleanup()

    @property
    def config(self) -> str:
        """The configuration that makes it the platform of new chats, as YAML."""
        return CONFIG.format(url=self.url)

    @property
    def times(self) -> Counter[str]:
        """How often each idempotency key came."""
        return Counter(self.seen)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        dialogue = (await request.json())["messages"]
        # What was said before and has no answer above it comes along with the message.
        words = str(dialogue[-1]["content"]).rpartition("\n\n")[2]
        self.seen.append(request.headers["Idempotency-Key"])
        reaction = self.reactions.get(words)
        answer = await reaction(request) if reaction is not None else None
        if answer is not None:
            return answer
        message = {"role": "assistant", "content": words}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})
