"""The server and the HTTP session of one test; both are gone when it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from .conversation import Server, chunk, events, running


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    reply = events(chunk("Hello"), chunk(" there"), chunk(None, "stop"), "[DONE]")
    async with running(reply) as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
