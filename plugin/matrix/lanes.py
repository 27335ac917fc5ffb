"""The lanes that calls to the homeserver take: which of them wait for each other, and for what.

What a homeserver limits apart has a lane apart: a 429 closes the lane of that endpoint, and for
an invitation that of that invitee, while all others go on. What a call may cost is in retry.py.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from mautrix.api import Method

from .lane_turns import Turns, room_in
from .retry import RequestPolicies, RetryPolicy

# Seconds after which a limited call is tried again although the homeserver named a longer pause.
LONGEST_PAUSE = 600.0
# What is read of a room, by the part of the path behind the room's id.
ROOM_READS = {"state": "room", "members": "members", "messages": "timeline", "event": "timeline"}


class LaneClosed(Exception):
    """The homeserver asked for a pause that ends too late.

    Attributes:
        seconds: how long it still lasts.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Lane:
    """Calls that the homeserver limits together: how many run, and when the next may set off.

    The rooms that they are about take turns, and each room's set off in the order in which they
    came. After a 429 they go one by one, and side by side again as far as they succeed.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self.policy = policy
        self._width = policy.in_flight
        self._running = 0
        self._closed_until = 0.0
        self._waiting = 0
        self._turns = Turns()

    @contextlib.asynccontextmanager
    async def slot(
        self, deadline: float, path: str = "", first: bool = False
    ) -> AsyncIterator[None]:
        """Wait for a place, and for the end of any pause the homeserver asked for; what waits for
        that holds no place.

        Args:
            deadline: the event loop's time at which it is too late to set off.
            path: the endpoint that is called: what it is about takes turns.
            first: go before those that wait.

        Raises:
            LaneClosed: the pause ends after the deadline.
        """
        loop = asyncio.get_running_loop()
        if self._waiting or self._running >= self._width or self._closed_until > loop.time():
            await self._wait(deadline, room_in(path), first)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            if self._closed_until <= loop.time():
                self._width = min(self._width * 2, self.policy.in_flight)
            self._wake_next()

    def pause(self, seconds: float) -> None:
        """Let no call set off for so many seconds, but not for ever."""
        until = asyncio.get_running_loop().time() + min(seconds, LONGEST_PAUSE)
        self._closed_until = max(self._closed_until, until)
        self._width = 1

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place without waiting for one: see `held_up`."""
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._wake_next()

    @property
    def held_up(self) -> bool:
        """Whether a call would have to wait."""
        closed = self._closed_until > asyncio.get_running_loop().time()
        return closed or self._waiting > 0 or self._running >= self._width

    @property
    def idle(self) -> bool:
        """Whether nothing is lost when this lane is forgotten."""
        closed = self._closed_until > asyncio.get_running_loop().time()
        return not (closed or self._running or self._waiting)

    async def _wait(self, deadline: float, room: str, first: bool) -> None:
        loop, turn = asyncio.get_running_loop(), asyncio.Event()
        self._turns.add(turn, room, first)
        self._waiting += 1
        try:
            while True:
                pause = self._closed_until - loop.time()
                if pause > 0:
                    if self._closed_until > deadline:
                        raise LaneClosed(pause)
                    await asyncio.sleep(pause)
                elif self._running >= self._width or self._turns.head is not turn:
                    turn.clear()
                    await turn.wait()
                else:
                    return
        finally:
            self._turns.remove(turn, room)
            self._waiting -= 1
            # Once this one is counted, there may be a place for another.
            self._wake_next()

    def _wake_next(self) -> None:
        if self._waiting and (head := self._turns.head) is not None:
            head.set()


class Lanes:
    """The lanes of one API client: one for each kind of endpoint, and for each invitee."""

    def __init__(self, policies: RequestPolicies) -> None:
        self._invite = policies.invite
        self._lanes = {
            "read": Lane(policies.read),
            **{kind: Lane(policies.read) for kind in ROOM_READS.values()},
            "state": Lane(policies.write),
            "name": Lane(policies.name),
            "join": Lane(policies.enter),
            "leave": Lane(policies.enter),
            "write": Lane(policies.write),
            "message": Lane(policies.message),
            "create": Lane(policies.create),
            "courtesy": Lane(policies.best_effort),
        }
        self._invitees: dict[str, Lane] = {}

    def find(
        self, method: Method, path: str, content: Mapping[str, Any] | None
    ) -> tuple[str, Lane]:
        """The kind of a call, and its lane.

        Args:
            method: the HTTP method.
            path: the endpoint.
            content: the JSON body; of an invitation it names the invitee.
        """
        if method == Method.GET:
            kind = "name" if "/profile/" in path else _kind_of_read(path)
        elif path.endswith("/createRoom"):
            kind = "create"
        elif "/send/" in path or "/redact/" in path:
            kind = "message"
        elif "/typing/" in path or "/receipt/" in path:
            kind = "courtesy"
        elif "/state/" in path:
            kind = "state"
        elif path.endswith("/join") or "/join/" in path:
            kind = "join"
        elif path.endswith("/leave"):
            kind = "leave"
        elif path.endswith("/invite"):
            return "invite", self._of_invitee(str((content or {}).get("user_id")))
        else:
            kind = "write"
        return kind, self._lanes[kind]

    @property
    def messages_wait(self) -> bool:
        """Whether a message or a state event has to wait: homeservers limit them together."""
        return self._lanes["message"].held_up or self._lanes["state"].held_up

    def _of_invitee(self, user_id: str) -> Lane:
        lane = self._invitees.get(user_id)
        if lane is None:
            self._invitees = {one: lane for one, lane in self._invitees.items() if not lane.idle}
            self._invitees[user_id] = lane = Lane(self._invite)
        return lane


def _kind_of_read(path: str) -> str:
    part = path.partition("/rooms/")[2].partition("/")[2].partition("/")[0]
    return ROOM_READS.get(part, "read")
