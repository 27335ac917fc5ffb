"""Work is done room by room: in order within a room, independently between rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from mautrix.types import RoomID

from plugin.delivery.room_queues import RoomQueues

HERE, THERE = RoomID("!here:test"), RoomID("!there:test")


class Diary:
    """Notes what was done; `wait` is done when its gate is open."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.gate = asyncio.Event()

    async def note(self, what: str) -> None:
        self.done.append(what)

    async def wait(self) -> None:
        await self.gate.wait()
        self.done.append("waited")

    def noting(self, what: str) -> Callable[[], Awaitable[None]]:
        return partial(self.note, what)


async def let_it_work() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_room_waits_for_its_own_work_and_for_no_other() -> None:
    diary, queues = Diary(), RoomQueues(0.05)
    queues.put(HERE, diary.wait)
    queues.put(HERE, diary.noting("second"))
    queues.put(THERE, diary.noting("elsewhere"))
    await let_it_work()
    assert diary.done == ["elsewhere"]

    diary.gate.set()
    await let_it_work()

    assert diary.done == ["elsewhere", "waited", "second"]


async def test_a_room_that_came_to_rest_takes_up_work_again() -> None:
    diary, queues = Diary(), RoomQueues(0.05)
    queues.put(HERE, diary.noting("first"))
    await let_it_work()

    queues.put(HERE, diary.noting("second"))
    await let_it_work()

    assert diary.done == ["first", "second"]


async def test_after_closing_nothing_is_done_any_more() -> None:
    diary, queues = Diary(), RoomQueues(0.05)
    queues.put(HERE, diary.wait)
    queues.put(HERE, diary.noting("second"))
    await let_it_work()

    await queues.close()
    queues.put(HERE, diary.noting("third"))
    diary.gate.set()
    await let_it_work()

    assert diary.done == []
