"""A homeserver and an API client that talks to it, impatient enough for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import attr
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from mautrix.api import HTTPAPI
from mautrix.types import UserID

from plugin.matrix import api as api_module
from plugin.matrix.api import RetryingAPI
from plugin.matrix.lookups import Lookups
from plugin.matrix.reader import Reader
from plugin.topology.marks import Identity

from .http_server import Homeserver


@pytest.fixture
async def homeserver() -> AsyncIterator[Homeserver]:
    homeserver = Homeserver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", homeserver.handle)
    async with TestServer(app, host="127.0.0.1") as running:
        homeserver.base_url = str(running.make_url(""))
        yield homeserver
        homeserver.released.set()


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried for longer than a second."""
    for kind in ("READ", "WRITE"):
        patience = attr.evolve(getattr(api_module, kind), total=1.0)
        monkeypatch.setattr(api_module, kind, patience)


@pytest.fixture
async def api(homeserver: Homeserver, brief: None) -> AsyncIterator[RetryingAPI]:
    async with aiohttp.ClientSession() as session:
        yield RetryingAPI(HTTPAPI(homeserver.base_url, "secret", client_session=session))


@pytest.fixture
def reader(api: RetryingAPI) -> Reader:
    return Reader(api, Identity(UserID("@keeper:one.test"), "main"))


@pytest.fixture
def lookups(api: RetryingAPI) -> Lookups:
    return Lookups(api, UserID("@keeper:one.test"))
