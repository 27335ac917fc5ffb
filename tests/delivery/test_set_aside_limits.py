"""What is set aside has a bound and an end, and one word gives all of it up."""

from __future__ import annotations

import json

import pytest
from mautrix.types import RoomID

from plugin.config.timing import Limits

from ..fakes.failpoints import refuse_writes
from ..fakes.fake_platform import FakePlatform
from ..fakes.maubot import Bot
from ..fakes.stories import ask, come_back, have_set_aside, settle_in, write_while_busy
from ..fakes.users import User, heard, replies

HOUR = 3_600_000
FULL = "of your messages are waiting for an answer"


def set_aside(bot: Bot) -> int:
    ((count,),) = bot.query("SELECT count(*) FROM inbox WHERE state='set aside'")
    return int(count)


def notices(alice: User) -> int:
    return len([text for text in heard(alice.chat) if FULL in text])


async def test_a_flood_fills_no_database_and_retry_takes_up_the_newest(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.limits = Limits(waiting=3, set_aside=5)
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice, *(f"Question {n}" for n in range(40)))
    await bot.server.until(lambda: bot.plugin.services.pending.saved and notices(alice) == 1)

    await bot.server.until(lambda: set_aside(bot) == 5)
    gate.set()
    await bot.settled()
    assert await ask(bot, alice, alice.chat, "!retry") == "I'm asking again: 5 messages."
    assert platform.texts[-5:] == [f"Question {number}" for number in range(35, 40)]


async def test_what_comes_beyond_a_full_queue_is_said_though_something_was_set_aside_before(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.limits = Limits(waiting=3)
    await settle_in(bot, alice)
    await have_set_aside(bot, platform, alice, "Hello")

    platform.asked.clear()
    gate = await write_while_busy(bot, platform, alice, *(f"Question {n}" for n in range(5)))
    await bot.server.until(lambda: notices(alice) == 1)

    gate.set()
    await bot.settled()
    platform.asked.clear()
    gate = await write_while_busy(bot, platform, alice, *(f"Question {n}" for n in range(5)))
    await bot.server.until(lambda: notices(alice) == 2)
    gate.set()
    await bot.settled()
    assert notices(alice) == 2


async def test_cancel_gives_up_a_flood_for_good_whatever_becomes_of_the_database(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await write_while_busy(bot, platform, alice, *(f"Question {n}" for n in range(1_000)))

    cancel = alice.write(alice.chat, "!cancel")
    await bot.deliver()
    assert replies(alice.chat, cancel) == ["Stopped. 300 messages won't be answered."]
    assert len(json.dumps(alice.chat.timeline[-1]["content"])) < 2_000

    await bot.kill()
    platform.gates.clear()
    await come_back(bot, keep_database=False)

    assert platform.texts == ["Think"]
    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"


async def test_what_was_cancelled_while_the_database_was_gone_is_not_taken_up_again(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await have_set_aside(bot, platform, alice, "Hello")
    await bot.deliver()
    await bot.restart(keep_database=False)

    await ask(bot, alice, alice.chat, "!cancel")

    assert await ask(bot, alice, alice.chat, "!retry") == "There's no unanswered message here."


async def test_cancel_means_what_was_written_before_it(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    for text in ("Before", "!cancel", "After"):
        alice.write(alice.chat, text)

    await come_back(bot)

    assert heard(alice.chat)[-1] == "Answer to After"
    assert "Answer to Before" not in heard(alice.chat)


@pytest.mark.parametrize("restarts", [True, False], ids=["over a restart", "while running"])
async def test_what_was_set_aside_a_day_ago_is_gone(
    bot: Bot, platform: FakePlatform, alice: User, restarts: bool
) -> None:
    await settle_in(bot, alice)
    alice.world.clock -= 25 * HOUR
    await have_set_aside(bot, platform, alice, "Hello")
    alice.world.clock += 25 * HOUR
    before = heard(alice.chat)
    if restarts:
        await bot.stop()
        bot.query("UPDATE inbox SET set_aside_at=set_aside_at-?", 25 * HOUR)
        await come_back(bot)
    else:
        (one,) = bot.plugin.services.pending.aside.in_room(RoomID(alice.chat.room_id))
        one.set_aside_at -= 25 * HOUR

    assert heard(alice.chat) == before
    assert await ask(bot, alice, alice.chat, "!retry") == "There's no unanswered message here."
    assert set_aside(bot) == 0


async def test_what_was_set_aside_while_the_database_failed_is_kept_when_it_works_again(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    with pytest.MonkeyPatch.context() as patch:
        refuse_writes(patch)
        message = await have_set_aside(bot, platform, alice, "Hello")
    await ask(bot, alice, alice.chat, "How are you?")

    await bot.kill()
    await come_back(bot)

    assert set_aside(bot) == 1
    await ask(bot, alice, alice.chat, "!retry")
    assert replies(alice.chat, message)[1:] == ["Answer to Hello"]


async def test_what_was_answered_while_the_database_failed_is_not_asked_again_by_retry(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await have_set_aside(bot, platform, alice, "Hello")
    with pytest.MonkeyPatch.context() as patch:
        refuse_writes(patch)
        await ask(bot, alice, alice.chat, "!retry")
        await bot.kill()
    await come_back(bot)
    platform.asked.clear()

    await ask(bot, alice, alice.chat, "!retry")

    assert platform.asked == []
