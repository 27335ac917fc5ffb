"""A proxy between maubot and Synapse that records every request.

Tests ask it what really went to the homeserver ("no room was created"), and have it play a
homeserver that fails. It must change nothing of what passes, unless told to by `fault`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from yarl import URL

from .processes import free_port

# Hop by hop (RFC 9110, section 7.6.1), or counted anew by aiohttp.
NOT_PASSED_ON = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


@dataclass
class RecordedRequest:
    """One request as it came, its path decoded.

    `status` is the answer's: 0 when there is none yet, 502 when the connection was cut.
    """

    method: str
    path: str
    query: str
    body: bytes
    status: int = 0


def hang_up(request: web.Request) -> web.Response:
    """Cut the connection of `request` without an answer, as a homeserver that went away would."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)


class Proxy:
    """The proxy; `url` is what maubot takes for its homeserver.

    `fault`, when set, sees every request first. What it returns is the answer; with None the
    request goes on to Synapse. It may also call `forward` and then drop the answer.
    """

    def __init__(self, session: aiohttp.ClientSession, homeserver: str) -> None:
        self.requests: list[RecordedRequest] = []
        self.fault: Fault | None = None
        self.url = f"http://127.0.0.1:{free_port()}"
        self._session = session
        self._homeserver = homeserver
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Listen, on the same port each time."""
        application = web.Application(client_max_size=64 * 1024**2)
        application.router.add_route("*", "/{path:.*}", self._pass)
        # A client that hangs up ends its long poll at Synapse, too.
        self._runner = web.AppRunner(
            application, handler_cancellation=True, shutdown_timeout=0.1, access_log=None
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", URL(self.url).port).start()

    async def close(self) -> None:
        """Cut every connection; new ones are refused until `open`."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def count(self, method: str, pattern: str) -> int:
        """How many requests with this method and a path that `pattern` is found in passed."""
        return len(self.find(method, pattern))

    def find(self, method: str, pattern: str) -> list[RecordedRequest]:
        """The requests with this method and a path that the regular expression is found in."""
        return [
            recorded
            for recorded in self.requests
            if recorded.method == method and re.search(pattern, recorded.path)
        ]

    def clear(self) -> None:
        """Forget what was recorded."""
        self.requests.clear()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        recorded = RecordedRequest(
            request.method, request.path, request.query_string, await request.read()
        )
        self.requests.append(recorded)
        answer = await self.fault(request) if self.fault is not None else None
        if answer is None:
            answer = await self.forward(request)
        recorded.status = answer.status
        return answer

    async def forward(self, request: web.Request) -> web.Response:
        """Synapse's own answer to `request`; the connection is cut if Synapse is not there."""
        # raw_path as it came: decoding and encoding a room's id again could change it.
        target = URL(self._homeserver + request.raw_path, encoded=True)
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in NOT_PASSED_ON
        ]
        try:
            async with self._session.request(
                request.method,
                target,
                headers=headers,
                data=await request.read() or None,
                allow_redirects=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
            ) as answer:
                body = await answer.read()
        except aiohttp.ClientError:
            return hang_up(request)
        passed = [(n, v) for n, v in answer.headers.items() if n.lower() not in NOT_PASSED_ON]
        return web.Response(status=answer.status, body=body, headers=passed)
