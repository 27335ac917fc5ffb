"""The lower layer: it is called, and calls back whatever it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import attr


@attr.frozen
class Value:
    """What attrs makes of this is no function that a reader must know."""

    number: int


def add(numbers: list[int]) -> Value:
    return Value(sum(number for number in numbers))


def count(to: int) -> Iterator[int]:
    yield from range(to)


async def tick(times: int) -> AsyncIterator[int]:
    for number in range(times):
        await asyncio.sleep(0)
        yield number


async def pause(times: int) -> None:
    async for _ in tick(times):
        pass


async def call_back(callback: Callable[[], Awaitable[None]]) -> None:
    await callback()


async def schedule(callback: Callable[[], Awaitable[None]]) -> None:
    await asyncio.ensure_future(callback())
