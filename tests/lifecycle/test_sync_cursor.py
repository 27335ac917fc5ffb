"""How far everything was seen: noted seldom, and never past what is not done with."""

from __future__ import annotations

import asyncio
from typing import Any

import attr
import pytest
from mautrix.types import SyncToken

from plugin.matrix.account_data import CURSOR_TYPE, own_type

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Hold
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import ask, assert_at_home, settle_in
from ..fakes.sync import now
from ..fakes.users import User, heard

CURSOR = own_type(CURSOR_TYPE, "spacekeeper")


@pytest.fixture
def always(bot: Bot) -> None:
    """Note it with every sync."""
    bot.timing = attr.evolve(bot.timing, save_cursor=0.0)


def in_database(bot: Bot) -> str:
    ((token,),) = bot.query("SELECT token FROM instance")
    return str(token)


def in_matrix(bot: Bot) -> str:
    content: dict[str, Any] = bot.server.world.account_data[BOT, CURSOR]
    return str(content["token"])


async def test_a_first_start_notes_where_it_began(bot: Bot) -> None:
    await bot.start()
    await bot.settled()

    assert in_database(bot) == in_matrix(bot) == now(bot.server.world)


async def test_a_stop_notes_how_far_it_came(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)
    await ask(bot, alice, alice.chat, "Hello")
    await bot.deliver()
    await bot.deliver()

    await bot.stop()

    assert in_database(bot) == in_matrix(bot) == now(bot.server.world)


async def test_syncs_without_news_write_nothing(bot: Bot, alice: User, always: None) -> None:
    await settle_in(bot, alice)
    for _ in range(3):
        await bot.deliver()
    mark = len(bot.server.calls)

    for _ in range(20):
        await bot.deliver()

    assert bot.server.calls[mark:] == []


async def test_between_two_notes_nothing_is_written(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    before = in_matrix(bot)

    for number in range(5):
        await ask(bot, alice, alice.chat, f"Question {number}")

    assert in_matrix(bot) == before


async def test_what_is_not_answered_holds_the_one_in_matrix_back(
    bot: Bot, platform: FakePlatform, alice: User, always: None
) -> None:
    await settle_in(bot, alice)
    for _ in range(3):
        await bot.deliver()
    before = now(bot.server.world)
    gate = platform.gate("Think")
    alice.write(alice.chat, "Think")
    for _ in range(3):
        await bot.push()
        await bot.server.until(lambda: platform.texts == ["Think"])

    assert SyncToken(in_matrix(bot)) <= SyncToken(before)
    gate.set()
    await bot.settled()
    alice.write(alice.chat, "Hello")
    for _ in range(3):
        await bot.deliver()

    assert SyncToken(before) < SyncToken(in_matrix(bot)) <= SyncToken(now(bot.server.world))


async def test_the_one_in_the_database_goes_as_far_as_the_inbox(
    bot: Bot, platform: FakePlatform, alice: User, always: None
) -> None:
    await settle_in(bot, alice)
    gate = platform.gate("Think")
    alice.write(alice.chat, "Think")
    for taken_in in range(1, 5):
        await bot.push()
        await bot.server.until(lambda: len(bot.query("SELECT * FROM inbox")) == taken_in)  # noqa: B023
        alice.write(alice.chat, "More")

    kept, done = in_database(bot), in_matrix(bot)
    await bot.kill()
    gate.set()
    await bot.start()
    await bot.settled()
    await bot.deliver()

    assert int(kept[1:]) > int(done[1:])
    assert heard(alice.chat) == ["Answer to Think", *["Answer to More"] * 4]


async def test_an_invitation_that_is_not_answered_yet_is_not_passed_by(
    bot: Bot, alice: User, bob: User, always: None
) -> None:
    await settle_in(bot, alice)
    making = bot.server.inject(Hold("createRoom", times=None))
    room = bob.invite_bot()
    await bot.push()
    await making.reached.wait()
    for _ in range(4):
        alice.write(alice.chat, "Hello")
        await bot.push()
        await asyncio.sleep(0.02)

    await bot.kill()
    bot.server.heal()
    await bot.start()
    await bot.settled()

    assert_at_home(bob, room)


async def test_a_matrix_that_does_not_take_it_disturbs_nobody(
    bot: Bot, platform: FakePlatform, alice: User, always: None, impatient: None
) -> None:
    await settle_in(bot, alice)
    bot.server.inject(Answer(f"PUT .*{CURSOR_TYPE}", times=None, status=502))

    for number in range(3):
        assert await ask(bot, alice, alice.chat, f"{number}") == f"Answer to {number}"


@pytest.mark.parametrize("garbage", [{}, {"token": 7}, {"token": []}])
async def test_garbage_in_matrix_is_no_cursor(
    bot: Bot, platform: FakePlatform, alice: User, garbage: dict[str, Any]
) -> None:
    await settle_in(bot, alice)
    await ask(bot, alice, alice.chat, "Hello")
    await bot.stop()
    alice.world.account_data[BOT, CURSOR] = garbage

    await bot.restart(keep_database=False)

    assert await ask(bot, alice, alice.chat, "Still there?") == "Answer to Still there?"
    assert platform.texts == ["Hello", "Still there?"]
