"""A homeserver and an API client that talks to it, impatient enough for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from mautrix.api import HTTPAPI
from mautrix.types import UserID

from plugin.matrix.account_data import AccountData
from plugin.matrix.api import RetryingAPI
from plugin.matrix.lookups import Lookups
from plugin.matrix.reader import Reader
from plugin.matrix.retry import Backoff, RequestPolicies, RetryPolicy
from plugin.topology.model import Identity

from .http_server import Homeserver

# Nothing is tried for longer than a second.
BRIEF = RequestPolicies(
    read=RetryPolicy(in_flight=8, attempt=60, total=1),
    write=RetryPolicy(in_flight=8, attempt=30, total=1),
    backoff=Backoff(first=0.002),
)


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
async def api(homeserver: Homeserver) -> AsyncIterator[RetryingAPI]:
    async with aiohttp.ClientSession() as session:
        yield RetryingAPI(HTTPAPI(homeserver.base_url, "secret", client_session=session), BRIEF)


@pytest.fixture
def account_data(api: RetryingAPI) -> AccountData:
    return AccountData(api, Identity(UserID("@keeper:one.test"), "main"))


@pytest.fixture
def reader(api: RetryingAPI, account_data: AccountData) -> Reader:
    return Reader(api, account_data, straggler=0.2)


@pytest.fixture
def lookups(api: RetryingAPI) -> Lookups:
    return Lookups(api, UserID("@keeper:one.test"), moment=5.0)
