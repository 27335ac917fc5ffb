"""The stack that most stories share: each brings people of its own, and leaves the rest alone.

Stories that damage what others need start a stack of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

from dev.stack import INSTANCE, Options, Stack

CONFIG = """
permissions:
    local: user
    "@mallory-true:localhost": none
    "@mallory-false:localhost": none
"""

Configure = Callable[[str], Awaitable[None]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_stack() -> AsyncIterator[Stack]:
    async with Stack.start(Options(config=CONFIG)) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def stack(shared_stack: Stack) -> AsyncIterator[Stack]:
    shared_stack.proxy.clear()
    yield shared_stack
    shared_stack.proxy.fault = None


@pytest_asyncio.fixture(loop_scope="session")
async def configure(stack: Stack) -> AsyncIterator[Configure]:
    """Adds to the configuration of the instance, over the management API, until the test ends."""

    async def add(text: str) -> None:
        await stack.maubot.change_instance(INSTANCE, config=CONFIG + text)

    yield add
    await stack.maubot.change_instance(INSTANCE, config=CONFIG)
