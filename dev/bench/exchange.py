"""Messages and their answers as a user sees them: sent over HTTP, answered over `/sync`.

One stream of syncs for each user, as in a client, however many chats they write in.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attr

from ..user_client import SYNC_FILTER, UserClient

SYNC_MS = 5_000
# Seconds after which an answer counts as lost.
TIMEOUT = 60.0
_NUMBERS = itertools.count(1)


class WaitingUser:
    """A user who waits for answers in many chats at once."""

    def __init__(self, user: UserClient) -> None:
        self.user = user
        self._expected: dict[str, asyncio.Future[float]] = {}

    async def ask(self, room_id: str, within: float) -> float:
        """Send a message and see its echo; seconds from the one to the other.

        Raises asyncio.TimeoutError when there is none `within` so many seconds.
        """
        text = f"This is message number {next(_NUMBERS)} of many."
        seen: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._expected[text] = seen
        started_at = time.perf_counter()
        try:
            await self.user.send(room_id, text)
            return await asyncio.wait_for(seen, within) - started_at
        finally:
            del self._expected[text]

    async def listen(self) -> None:
        """See what comes, until cancelled."""
        query: dict[str, Any] = {"filter": SYNC_FILTER, "timeout": 0}
        while True:
            answer = await self.user.call("GET", "sync", **query)
            query |= {"since": answer["next_batch"], "timeout": SYNC_MS}
            for room in answer.get("rooms", {}).get("join", {}).values():
                for event in room["timeline"]["events"]:
                    self._see(event)

    def _see(self, event: dict[str, Any]) -> None:
        expected = self._expected.get(str(event["content"].get("body")))
        if expected and not expected.done() and event["sender"] != self.user.user_id:
            expected.set_result(time.perf_counter())


@attr.frozen
class Chat:
    """A room with a bot in it, and the user who writes there."""

    owner: WaitingUser
    room_id: str

    async def ask(self, within: float = TIMEOUT) -> float:
        """See `WaitingUser.ask`."""
        return await self.owner.ask(self.room_id, within)


@asynccontextmanager
async def listening(owners: Iterable[WaitingUser]) -> AsyncIterator[None]:
    """Let these users see what comes, for as long as the block lasts."""
    listeners = [asyncio.create_task(owner.listen()) for owner in owners]
    try:
        yield
    finally:
        for listener in listeners:
            listener.cancel()
        for listener in listeners:
            with contextlib.suppress(asyncio.CancelledError):
                await listener


@attr.frozen
class ExchangeTimes:
    """What a number of exchanges took.

    Attributes:
        latencies: seconds from each message to its answer.
        seconds: from the first message to the last answer.
    """

    latencies: tuple[float, ...]
    seconds: float


async def exchange_messages(chats: Sequence[Chat], each: int) -> ExchangeTimes:
    """Write in all of these chats at the same time.

    Args:
        chats: where; in each, a message follows when the one before is answered.
        each: how many messages in each of them.
    """

    async def exchange(chat: Chat) -> list[float]:
        return [await chat.ask() for _ in range(each)]

    started_at = time.perf_counter()
    latencies = await asyncio.gather(*(exchange(chat) for chat in chats))
    return ExchangeTimes(tuple(itertools.chain(*latencies)), time.perf_counter() - started_at)
