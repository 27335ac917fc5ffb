"""LiteLLM's proxy, with models that say what they are told to.

A server that others wrote, between the plugin and whatever answers: it has streams, errors and
status codes of its own. Nothing outside of this machine is asked.
"""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp

from .environments import interpreter
from .processes import Program, free_port

KEY = "sk-of-the-stack"


class LiteLLM:
    """One proxy; `url` is the base URL that an OpenAI client is given, `KEY` its key."""

    def __init__(
        self, session: aiohttp.ClientSession, directory: Path, models: dict[str, str]
    ) -> None:
        """
        Args:
            models: by their names, what each says: an answer, or one of LiteLLM's errors, say
                `litellm.RateLimitError`.
        """
        port = free_port()
        self._root = f"http://127.0.0.1:{port}"
        self.url = f"{self._root}/v1"
        self._session = session
        does = {
            name: {"model": f"openai/{name}", "api_key": "-", "mock_response": said}
            for name, said in models.items()
        }
        config = {
            "model_list": [{"model_name": k, "litellm_params": v} for k, v in does.items()],
            "general_settings": {"master_key": KEY},
            "router_settings": {"num_retries": 0},
        }
        # JSON is YAML, but for the two halves of a character beyond U+FFFF.
        (directory / "config.yaml").write_text(
            json.dumps(config, ensure_ascii=False), encoding="utf-8"
        )
        serve = "from litellm import run_server; run_server()"
        options = ["--config", "config.yaml", "--telemetry", "False"]
        where = ["--host", "127.0.0.1", "--port", str(port)]
        command = [str(interpreter("litellm")), "-c", serve, *options, *where]
        self._program = Program("litellm", command, directory)
        # What models cost is in the package, too.
        self._program.environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}

    async def start(self) -> None:
        """Start it; that takes some 20 seconds. Raises StartFailure."""
        await self._program.start(self._answers, within=180)

    async def stop(self) -> None:
        """End it."""
        await self._program.stop()

    async def _answers(self) -> bool:
        try:
            async with self._session.get(f"{self._root}/health/liveliness") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False
