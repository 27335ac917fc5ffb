"""A clock that stands still while anything is under way, and else jumps to the next timer.

So a test may ask how long somebody waits, with the waits that the plugin has in real life: what is
measured is what it waits for, and never how busy the machine is. For that nothing may be under way
where the loop cannot see it: requests go through memory, and SQLite and threads run in the loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.client_proto import ResponseHandler
from aiosqlite import core

from .homeserver import Homeserver


class NothingIsDue(Exception):
    """Nothing is under way and no timer is set: what is waited for never comes."""


# Seconds that a round of the loop takes: what waits for the rest of a wait must see it end.
ROUND = 1e-6


class _Jumps(selectors.SelectSelector):
    """Instead of waiting, lets the time pass."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += ROUND
        found = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            raise NothingIsDue
        self.now += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with such a clock; it begins at 0."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        """Seconds, as they pass in here."""
        return self._jumps.now

    def run_in_executor(self, _: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Do it in the loop's next round; no thread is begun."""
        future: asyncio.Future[Any] = self.create_future()
        self.call_soon(_carry_out, future, lambda: func(*args))
        return future


def _carry_out(future: asyncio.Future[Any], work: Callable[[], Any]) -> None:
    if future.done():
        return
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 (whoever waits for it is told)
        future.set_exception(error)
    else:
        future.set_result(result)


class _Queue:
    """Stands in for the queue to the thread of an aiosqlite connection, and for that thread."""

    def __init__(self, *_: object, **__: object) -> None:
        """Whatever a thread is given is of no use here."""

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        future, function = item
        if future is None:
            function()
            return
        future.get_loop().call_soon(_carry_out, future, function)

    def start(self) -> None:
        """There is none."""


@contextmanager
def sqlite_in_the_loop() -> Iterator[None]:
    """Let aiosqlite begin no threads in here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "SimpleQueue", _Queue)
        patch.setattr(core, "Thread", _Queue)
        yield


class _End(asyncio.Transport):
    """One end of a connection in memory. What happens to it happens in a context of its own, as
    what a network brings: whoever writes at the other end has begun none of it."""

    peer: _End

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self._protocol = protocol
        self._context = contextvars.Context()
        self._is_closing = False
        self._soon(protocol.connection_made, self)

    def write(self, data: Any) -> None:
        if not self._is_closing:
            self.peer._soon(self.peer._receive, bytes(data))

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._soon(self._protocol.connection_lost, None)
            self.peer._soon(self.peer._end)

    abort = close

    def pause_reading(self) -> None:
        """Nobody sends more than fits into memory."""

    resume_reading = pause_reading

    def _soon(self, call: Callable[..., object], *values: object) -> None:
        asyncio.get_running_loop().call_soon(call, *values, context=self._context)

    def _receive(self, data: bytes) -> None:
        if not self._is_closing:
            self._protocol.data_received(data)

    def _end(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._protocol.eof_received()
            self._protocol.connection_lost(None)


class _Connector(aiohttp.BaseConnector):
    """Connects to a server in this process."""

    def __init__(self, server: web.Server) -> None:
        super().__init__()
        self._server = server

    async def _create_connection(self, *_: Any, **__: Any) -> ResponseHandler:
        client, server = ResponseHandler(self._loop), self._server()
        near, far = _End(client), _End(server)
        near.peer, far.peer = far, near
        # Until both are told.
        await asyncio.sleep(0)
        return client


class NearHomeserver(Homeserver):
    """The fake homeserver without a network between."""

    async def start(self) -> None:
        await self._runner.setup()
        self.url = "http://homeserver.test"

    def connector(self) -> aiohttp.BaseConnector:
        """What a client has to connect with."""
        server = self._runner.server
        assert server is not None
        return _Connector(server)
