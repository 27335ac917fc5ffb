"""A homeserver on 127.0.0.1: the fake's world behind real HTTP, with every request on record.

The access token is the user id. Faults are injected per request; nothing waits unless told to.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote

import attr
from aiohttp import BaseConnector, web

from .endpoints import Endpoints, Request
from .faults import ANY, ROOM_READS, Answer, Fault, Hold, refusal
from .limits import RateLimit
from .rooms import Refusal
from .world import World

PREFIX = ("", "_matrix", "client", "v3")
TIME_LIMIT = 10.0

F = TypeVar("F", bound=Fault)


@attr.define
class Call:
    """One request on record; `status` is 0 while it runs, and where it never got an answer."""

    method: str
    path: str
    status: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Homeserver:
    """Start it, read its `url`, and look at what became of its `world`."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.endpoints = Endpoints(self.world)
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.url = ""
        self._changed = asyncio.Event()
        self._runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=0.1)

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    def connector(self) -> BaseConnector | None:
        """What a client has to connect with; None for what is usual."""
        return None

    async def stop(self) -> None:
        self.heal()
        await self._runner.cleanup()

    def inject(self, fault: F) -> F:
        """Let a fault strike from now on; an earlier one strikes first."""
        self.faults.append(fault)
        return fault

    def lift(self, *faults: Fault) -> None:
        """Let these faults strike no more; requests that they hold are cut off."""
        for fault in faults:
            if isinstance(fault, Hold):
                fault.cut_off()
            self.faults.remove(fault)

    def heal(self) -> None:
        """Lift every fault."""
        self.lift(*self.faults)

    def break_room(self, room_id: str, status: int = 500, requests: str = ROOM_READS) -> Answer:
        """Let requests about one room fail until `mend_room`; all others are served.

        Args:
            room_id: the room.
            status: the HTTP status to fail with.
            requests: the pattern of those that fail; by default whatever reads the room.
        """
        body = refusal("M_UNKNOWN")
        return self.inject(Answer(requests, None, room_id=room_id, status=status, body=body))

    def hang_room(self, room_id: str, requests: str = ANY) -> Hold:
        """Never answer requests about one room until `mend_room`; all others are served."""
        return self.inject(Hold(requests, None, room_id=room_id))

    def mend_room(self, room_id: str) -> None:
        """Lift the faults of one room."""
        self.lift(*(fault for fault in self.faults if fault.room_id == room_id))

    def limit_invitations(self, per_second: float = 0.003, burst: int = 5) -> None:
        """Limit from now on how often one person can be invited, by default as Synapse does."""
        self.endpoints.invitation_limit = RateLimit(per_second, burst)

    def limit_rooms(self, per_second: float, burst: int = 10) -> None:
        """Limit from now on how many rooms one user can make; Synapse makes ten at once, and then
        one a minute."""
        self.endpoints.limits["rooms"] = RateLimit(per_second, burst)

    def limit_messages(self, per_second: float, burst: int = 10) -> None:
        """Limit from now on how often one user can send a message or a state event."""
        self.endpoints.limits["messages"] = RateLimit(per_second, burst)

    def limit_joins(self, per_second: float, burst: int = 10) -> None:
        """Limit from now on how often one user can join a room."""
        self.endpoints.limits["joins"] = RateLimit(per_second, burst)

    def changes(self, since: int = 0) -> list[str]:
        """The requests that were not mere reads, from the `since`th request on."""
        return [str(call) for call in self.calls[since:] if call.method != "GET"]

    async def until(self, true: Callable[[], bool], within: float = TIME_LIMIT) -> None:
        """Wait until something is true, looking again after every request.

        Args:
            true: whether it is.
            within: seconds after which it is given up.

        Raises:
            AssertionError: it did not come true.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while not true():
            self._changed.clear()
            left = deadline - loop.time()
            assert left > 0, f"it never came true; the last calls: {self.calls[-5:]}"
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, 0.05))
            except asyncio.TimeoutError:
                continue

    async def _serve(self, raw: web.BaseRequest) -> web.StreamResponse:
        parts = tuple(unquote(part) for part in raw.rel_url.raw_path.split("/"))
        assert parts[: len(PREFIX)] == PREFIX, raw.path
        parts = parts[len(PREFIX) :]
        call = Call(raw.method, "/".join(parts))
        self.calls.append(call)
        text = await raw.text()
        user = raw.headers["Authorization"].removeprefix("Bearer ")
        body = json.loads(text) if text else {}
        request = Request(raw.method, parts, user, raw.query, body)
        try:
            response = await self._answer(call, request)
        except ConnectionAbortedError:
            if raw.transport is not None:
                raw.transport.abort()
            response = web.Response(status=500)
        else:
            call.status = response.status
        self._changed.set()
        return response

    async def _answer(self, call: Call, request: Request) -> web.Response:
        fault = next((fault for fault in self.faults if fault.takes(str(call))), None)
        if fault is not None and not fault.after:
            self._changed.set()
            spoilt = await fault.strike()
            if spoilt is not None:
                return spoilt
        try:
            response = web.json_response(self.endpoints.answer(request))
        except Refusal as refusal:
            response = web.json_response(refusal.body, status=refusal.status)
        if fault is not None and fault.after:
            self._changed.set()
            return await fault.strike() or response
        return response
