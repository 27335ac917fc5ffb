"""What may happen to the plugin itself: killed at a chosen point, or left without a disk.

The points are its requests to the homeserver and its writes to the database.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import attr
import pytest
from mautrix.util.async_db.aiosqlite import TxnConnection
from mautrix.util.async_db.connection import LoggingConnection

from .faults import Hold
from .maubot import Bot


@attr.define(eq=False)
class Brake:
    """Holds the plugin's writes from the `skip`th on, before or after they are in the database,
    until they are released."""

    skip: int
    after: bool
    reached: asyncio.Event = attr.Factory(asyncio.Event)
    released: asyncio.Event = attr.Factory(asyncio.Event)

    def apply(self, patch: pytest.MonkeyPatch) -> None:
        """Let every commit of a transaction go by here."""
        commit = TxnConnection.commit

        async def pass_by(connection: TxnConnection) -> None:
            held, self.skip = self.skip <= 0, self.skip - 1
            if self.after or not held:
                await commit(connection)
            if held:
                self.reached.set()
                await self.released.wait()
            if held and not self.after:
                await commit(connection)

        patch.setattr(TxnConnection, "commit", pass_by)


async def crash_at_request(bot: Bot, number: int, after: bool) -> None:
    """Hand over what happened, and end the plugin at so many requests, or when it is done.

    Args:
        bot: where.
        number: how many requests go through unharmed.
        after: the homeserver does what the next one asks for, too.
    """
    hold = bot.server.inject(Hold(".", times=None, skip=number, after=after))
    await bot.push()
    await until_reached(bot, hold.reached)
    await bot.kill()
    bot.server.lift(hold)


async def crash_at_write(bot: Bot, number: int, after: bool) -> None:
    """The same with the transactions in the database."""
    brake = Brake(number, after)
    with pytest.MonkeyPatch.context() as patch:
        brake.apply(patch)
        await bot.push()
        await until_reached(bot, brake.reached)
        await bot.kill()


def kills(requests: int, writes: int) -> dict[str, Callable[[Bot], Awaitable[None]]]:
    """What kills the plugin at each of its next requests and each of its next writes, before and
    after they are done.

    Args:
        requests: how many requests.
        writes: how many writes.
    """
    return {
        f"{name} {'after' if after else 'before'} {number}": partial(
            crash, number=number, after=after
        )
        for name, crash, count in (
            ("request", crash_at_request, requests),
            ("write", crash_at_write, writes),
        )
        for number in range(count)
        for after in (False, True)
    }


def refuse_writes(patch: pytest.MonkeyPatch) -> None:
    """Let the disk be full for whatever the plugin writes."""
    execute = LoggingConnection.execute

    async def refuse(self: LoggingConnection, query: str, *args: Any, **more: Any) -> Any:
        # What maubot itself writes when it opens a database goes through.
        if (
            query.split(maxsplit=1)[0] in ("INSERT", "UPDATE", "DELETE", "DROP")
            and "version" not in query
        ):
            raise sqlite3.OperationalError("database or disk is full")
        return await execute(self, query, *args, **more)

    async def refuse_many(self: LoggingConnection, query: str, *args: Any, **more: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    patch.setattr(LoggingConnection, "execute", refuse)
    patch.setattr(LoggingConnection, "executemany", refuse_many)


async def until_reached(bot: Bot, reached: asyncio.Event) -> None:
    """Wait until something is reached, or the plugin has nothing left to do."""
    resting = asyncio.ensure_future(bot.settled())
    waiting = asyncio.ensure_future(reached.wait())
    await asyncio.wait({resting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    for task in (resting, waiting):
        task.cancel()
    await asyncio.gather(resting, waiting, return_exceptions=True)
