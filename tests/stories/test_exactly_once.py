"""Wherever the plugin is killed: each message is answered once, in order.

The platform is asked once for each message, or once more under the same key where it was not
known any more whether it had answered.
"""

from __future__ import annotations

import asyncio
import sqlite3
from itertools import groupby
from typing import Any

import pytest

from plugin.matrix.room_messages import RoomMessages

from ..fakes.failpoints import (
    Brake,
    crash_at_request,
    kills,
    refuse_writes,
    until_reached,
)
from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Hold
from ..fakes.maubot import Bot
from ..fakes.rooms import Event
from ..fakes.stories import DATABASE, add_chat, come_back, settle_in, write_while_busy
from ..fakes.users import User, heard, replies

# What it takes to answer a message; the next one waits until that is done.
REQUESTS, WRITES = 6, 4
KILLS = kills(REQUESTS, WRITES)
AFTER = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


def assert_asked_once_each(platform: FakePlatform, *messages: Event) -> None:
    """In order, each under its own key; only the one that was being asked perhaps twice."""
    assert [key for key, _ in groupby(platform.keys)] == [one["event_id"] for one in messages]
    assert len(platform.keys) <= len(messages) + 1


@DATABASE
@pytest.mark.parametrize("kill", KILLS)
async def test_a_kill_at_any_point_costs_no_answer_and_doubles_none(
    bot: Bot, platform: FakePlatform, alice: User, kill: str, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    messages = [alice.write(alice.chat, text) for text in ("One", "Two")]

    await KILLS[kill](bot)
    await come_back(bot, keep_database)

    assert heard(alice.chat) == ["Answer to One", "Answer to Two"]
    assert [replies(alice.chat, one) for one in messages] == [["Answer to One"], ["Answer to Two"]]
    assert_asked_once_each(platform, *messages)


@pytest.mark.parametrize("number", range(4))
@AFTER
async def test_a_kill_while_a_start_writes_down_what_it_found_costs_no_answer(
    bot: Bot, platform: FakePlatform, alice: User, number: int, after: bool
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    for text in ("One", "Two"):
        alice.write(alice.chat, text)
    looking = bot.server.inject(Hold("GET sync"))
    starting = asyncio.create_task(bot.start())
    await looking.reached.wait()
    brake = Brake(number, after)

    with pytest.MonkeyPatch.context() as patch:
        brake.apply(patch)
        looking.release()
        await starting
        await until_reached(bot, brake.reached)
        await bot.kill()
    await come_back(bot)

    assert heard(alice.chat) == ["Answer to One", "Answer to Two"]


async def test_a_message_takes_no_more_requests_than_are_tried(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    mark = len(bot.server.calls)

    alice.write(alice.chat, "One")
    await bot.deliver()

    assert len(bot.server.calls) - mark <= REQUESTS


@DATABASE
async def test_a_kill_while_the_platform_thinks_asks_it_again_under_the_same_key(
    bot: Bot, platform: FakePlatform, alice: User, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice)
    (message,) = alice.chat.messages(alice.id)

    await bot.kill()
    gate.set()
    await come_back(bot, keep_database)

    assert heard(alice.chat) == ["Answer to Think"]
    assert platform.keys == [message["event_id"]] * 2


@AFTER
async def test_an_answer_that_was_had_is_not_asked_for_again(
    bot: Bot, platform: FakePlatform, alice: User, after: bool
) -> None:
    await settle_in(bot, alice)
    sending = bot.server.inject(Hold("PUT .*/send/", times=None, after=after))
    message = alice.write(alice.chat, "One")
    await bot.push()
    await sending.reached.wait()

    await bot.kill()
    bot.server.heal()
    await come_back(bot, keep_database=True)

    assert heard(alice.chat) == ["Answer to One"]
    assert platform.keys == [message["event_id"]]


async def test_ten_kills_in_a_row_answer_once(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    texts = [f"Question {number}" for number in range(10)]

    for number, text in enumerate(texts):
        alice.write(alice.chat, text)
        await crash_at_request(bot, number % REQUESTS, after=number % 2 == 0)
        await bot.start()
        await bot.settled()
    await bot.deliver()

    assert heard(alice.chat) == [f"Answer to {text}" for text in texts]


async def test_chats_are_independent_in_a_crash(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    await add_chat(bot, alice, control)
    platform.gate("Hangs")
    stuck, quick = alice.chats
    alice.write(stuck, "Hangs")
    alice.write(quick, "Quick")
    await bot.push()
    await bot.server.until(lambda: heard(quick) == ["Answer to Quick"])

    await bot.kill()
    platform.gates.clear()
    await come_back(bot, keep_database=True)

    assert heard(stuck) == ["Answer to Hangs"]
    assert heard(quick) == ["Answer to Quick"]


async def test_a_database_that_takes_no_write_costs_no_answer(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    gate = platform.gate("Think")
    with pytest.MonkeyPatch.context() as patch:
        refuse_writes(patch)
        alice.write(alice.chat, "Quick")
        alice.write(alice.chat, "Think")
        await bot.push()
        await bot.server.until(lambda: platform.texts == ["Quick", "Think"])
        await bot.kill()
    gate.set()

    await come_back(bot, keep_database=True)

    assert heard(alice.chat) == ["Answer to Quick", "Answer to Think"]
    assert platform.texts == ["Quick", "Think", "Think"]


async def test_an_answer_that_could_not_be_encrypted_is_sent_in_its_turn(
    bot: Bot, platform: FakePlatform, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settle_in(bot, alice)
    seal, failures = RoomMessages._seal, [sqlite3.OperationalError("database is locked")] * 2

    async def fail_twice(self: RoomMessages, *args: Any) -> Any:
        if failures:
            raise failures.pop()
        return await seal(self, *args)

    monkeypatch.setattr(RoomMessages, "_seal", fail_twice)
    for text in ("One", "Two"):
        alice.write(alice.chat, text)
    await bot.deliver()

    assert heard(alice.chat) == ["Answer to One", "Answer to Two"]
