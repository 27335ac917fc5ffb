"""What can go wrong between the plugin and the homeserver.

A fault strikes the requests whose `METHOD path` matches a pattern, everywhere or in one room. It
can strike before the homeserver did its work, or after: then the work is done and only the answer
is spoilt.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping

import attr
from aiohttp import web

Body = str | Mapping[str, object]

ANY = "."
ROOM_READS = r"^GET rooms/[^/]*/(messages|state|members)(/|$)"


@attr.define(eq=False)
class Fault:
    """Strikes matching requests.

    Attributes:
        pattern: searched for in `METHOD path`; the path begins behind `/_matrix/client/v3/` and
            has its percent signs resolved.
        times: how many requests it strikes; None for all.
        skip: how many matching requests pass unharmed before.
        after: strike when the work is done.
        room_id: the only room it strikes in; None for all requests, those of no room included.
        reached: set as soon as a request was struck.
    """

    pattern: str
    times: int | None = 1
    skip: int = 0
    after: bool = False
    room_id: str | None = None
    reached: asyncio.Event = attr.Factory(asyncio.Event)

    def takes(self, call: str) -> bool:
        """Whether this request is one to strike; counts it if so."""
        if self.times == 0 or not re.search(self.pattern, call):
            return False
        if self.room_id not in (None, _room_of(call)):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        self.reached.set()
        return True

    async def strike(self) -> web.Response | None:
        """The answer in place of the right one, or None: none is wanted in its place.

        Raises:
            ConnectionAbortedError: the connection is to be cut.
        """
        raise ConnectionAbortedError


@attr.define(eq=False)
class Drop(Fault):
    """Cuts the connection without an answer."""


@attr.define(eq=False)
class Answer(Fault):
    """Answers something else: text stands as it is, a mapping becomes JSON."""

    status: int = 500
    body: Body = "<html>Bad gateway</html>"
    headers: Mapping[str, str] = attr.Factory(dict)

    async def strike(self) -> web.Response:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        kind = "text/html" if isinstance(self.body, str) else "application/json"
        return web.Response(
            text=text, status=self.status, content_type=kind, headers=dict(self.headers)
        )


@attr.define(eq=False)
class Endless(Fault):
    """Answers with a list that has no end."""

    async def strike(self) -> web.Response:
        return web.Response(body=_without_end(), content_type="application/json")


@attr.define(eq=False)
class Hold(Fault):
    """Lets requests wait until they are released, or cut off."""

    released: asyncio.Event = attr.Factory(asyncio.Event)
    cut: bool = False

    async def strike(self) -> None:
        await self.released.wait()
        if self.cut:
            raise ConnectionAbortedError

    def release(self) -> None:
        """Let those who wait go on, as if the homeserver had been slow."""
        self.times = 0
        self.released.set()

    def cut_off(self) -> None:
        """Nobody waits for these any more."""
        self.cut = True
        self.release()


async def _without_end() -> AsyncIterator[bytes]:
    yield b"["
    while True:
        yield b'"' + b"x" * 100_000 + b'",'


def _room_of(call: str) -> str | None:
    """The room that a request names in its path (`rooms/{roomId}/...` or `join/{roomId}`)."""
    kind, _, rest = call.partition(" ")[2].partition("/")
    return rest.partition("/")[0] if kind in ("rooms", "join") else None


def refusal(errcode: str) -> dict[str, str]:
    """A body in Matrix's own words."""
    return {"errcode": errcode, "error": "Refused by the test."}
