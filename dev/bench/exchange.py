"""Messages and their answers as a person sees them: sent over HTTP, answered over `/sync`.

One stream of syncs for each person, as in a client, however many chats they write in.
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
PATIENCE = 60.0
_NUMBERS = itertools.count(1)


class Correspondent:
    """A person who waits for answers in many chats at once."""

    def __init__(self, person: UserClient) -> None:
        self.person = person
        self._expected: dict[str, asyncio.Future[float]] = {}

    async def ask(self, room_id: str, within: float) -> float:
        """Send a message and see its echo; seconds from the one to the other.

        Raises asyncio.TimeoutError when there is none `within` so many seconds.
        """
        text = f"This is message number {next(_NUMBERS)} of many."
        seen: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._expected[text] = seen
        begun = time.perf_counter()
        try:
            await self.person.send(room_id, text)
            return await asyncio.wait_for(seen, within) - begun
        finally:
            del self._expected[text]

    async def listen(self) -> None:
        """See what comes, until cancelled."""
        query: dict[str, Any] = {"filter": SYNC_FILTER, "timeout": 0}
        while True:
            answer = await self.person.call("GET", "sync", **query)
            query |= {"since": answer["next_batch"], "timeout": SYNC_MS}
            for room in answer.get("rooms", {}).get("join", {}).values():
                for event in room["timeline"]["events"]:
                    self._see(event)

    def _see(self, event: dict[str, Any]) -> None:
        expected = self._expected.get(str(event["content"].get("body")))
        if expected and not expected.done() and event["sender"] != self.person.user_id:
            expected.set_result(time.perf_counter())


@attr.frozen
class Chat:
    """A room with a bot in it, and the person who writes there."""

    owner: Correspondent
    room_id: str

    async def ask(self, within: float = PATIENCE) -> float:
        """See `Correspondent.ask`."""
        return await self.owner.ask(self.room_id, within)


@asynccontextmanager
async def listening(owners: Iterable[Correspondent]) -> AsyncIterator[None]:
    """Let these people see what comes, for as long as the block lasts."""
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
class Talk:
    """What a number of exchanges took.

    Attributes:
        latencies: seconds from each message to its answer.
        seconds: from the first message to the last answer.
    """

    latencies: tuple[float, ...]
    seconds: float


async def converse(chats: Sequence[Chat], each: int) -> Talk:
    """Write in all of these chats at the same time.

    Args:
        chats: where; in each, a message follows when the one before is answered.
        each: how many messages in each of them.
    """

    async def talk(chat: Chat) -> list[float]:
        return [await chat.ask() for _ in range(each)]

    begun = time.perf_counter()
    latencies = await asyncio.gather(*(talk(chat) for chat in chats))
    return Talk(tuple(itertools.chain(*latencies)), time.perf_counter() - begun)
