"""The server and the HTTP session of one test; both are gone when it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from .conversation import Server, chunk, events


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server(events(chunk("Hello"), chunk(" there"), chunk(None, "stop"), "[DONE]"))
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.handle)
    async with TestServer(app, host="127.0.0.1") as running:
        server.base_url = str(running.make_url("/v1"))
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
