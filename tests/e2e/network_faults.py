"""What a homeserver, and whatever stands before it, can do to a request instead of answering it.

Each kind is a fault for the wire, for every request or for those about one room; what maubot
itself asks before it starts any plugin passes.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from dev.proxy import Proxy, hang_up

OWN_QUESTIONS = re.compile(r"/(versions|whoami|filter|profile/.*|capabilities)$")


def reads_of(room_id: str) -> str:
    """A pattern of the requests about a room's timeline, state and members, whole or in part."""
    return rf"/rooms/{re.escape(room_id)}/(messages|state|members)(/|$)"


def whole_state_of(room_id: str) -> str:
    """A pattern of the request for all of a room's state at once, and of no other."""
    return rf"/rooms/{re.escape(room_id)}/state$"


class NetworkFaults:
    """Faults until `clear`: of one kind, or, `in_turn`, of each kind for the first requests of
    every sort, after which these pass."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.touched = 0
        self._over = asyncio.Event()

    def inject(self, kind: str, where: str = "") -> None:
        """Let every request whose path the pattern `where` is found in meet this kind of fault."""
        play = KINDS[kind]

        async def fault(request: web.Request) -> web.StreamResponse | None:
            if OWN_QUESTIONS.search(request.path) or not re.search(where, request.path):
                return None
            self.touched += 1
            return await play(self, request)

        self.proxy.fault = fault

    def inject_in_turn(self) -> None:
        """Let the first two requests of every sort meet one kind after the other."""
        kinds = itertools.cycle(kind for name, kind in KINDS.items() if name != "hanging")
        met: Counter[tuple[str, str]] = Counter()

        async def fault(request: web.Request) -> web.StreamResponse | None:
            sort = (request.method, request.path)
            met[sort] += 1
            if met[sort] > 2 or OWN_QUESTIONS.search(request.path):
                return None
            self.touched += 1
            return await next(kinds)(self, request)

        self.proxy.fault = fault

    def clear(self) -> None:
        """Let everything pass; what hangs is cut."""
        self.proxy.fault = None
        self._over.set()

    async def were_felt(self) -> bool:
        """Whether some request met a fault."""
        return self.touched > 0

    async def storm(self, _: web.Request) -> web.StreamResponse:
        """Too many requests, says the homeserver."""
        body = {"errcode": "M_LIMIT_EXCEEDED", "error": "slow down", "retry_after_ms": 300}
        return web.json_response(body, status=429)

    async def trouble(self, _: web.Request) -> web.StreamResponse:
        """The homeserver has trouble of its own."""
        return web.json_response({"errcode": "M_UNKNOWN", "error": "oops"}, status=500)

    async def bad_gateway(self, _: web.Request) -> web.StreamResponse:
        """A proxy cannot reach the homeserver."""
        return web.Response(text="<h1>Bad Gateway</h1>", content_type="text/html", status=502)

    async def page(self, _: web.Request) -> web.StreamResponse:
        """A proxy's page, with a status that claims success."""
        return web.Response(text="<h1>We are back soon</h1>", content_type="text/html")

    async def not_found(self, _: web.Request) -> web.StreamResponse:
        """A gateway that does not know where the homeserver is."""
        return web.Response(text="not found", status=404)

    async def half(self, request: web.Request) -> web.StreamResponse:
        """The right answer, cut off in the middle. What is written does not get through."""
        if request.method != "GET":
            return await self.bad_gateway(request)
        whole = await self.proxy.forward(request)
        assert isinstance(whole.body, bytes)
        return web.Response(
            body=whole.body[: len(whole.body) // 2], content_type="application/json"
        )

    async def hanging(self, request: web.Request) -> web.StreamResponse:
        """No answer at all."""
        await self._over.wait()
        return hang_up(request)

    async def reset(self, request: web.Request) -> web.StreamResponse:
        """The connection is cut."""
        return hang_up(request)


@asynccontextmanager
async def hold_syncs(proxy: Proxy) -> AsyncIterator[asyncio.Event]:
    """Keep every `/sync` back until the block ends, so that what happens in it comes in one.

    The event is set when one is kept back. One that is under way when the block begins is not:
    it takes something that happens to end it.
    """
    held, over = asyncio.Event(), asyncio.Event()

    async def fault(request: web.Request) -> web.StreamResponse | None:
        if request.path.endswith("/sync"):
            held.set()
            await over.wait()
        return None

    proxy.fault = fault
    try:
        yield held
    finally:
        over.set()
        if proxy.fault is fault:
            proxy.fault = None


Kind = Callable[[NetworkFaults, web.Request], Awaitable[web.StreamResponse]]
KINDS: dict[str, Kind] = {
    "storm": NetworkFaults.storm,
    "trouble": NetworkFaults.trouble,
    "bad-gateway": NetworkFaults.bad_gateway,
    "page": NetworkFaults.page,
    "not-found": NetworkFaults.not_found,
    "half": NetworkFaults.half,
    "hanging": NetworkFaults.hanging,
    "reset": NetworkFaults.reset,
}
