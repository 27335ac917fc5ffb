"""The higher layer: it calls the lower one."""

from __future__ import annotations

import asyncio

from . import low


async def compute() -> int:
    first = low.add([1, 2])
    second = await asyncio.to_thread(low.add, [*low.count(3)])
    await low.pause(3)
    return first.number + second.number


async def notify() -> None:
    return


async def hand_down() -> None:
    await low.call_back(notify)


async def hand_to_loop() -> None:
    await low.schedule(notify)


class Engine:
    """Has a constructor."""

    def __init__(self) -> None:
        self.started = False

    async def start(self) -> None:
        self.started = True
