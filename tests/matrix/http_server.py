"""A homeserver that answers as a test tells it to, on 127.0.0.1, so that real HTTP is spoken.

What is not told is refused with M_UNRECOGNIZED. It must not know what the plugin makes of its
answers.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import unquote

import attr
from aiohttp import web
from mautrix.api import Method, Path

from plugin.matrix.api import RetryingAPI

PREFIX = "/_matrix/client/v3/"
DROP = "drop the connection"
HANG = "never answer"


@attr.frozen
class Asked:
    """One request, as it came in; `at` is the event loop's time."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    at: float
    token: str


@attr.frozen
class Reply:
    """One answer: JSON, or text as it stands."""

    status: int = 200
    body: Any = attr.field(factory=dict)
    headers: dict[str, str] = attr.field(factory=dict)

    def response(self) -> web.Response:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return web.Response(
            text=text, status=self.status, content_type="application/json", headers=self.headers
        )


def refused(status: int, errcode: str) -> Reply:
    return Reply(status, {"errcode": errcode, "error": "No."})


BUSY = Reply(429, {"errcode": "M_LIMIT_EXCEEDED"})
FORBIDDEN = refused(403, "M_FORBIDDEN")
NOT_FOUND = refused(404, "M_NOT_FOUND")
UNRECOGNIZED = refused(404, "M_UNRECOGNIZED")


class Homeserver:
    """Answers each path with what was told for it, in turn; the last answer stays."""

    def __init__(self) -> None:
        self.base_url = ""
        self.asked: list[Asked] = []
        self.released = asyncio.Event()
        self._told: dict[str, list[Any]] = {}
        self._other: list[Any] = [UNRECOGNIZED]

    def tell(self, path: str, *answers: Any) -> None:
        """Answer this path, without its prefix, so: JSON, a Reply, DROP or HANG."""
        self._told[path] = list(answers)

    def tell_all(self, *answers: Any) -> None:
        """Answer every path that nothing else was told for so."""
        self._other = list(answers)

    def paths(self, method: str = "") -> list[str]:
        return [one.path for one in self.asked if method in ("", one.method)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = unquote(request.url.raw_path).removeprefix(PREFIX)
        text = await request.text()
        self.asked.append(
            Asked(
                request.method,
                path,
                dict(request.query),
                json.loads(text) if text else None,
                asyncio.get_running_loop().time(),
                request.headers.get("Authorization", ""),
            )
        )
        told = self._told.get(path, self._other)
        answer = told.pop(0) if len(told) > 1 else told[0]
        if answer == HANG:
            await self.released.wait()
        if answer in (DROP, HANG):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return (answer if isinstance(answer, Reply) else Reply(body=answer)).response()


async def whoami(api: RetryingAPI) -> Any:
    """The simplest call there is."""
    return await api.request(Method.GET, Path.v3.account.whoami)
