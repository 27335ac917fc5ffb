"""Any server that speaks OpenAI's chat/completions: OpenAI, Ollama, llama.cpp, vLLM, LiteLLM …

Such a server remembers nothing, so every request carries the chat's history, which Matrix holds.
It must not keep anything between two messages, nor try a failed request again: that is for the
owner to decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import aiohttp
import attr

from ..fields import Fields
from . import failures
from .completions import END, Chunk, build_messages, parse_json, read_chunk
from .credentials import Key
from .openai_fields import read_base_url, read_key, read_reasoning
from .protocol import TOTAL_TIMEOUT, Platform, PlatformError, PlatformSettings, Prompt, Turn
from .proxy import find_proxy
from .reasoning import Reasoning, without_reasoning
from .refusal import read_refusal
from .response import ResponseReader
from .sse import read_events

KEYS = (
    "type",
    "base_url",
    "api_key",
    "model",
    "system_prompt",
    "history_characters",
    "timeout",
    "total_timeout",
    "reasoning",
)


@attr.frozen
class OpenAISettings(PlatformSettings):
    """Where the server is and what to ask it for.

    `history_characters` is the budget for a message together with what was said before it;
    `timeout` is the number of seconds that may pass without a word of the server, and
    `total_timeout` the number that an answer may take in all, further tries included;
    `fold_reasoning` says whether reasoning is shown, folded away.
    """

    base_url: str
    model: str
    api_key: Key | None = None
    system_prompt: str = ""
    history_characters: int = 100_000
    timeout: float = 120.0
    total_timeout: float = TOTAL_TIMEOUT
    fold_reasoning: bool = False

    @classmethod
    def parse(cls, raw: Mapping[Any, Any], where: str) -> OpenAISettings:
        """Raises ValueError with one sentence that names the full key at fault."""
        fields = Fields(raw, where)
        fields.refuse_unknown(KEYS)
        return cls(
            base_url=read_base_url(fields),
            model=fields.text("model"),
            api_key=read_key(fields),
            system_prompt=fields.optional_text("system_prompt"),
            history_characters=int(fields.number("history_characters", 100_000)),
            timeout=fields.number("timeout", 120, minimum=1),
            total_timeout=fields.number("total_timeout", TOTAL_TIMEOUT, minimum=1),
            fold_reasoning=read_reasoning(fields),
        )

    def build(self, http: aiohttp.ClientSession) -> OpenAI:
        """Nothing is asked of the server yet: it may be down."""
        return OpenAI(self, http)


class OpenAI(Platform):
    """A connection to one server; `http` is the caller's session."""

    def __init__(self, settings: OpenAISettings, http: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._http = http
        self.total_timeout = settings.total_timeout

    async def send(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """Yields the answer as the server streams it, or in one piece if it does not stream."""
        reasoning = Reasoning(self._settings.fold_reasoning)
        headers = self._make_headers(prompt)
        request = await self._make_request(prompt)
        timeout = self._settings.timeout
        try:
            response = await asyncio.wait_for(self._post(request, headers), timeout)
            async with response, aclosing(self._read(response)) as chunks:
                async for chunk in chunks:
                    if shown := reasoning.read(chunk):
                        yield shown
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise failures.explain_loss(error, timeout) from error
        if shown := reasoning.finish():
            yield shown
        if not reasoning.has_answer:
            # What is folded away is text, and no answer.
            raise failures.explain_silence()

    def _make_headers(self, prompt: Prompt) -> dict[str, str]:
        headers = {
            "Accept": "text/event-stream, application/json",
            # Event ids of a foreign homeserver may hold anything, headers may not.
            "Idempotency-Key": quote(prompt.event_id, safe="$:/+=@"),
        }
        if self._settings.api_key:
            headers["Authorization"] = f"Bearer {self._settings.api_key.read()}"
        return headers

    async def _make_request(self, prompt: Prompt) -> dict[str, Any]:
        settings = self._settings
        budget = settings.history_characters - len(prompt.text)
        history = await prompt.history(budget) if budget > 0 else ()
        dialogue = [*map(_without_reasoning, history), Turn("user", prompt.text)]
        messages = build_messages(settings.system_prompt, dialogue)
        return {"model": settings.model, "messages": messages, "stream": True}

    async def _post(
        self, request: dict[str, Any], headers: dict[str, str]
    ) -> aiohttp.ClientResponse:
        url = f"{self._settings.base_url}/chat/completions"
        return await self._http.post(
            url,
            json=request,
            headers=headers,
            # Time is kept here: aiohttp's own would count any byte as a sign of life.
            timeout=aiohttp.ClientTimeout(total=None),
            # Following one would turn the POST into a GET, and could carry a chat elsewhere.
            allow_redirects=False,
            proxy=find_proxy(url),
        )

    async def _read(self, response: aiohttp.ClientResponse) -> AsyncGenerator[Chunk, None]:
        reader = ResponseReader(response, self._settings.timeout)
        if not 200 <= response.status < 300:
            raise self._explain(response, await _read_error(reader))
        if response.content_type != "text/event-stream":
            yield self._parse(response, await reader.read_all(), "message")
            return
        async with aclosing(read_events(reader.chunks())) as events:
            async for event in events:
                reader.note_part()
                if event == END:
                    return
                chunk = self._parse(response, event, "delta")
                yield chunk
                if chunk.has_words:
                    reader.note_words()
                if chunk.is_last:
                    return
        raise failures.explain_break("no end")

    def _parse(self, response: aiohttp.ClientResponse, text: str | bytes, part: str) -> Chunk:
        answer = parse_json(text)
        if isinstance(answer, dict) and answer.get("error"):
            raise self._explain(response, answer)
        return read_chunk(answer, part)

    def _explain(self, response: aiohttp.ClientResponse, answer: object) -> PlatformError:
        refusal = read_refusal(response.status, answer, response.headers)
        # The key as it was sent: the file it came from may hold another one by now.
        key = response.request_info.headers.get("Authorization", "").removeprefix("Bearer ")
        return failures.explain_refusal(refusal, self._settings.model, [key])


def _without_reasoning(turn: Turn) -> Turn:
    text = without_reasoning(turn.text) if turn.role == "assistant" else turn.text
    return attr.evolve(turn, text=text)


async def _read_error(reader: ResponseReader) -> object:
    # The status says the most; a body that breaks off or is no JSON takes nothing from that.
    try:
        return parse_json(await reader.read_all())
    except (PlatformError, asyncio.TimeoutError):
        return None
