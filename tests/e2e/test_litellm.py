"""Answers and errors through LiteLLM's proxy, a server that others wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from dev.litellm import KEY, LiteLLM
from dev.stack import Stack

from .conftest import Configure
from .story import ask, onboard

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

CONFIG = """
default_platform: proxy
platforms:
    proxy: {{type: openai, base_url: "{url}", api_key: {key}, model: {model}}}
"""
LINE = "Line {0} of *many*: äöü, 日本語, 👩‍👩‍👧, `code`, {1}.\n"
ANSWER = "".join(LINE.format(number, "word " * (number % 5)) for number in range(40)).strip()
ERRORS = {
    "busy": ("litellm.RateLimitError", "getting too many messages at once"),
    "broken": ("litellm.InternalServerError", "has a problem of its own (error 500)"),
    "small": ("litellm.ContextWindowExceededError", "too long for the assistant"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def litellm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LiteLLM]:
    directory: Path = tmp_path_factory.mktemp("litellm")
    models = {name: says for name, (says, _) in ERRORS.items()} | {"whole": ANSWER}
    async with aiohttp.ClientSession() as session:
        proxy = LiteLLM(session, directory, models)
        await proxy.start()
        yield proxy
        await proxy.stop()


async def test_an_answer_comes_as_it_was_said(
    stack: Stack, configure: Configure, litellm: LiteLLM
) -> None:
    await configure(CONFIG.format(url=litellm.url, key=KEY, model="whole"))
    quinn = await onboard(stack, "quinn")
    for question in ("hello", "and again"):
        assert await ask(quinn.person, quinn.chats[0], question, within=30) == ANSWER


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        *((name, sentence) for name, (_, sentence) in ERRORS.items()),
        ("nobody", "does not know the model “nobody”"),
    ],
)
async def test_an_error_is_told_in_plain_words_and_the_next_answer_comes(
    stack: Stack, configure: Configure, litellm: LiteLLM, model: str, sentence: str
) -> None:
    await configure(CONFIG.format(url=litellm.url, key=KEY, model=model))
    rosa = await onboard(stack, f"rosa-{model}")
    assert sentence in await ask(rosa.person, rosa.chats[0], "hello", within=60)
    await configure(CONFIG.format(url=litellm.url, key=KEY, model="whole"))
    assert await ask(rosa.person, rosa.chats[0], "and now", within=30) == ANSWER
