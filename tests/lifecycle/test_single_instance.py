"""Of two plugin objects for one instance only the newer one runs, whenever it was started."""

from __future__ import annotations

import asyncio

import attr
import pytest
from mautrix.types import EventType
from mautrix.util.async_db import Database

from plugin import Spacekeeper

from ..fakes.fake_platform import FAKE_PLATFORM, FakePlatform
from ..fakes.faults import Hold
from ..fakes.leftovers import lasting
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in, settle_in_with_chats, write_while_busy
from ..fakes.users import User, bindings, heard

IMPATIENT = FAKE_PLATFORM + "startup: {wait: 0.02}\n"


async def assert_closed(plugin: Spacekeeper) -> None:
    """Nothing can be written through its database any more."""
    assert isinstance(plugin.database, Database)
    with pytest.raises((ValueError, RuntimeError)):
        await plugin.database.execute("DELETE FROM chat")


def fence(bot: Bot) -> str:
    ((name,),) = bot.query("SELECT fence FROM instance")
    return str(name)


async def test_a_second_object_takes_over_from_the_first(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)

    older = await bot.start_beside()
    await bot.settled()

    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"
    assert platform.texts == ["Hello"]
    assert fence(bot) == bot.plugin.services.store.db.fence != older.services.store.db.fence
    await assert_closed(older)


async def test_what_the_first_was_working_at_the_second_goes_on_with(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice)
    (message,) = alice.chat.messages(alice.id)

    older = await bot.start_beside()
    gate.set()
    await bot.settled()

    assert heard(alice.chat) == ["Answer to Think"]
    assert set(platform.keys) == {message["event_id"]}
    await assert_closed(older)


@pytest.mark.parametrize("held", ["joined_rooms", r"rooms/[^/]*/state$", "sync"])
async def test_ten_objects_in_a_row_during_a_held_start_leave_one(
    bot: Bot, platform: FakePlatform, alice: User, held: str
) -> None:
    await settle_in_with_chats(bot, alice, 2)
    before, mark = bindings(alice.world), len(bot.server.calls)
    await bot.stop()
    bot.database.unlink()
    bot.text.text = IMPATIENT
    held_reads = bot.server.inject(Hold(f"GET {held}", times=None))
    await bot.start()
    older = [await bot.start_beside() for _ in range(10)]
    assert EventType.ROOM_MESSAGE not in bot.client.event_handlers

    held_reads.release()
    await bot.settled()

    assert len(bot.client.event_handlers[EventType.ROOM_MESSAGE]) == 1
    for chat in alice.chats:
        assert await ask(bot, alice, chat, "Hello") == "Answer to Hello"
    assert platform.texts == ["Hello", "Hello"]
    assert bindings(alice.world) == before
    assert lasting(bot.server.changes(mark)) == []
    assert fence(bot) == bot.plugin.services.store.db.fence
    for plugin in older:
        await assert_closed(plugin)


async def test_a_stop_during_a_held_start_ends_it(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    bot.database.unlink()
    bot.text.text = IMPATIENT
    held_reads = bot.server.inject(Hold("GET joined_rooms", times=None))
    await bot.start()

    await bot.stop()
    mark = len(bot.server.calls)
    held_reads.release()
    await bot.settled()

    assert bot.server.calls[mark:] == []
    assert EventType.ROOM_MESSAGE not in bot.client.event_handlers


async def test_two_maubots_on_one_database_leave_the_newer(
    bot: Bot, platform: FakePlatform, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    await settle_in(bot, alice)
    # Somebody else's run stands in the table from now on.
    bot.query("UPDATE instance SET fence = 'another'")

    alice.write(alice.chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: not bot.client.event_handlers.get(EventType.ROOM_MESSAGE))
    alice.write(alice.chat, "Anybody?")
    await bot.push()
    await bot.settled()

    assert "Another maubot runs this instance on the same database" in caplog.text
    assert "Anybody?" not in platform.texts
    assert fence(bot) == "another"


async def test_a_start_that_was_overtaken_while_it_waited_for_the_older_one_begins_nothing(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.timing = attr.evolve(bot.timing, stop=0.2)
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice)
    oldest = bot.plugin
    second_start = asyncio.create_task(bot.start_beside())
    await bot.server.until(lambda: bot.plugin is not oldest)
    overtaken = bot.plugin

    await bot.start_beside()
    await second_start

    assert overtaken.main_task is None
    assert bot.plugin.main_task is not None
    gate.set()
    await bot.settled()
    assert heard(alice.chat) == ["Answer to Think"]
