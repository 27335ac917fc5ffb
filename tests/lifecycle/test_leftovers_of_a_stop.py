"""What a stop leaves behind: nothing in maubot's objects, and nothing false in the log."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import Sequence
from typing import Any

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Hold
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in, settle_in_with_chats
from ..fakes.users import CHILD, User


def part_of(bot: Bot, name: str) -> Any:
    services = bot.plugin.services
    return {
        "plugin": bot.plugin,
        "routes": services.routes,
        "configuration": bot.plugin.active,
        "messages": services.messages,
        "inbox": services.inbox,
    }[name]


PARTS = ["plugin", "routes", "configuration", "messages", "inbox"]


async def test_a_stopped_plugin_object_is_let_go_of(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await ask(bot, alice, alice.chat, "Hello")
    before = [weakref.ref(part_of(bot, name)) for name in PARTS]

    await bot.stop()
    client = bot.client
    del bot.plugin
    gc.collect()

    kept = [name for name, part in zip(PARTS, before, strict=True) if part() is not None]
    assert kept == []
    assert client is bot.client


async def test_a_stopped_plugin_object_leaves_nothing_on_the_client(bot: Bot, alice: User) -> None:
    await bot.start()
    await bot.stop()
    client = bot.client
    before = vars(client).keys() | set()
    await bot.reload()
    await settle_in(bot, alice)

    await bot.stop()

    assert vars(client).keys() == before
    assert [kind for kind, handlers in client.event_handlers.items() if handlers] == []


def change_much(bot: Bot, people: Sequence[User], number: int) -> None:
    """Everybody does a bit of everything."""
    for person in people:
        for chat in person.chats:
            person.write(chat, f"Question {number}")
            link = {} if number % 2 else {"via": ["test"]}
            person.put_state(person.space, (CHILD, chat.room_id), link)
        person.write(person.chats[0], "!new")
        person.write(person.chats[0], f"!rename Name {number}")
    User(bot.server.world, f"carol{number}").invite_bot()
    User(bot.server.world, f"mallory{number}", "elsewhere").invite_bot()


@pytest.mark.parametrize("moment", [2, 4, 6, 8, 9])
async def test_a_stop_in_the_middle_of_many_changes_says_nothing_false(
    bot: Bot, alice: User, bob: User, moment: int, caplog: pytest.LogCaptureFixture
) -> None:
    await settle_in_with_chats(bot, alice, 4)
    await settle_in(bot, bob)
    bot.verify_at_once()
    await bot.restart()
    caplog.clear()
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: unhandled.append(what))
    for number in range(3):
        change_much(bot, [alice, bob], number)
        await bot.push()
    await asyncio.sleep(0.015 * moment)

    await bot.stop()
    await asyncio.sleep(0.02)
    gc.collect()

    assert unhandled == []
    said = [one for one in caplog.records if one.levelno >= logging.WARNING or one.exc_info]
    assert [one.getMessage() for one in said] == []


@pytest.mark.parametrize("held", ["GET rooms", "PUT rooms", "GET joined_rooms", "."])
async def test_a_stop_while_the_homeserver_hangs_says_nothing_false(
    bot: Bot, alice: User, bob: User, held: str, caplog: pytest.LogCaptureFixture
) -> None:
    await settle_in_with_chats(bot, alice, 3)
    await settle_in(bot, bob)
    caplog.clear()
    hold = bot.server.inject(Hold(held, times=None))
    change_much(bot, [alice, bob], 1)
    await bot.push()
    await hold.reached.wait()

    await bot.stop()
    hold.cut_off()
    await asyncio.sleep(0.02)

    said = [one for one in caplog.records if one.levelno >= logging.WARNING or one.exc_info]
    assert [one.getMessage() for one in said] == []
