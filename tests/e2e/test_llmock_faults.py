"""Every fault that llmock can play, and what llmock itself thinks of how it was met.

Answers come slowly, so that a stream that breaks has been shown in part before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from dev.llmock import LLMock
from dev.stack import Stack

from .conftest import Configure
from .story import OnboardedUser, ask, onboard, show_that_nothing_is_limited, start_chat
from .transcript import EVERYTHING, LIVE, latest, read_transcript

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

CONFIG = """
default_platform: gpt
platforms:
    gpt: {{type: openai, base_url: "{url}", api_key: a-key, model: gpt-4o-mini, timeout: 4}}
"""
ANSWER = " ".join(f"Word number {number}." for number in range(20))
PAUSE = 0.06
# What passes by itself; beyond that `fail` knows any status.
PASSING = [
    *({"type": "fail", "status": status} for status in (408, 409, 429, 500, 502, 503, 504, 529)),
    {"type": "fail", "status": 429, "retry_after": 3},
    {"type": "fail", "status": 503, "retry_after": 2},
    {"type": "fail", "status": 500, "times": 2},
    {"type": "delay", "seconds": 2.5},
    {"type": "slow_first_token", "seconds": 2.5},
    *(
        {"type": "stream_fault", "kind": kind, "after_chunks": after}
        for kind in ("disconnect", "truncate", "stall", "malformed")
        for after in (0, 1, 35)
    ),
    *(
        {"type": "tool_fault", "kind": kind, "match": {"tools": False}}
        for kind in ("malformed_arguments", "unknown_tool")
    ),
    # Nobody offered it a tool: it calls one, and says nothing.
    {"type": "reply", "tool_calls": [{"name": "look_up", "arguments": {}}]},
]
# Those that llmock counts as faults.
COUNTED = ("fail", "stream_fault")
# What does not, and a word of what is said about it.
LASTING = {
    400: "did not take this message",
    401: "does not accept my key",
    403: "does not accept my key",
    404: "no assistant at the address",
    422: "did not take this message",
}


def name_of(fault: dict[str, Any]) -> str:
    return "-".join(str(one) for one in fault.values() if not isinstance(one, (dict, list)))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sam(shared_stack: Stack) -> AsyncIterator[OnboardedUser]:
    """Somebody who has llmock for an assistant, under no limit."""
    await shared_stack.llmock.start(pause=PAUSE)
    onboarded = await onboard(shared_stack, "sam")
    await show_that_nothing_is_limited(onboarded)
    yield onboarded
    await shared_stack.llmock.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def llmock(stack: Stack, sam: OnboardedUser, configure: Configure) -> LLMock:
    """llmock, which has forgotten everything."""
    await configure(CONFIG.format(url=stack.llmock.url))
    await stack.llmock.reset()
    return stack.llmock


async def play(llmock: LLMock, fault: dict[str, Any]) -> None:
    """Let the next request meet a fault, and whatever is asked besides be answered."""
    await llmock.behave(fault, {"type": "reply", "text": ANSWER, "times": None})


async def expect_a_clean_verdict(llmock: LLMock, faults: int) -> None:
    verdict = await llmock.verdict()
    assert (verdict["findings"], verdict["passed"]) == ([], True)
    assert verdict["faults_injected"] == faults


@pytest.mark.parametrize("fault", PASSING, ids=name_of)
async def test_after_a_fault_that_passes_the_whole_answer_stands_as_one_message(
    sam: OnboardedUser, llmock: LLMock, fault: dict[str, Any]
) -> None:
    room_id = await start_chat(sam)
    await play(llmock, fault)

    assert await ask(sam.person, room_id, "hello", within=40) == ANSWER

    transcript = await read_transcript(sam.person, room_id)
    assert [words for _, words in transcript.answered] == [ANSWER]
    events = latest(await sam.person.messages(room_id, EVERYTHING))
    assert not any(LIVE in event["content"] for event in events)
    faults = fault.get("times", 1) if fault["type"] in COUNTED else 0
    await expect_a_clean_verdict(llmock, faults)


@pytest.mark.parametrize(("status", "sentence"), LASTING.items())
async def test_what_lasts_is_told_at_once_and_the_next_answer_comes(
    sam: OnboardedUser, llmock: LLMock, status: int, sentence: str
) -> None:
    room_id = await start_chat(sam)
    await play(llmock, {"type": "fail", "status": status})

    assert sentence in await ask(sam.person, room_id, "hello")

    await expect_a_clean_verdict(llmock, 1)
    assert await ask(sam.person, room_id, "and now?", within=20) == ANSWER
