"""The stack that most stories share: each brings people of its own, and leaves the rest alone.

Stories that damage what others need start a stack of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from dev import postgres
from dev.postgres import Postgres
from dev.stack import INSTANCE, Options, Stack

CONFIG = """
permissions:
    local: user
    "@mallory-true:localhost": none
    "@mallory-false:localhost": none
    "@wes-defualt_platform:localhost": admin
    "@wes-startup.wait:localhost": admin
    "@wes-default_platform:localhost": admin
    "@wes-platforms.echo:localhost": admin
    "@wes-all:localhost": admin
    "@xia:localhost": admin
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


@pytest_asyncio.fixture(loop_scope="session")
async def postgres_server() -> AsyncIterator[Postgres]:
    if missing := postgres.what_is_missing():
        pytest.skip(missing)
    async with Postgres.serve() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def postgres_stack(postgres_server: Postgres) -> AsyncIterator[Stack]:
    """A stack whose maubot keeps everything in PostgreSQL, where others can reach it."""
    async with Stack.start(Options(database=postgres_server.url)) as stack:
        yield stack
