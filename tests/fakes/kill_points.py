"""When something happens: while the plugin runs, while it is away, or while it is being killed.

Each of them lets an action happen and returns with the plugin running again and at rest. They are
values, so that a failing test can print them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attr

from .failpoints import crash_at_request, crash_at_write, until_reached
from .faults import Answer, Hold
from .maubot import Bot
from .stories import come_back

TIME_LIMIT = 10.0
READS = r"^GET (joined_rooms|sync|rooms/[^/]*/(state|messages))"

Action = Callable[[], object]


@attr.frozen
class Live:
    """While the plugin runs; so many of its next reads fail."""

    failing_reads: int = 0

    async def __call__(self, bot: Bot, action: Action) -> None:
        action()
        bot.server.inject(Answer(READS, times=self.failing_reads))
        await bot.deliver()
        await rest(bot)


@attr.frozen
class Away:
    """While it is stopped, or was killed; so many reads of the next start fail."""

    keep_database: bool
    killed: bool = False
    failing_reads: int = 0

    async def __call__(self, bot: Bot, action: Action) -> None:
        await (bot.kill() if self.killed else bot.stop())
        action()
        bot.server.inject(Answer(READS, times=self.failing_reads))
        await come_back(bot, self.keep_database)
        await rest(bot)


@attr.frozen
class Killed:
    """Killed at so many requests of what it does about it, or at so many database writes."""

    number: int
    after: bool
    keep_database: bool
    at_write: bool

    async def __call__(self, bot: Bot, action: Action) -> None:
        action()
        await (crash_at_write if self.at_write else crash_at_request)(bot, self.number, self.after)
        await come_back(bot, self.keep_database)
        await rest(bot)


@attr.frozen
class KilledAtStart:
    """While it is away, and the next start is killed at so many requests."""

    number: int
    after: bool
    keep_database: bool

    async def __call__(self, bot: Bot, action: Action) -> None:
        await bot.stop()
        action()
        if not self.keep_database:
            bot.database.unlink()
        hold = bot.server.inject(Hold(".", times=None, skip=self.number, after=self.after))
        await bot.start()
        await until_reached(bot, hold.reached)
        await bot.kill()
        bot.server.lift(hold)
        await come_back(bot)
        await rest(bot)


When = Live | Away | Killed | KilledAtStart


async def rest(bot: Bot) -> None:
    """Wait until what was put off for later is done too; no read fails any more then.

    Raises:
        AssertionError: it never is.
    """
    bot.server.heal()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + TIME_LIMIT
    while not _is_at_rest(bot):
        assert loop.time() < deadline, "the plugin does not come to rest"
        await asyncio.sleep(0.005)
    await bot.settled()


def _is_at_rest(bot: Bot) -> bool:
    services = bot.plugin.services
    return bot.is_serving and services.is_done() and services.reconciler.idle
