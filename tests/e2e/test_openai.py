"""Chats with an OpenAI-compatible server, which remembers nothing: Matrix does that for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from dev.llmock import LLMock
from dev.stack import INSTANCE, Stack

from .conftest import Configure
from .story import ask, messages_of, onboard

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIG = """
default_platform: gpt
platforms:
    gpt:
        type: openai
        base_url: {url}
        api_key: a-key
        model: gpt-4o-mini
        system_prompt: Be brief.
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def llmock(shared_stack: Stack) -> AsyncIterator[LLMock]:
    await shared_stack.llmock.start()
    yield shared_stack.llmock
    await shared_stack.llmock.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def platform(llmock: LLMock, configure: Configure) -> LLMock:
    """llmock with an empty memory, as the platform of new chats."""
    await llmock.reset()
    await configure(CONFIG.format(url=llmock.url))
    return llmock


def says(text: str) -> dict[str, Any]:
    """The model's next answer."""
    return {"type": "reply", "text": text}


async def last_messages(platform: LLMock) -> list[tuple[str, str]]:
    """The dialogue in the last request, as (role, words)."""
    body = (await platform.requests())[-1]["body"]
    return [(message["role"], message["content"]) for message in body["messages"]]


async def test_a_conversation_goes_on_after_the_database_is_lost(
    stack: Stack, platform: LLMock
) -> None:
    yan = await onboard(stack, "yan")
    (room_id,) = yan.chats
    await platform.behave(says("Hello, Yan."), says("Your name is Yan."), says("I said: Yan."))

    assert await ask(yan.person, room_id, "I am Yan.") == "Hello, Yan."
    await ask(yan.person, room_id, "!status")
    assert await ask(yan.person, room_id, "Who am I?") == "Your name is Yan."
    dialogue = [
        ("system", "Be brief."),
        ("user", "I am Yan."),
        ("assistant", "Hello, Yan."),
        ("user", "Who am I?"),
    ]
    assert await last_messages(platform) == dialogue

    await stack.maubot.stop()
    stack.maubot.delete_database(INSTANCE)
    await stack.maubot.start()
    assert await ask(yan.person, room_id, "Again?") == "I said: Yan."
    dialogue += [("assistant", "Your name is Yan."), ("user", "Again?")]
    assert await last_messages(platform) == dialogue


async def test_two_chats_know_nothing_of_each_other(stack: Stack, platform: LLMock) -> None:
    zoe = await onboard(stack, "zoe", chats=2)
    await ask(zoe.person, zoe.chats[0], "a secret")
    await ask(zoe.person, zoe.chats[1], "a question")
    assert await last_messages(platform) == [("system", "Be brief."), ("user", "a question")]


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        ({"status": 401}, "does not accept my key"),
        ({"status": 429, "code": "insufficient_quota"}, "quota is used up"),
        ({"status": 400, "code": "context_length_exceeded"}, "too long for the assistant"),
    ],
    ids=["wrong-key", "quota", "too-long"],
)
async def test_a_failure_is_a_sentence_of_its_own(
    stack: Stack, platform: LLMock, failure: dict[str, Any], sentence: str
) -> None:
    ada = await onboard(stack, f"ada-{failure['status']}")
    await platform.behave({"type": "fail", **failure}, says("Here I am."))
    assert sentence in await ask(ada.person, ada.chats[0], "hello?")
    assert await ask(ada.person, ada.chats[0], "and now?") == "Here I am."
    assert len(await messages_of(ada.person, ada.chats[0], stack.bot.user_id)) == 2


async def test_a_platform_out_of_reach_is_a_sentence_too(stack: Stack, platform: LLMock) -> None:
    bob = await onboard(stack, "bob")
    await platform.stop()
    try:
        assert "cannot reach the assistant" in await ask(bob.person, bob.chats[0], "hello?")
    finally:
        await platform.start()
    await platform.behave(says("Here I am."))
    assert await ask(bob.person, bob.chats[0], "and now?") == "Here I am."
