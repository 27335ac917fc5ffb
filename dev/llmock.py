"""A local stand-in for an OpenAI-compatible server: llmock, with its control API.

It answers like the real thing, fails on demand, and remembers what it was asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from .environments import interpreter
from .processes import Program, free_port


class LLMock:
    """One llmock; `url` is the base URL that an OpenAI client is given."""

    def __init__(self, session: aiohttp.ClientSession, directory: Path) -> None:
        port = free_port()
        self._root = f"http://127.0.0.1:{port}"
        self.url = f"{self._root}/v1"
        self._session = session
        python = str(interpreter("llmock"))
        # `-c`, since the package's own script has the environment's path written into it.
        serve = "from llmock.cli import app; app()"
        command = [python, "-c", serve, "serve", "--host", "127.0.0.1", "--port", str(port)]
        self._program = Program("llmock", command, directory)

    async def start(self, pause: float = 0.0) -> None:
        """Start, or start again. Raises StartFailure.

        Args:
            pause: seconds between two pieces of an answer.
        """
        self._program.environment = {"LLMOCK_STREAM_CHUNK_DELAY_MS": str(round(pause * 1000))}
        await self._program.start(self._answers)

    async def stop(self) -> None:
        """End it; connections are refused from then on."""
        await self._program.stop()

    async def behave(self, *behaviors: dict[str, Any]) -> None:
        """Queue llmock behaviours for the next requests, say
        `{"type": "fail", "status": 429, "retry_after": 1, "times": 1}`.
        """
        body = {"behaviors": behaviors}
        url = f"{self._root}/_llmock/scenario"
        async with self._session.post(url, json=body, raise_for_status=True):
            pass

    async def requests(self) -> list[dict[str, Any]]:
        """What it was asked since the last `reset`, oldest first."""
        asked: list[dict[str, Any]] = (await self._get("requests"))["requests"]
        return asked

    async def verdict(self) -> dict[str, Any]:
        """What llmock thinks of how its client coped with the faults."""
        said: dict[str, Any] = await self._get("verdict")
        return said

    async def reset(self) -> None:
        """Forget requests and queued behaviours."""
        async with self._session.post(f"{self._root}/_llmock/reset", raise_for_status=True):
            pass

    async def _get(self, what: str) -> Any:
        url = f"{self._root}/_llmock/{what}"
        async with self._session.get(url, raise_for_status=True) as answer:
            return await answer.json()

    async def _answers(self) -> bool:
        try:
            async with self._session.get(f"{self._root}/health") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False
