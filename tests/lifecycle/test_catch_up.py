"""What happened while nobody was there: taken in at the next start, once, in its order."""

from __future__ import annotations

import asyncio

import pytest

from plugin.config.timing import Limits

from ..fakes.failpoints import Brake
from ..fakes.fake_platform import FAKE_PLATFORM, FakePlatform
from ..fakes.faults import Hold
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import DATABASE, add_chat, ask, assert_at_home, come_back, settle_in
from ..fakes.users import User, heard, replies

HOUR = 3_600_000


@DATABASE
async def test_messages_are_answered_in_the_order_they_were_sent(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, keep_database: bool
) -> None:
    await settle_in(bot, alice, bob)
    await ask(bot, alice, alice.chat, "Before")
    await bot.stop()
    for number in range(3):
        alice.write(alice.chat, f"Question {number}")
        bob.write(bob.chat, f"Request {number}")

    await come_back(bot, keep_database)

    questions = [f"Answer to Question {number}" for number in range(3)]
    assert heard(alice.chat) == ["Answer to Before", *questions]
    assert heard(bob.chat) == [f"Answer to Request {number}" for number in range(3)]


async def test_what_comes_as_the_doors_open_waits_for_what_came_before(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    starting = bot.server.inject(Hold("GET sync", after=True))
    reloading = asyncio.create_task(bot.reload())
    await starting.reached.wait()
    alice.write(alice.chat, "One")
    await bot.push()
    brake = Brake(skip=0, after=False)

    with pytest.MonkeyPatch.context() as patch:
        brake.apply(patch)
        starting.release()
        await bot.server.until(lambda: bot.is_serving)
        alice.write(alice.chat, "Two")
        await bot.push()
        brake.released.set()
        await reloading
        await bot.settled()

    assert heard(alice.chat) == ["Answer to One", "Answer to Two"]


@DATABASE
async def test_what_was_answered_before_is_not_answered_again(
    bot: Bot, platform: FakePlatform, alice: User, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    for text in ("One", "Two", "!chats"):
        await ask(bot, alice, alice.chat, text)
    before = heard(alice.chat)

    # Without an orderly stop, how far it came is not noted either.
    await bot.kill()
    await come_back(bot, keep_database)

    assert heard(alice.chat) == before
    assert platform.texts == ["One", "Two"]


@DATABASE
@pytest.mark.parametrize("count", [70, 130])
async def test_more_than_a_sync_tells_is_paged_to_the_end(
    bot: Bot, platform: FakePlatform, alice: User, count: int, keep_database: bool
) -> None:
    texts = [f"Question {number}" for number in range(count)]
    await settle_in(bot, alice)
    await bot.stop()
    bot.limits = Limits(waiting=count)
    for text in texts:
        alice.write(alice.chat, text)

    await come_back(bot, keep_database)

    assert heard(alice.chat) == [f"Answer to {text}" for text in texts]


async def test_more_than_may_wait_is_set_aside_and_not_lost(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.limits = Limits(waiting=5)
    texts = [f"Question {number}" for number in range(12)]
    await settle_in(bot, alice)
    await bot.stop()
    for text in texts:
        alice.write(alice.chat, text)

    await come_back(bot)
    await ask(bot, alice, alice.chat, "!retry")

    assert [text for text in heard(alice.chat) if text.startswith("Answer")] == [
        f"Answer to {text}" for text in texts
    ]


@DATABASE
async def test_commands_are_carried_out(bot: Bot, alice: User, keep_database: bool) -> None:
    (control,) = await settle_in(bot, alice)
    await bot.stop()
    new = alice.write(control, "!new Holiday")
    rename = alice.write(alice.chat, "!rename Work")

    await come_back(bot, keep_database)

    assert sorted(chat.name for chat in alice.chats) == ["Holiday", "Work"]
    assert len(replies(control, new)) == len(replies(alice.chats[0], rename)) == 1


@DATABASE
@pytest.mark.parametrize("autojoin", [False, True], ids=["by us", "by maubot"])
async def test_invitations_are_answered(
    bot: Bot, alice: User, bob: User, keep_database: bool, autojoin: bool
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    room = bob.invite_bot()
    if autojoin:
        bob.world.join(BOT, room.room_id)

    await come_back(bot, keep_database)

    assert_at_home(bob, room)


@pytest.mark.parametrize("hours", [25, 100])
async def test_what_is_too_old_is_said_once_and_waits_for_retry(
    bot: Bot, platform: FakePlatform, alice: User, hours: int
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    alice.world.clock -= hours * HOUR
    old = [alice.write(alice.chat, text) for text in ("Old", "Older")]
    alice.world.clock += hours * HOUR
    alice.write(alice.chat, "New")

    await come_back(bot)
    await bot.restart()

    notice = (
        "2 messages came while I was away, too long ago to answer them unasked. "
        "`!retry` answers them, `!cancel` drops them. I keep them for 24 hours."
    )
    assert sorted(heard(alice.chat)) == [notice, "Answer to New"]
    assert await ask(bot, alice, alice.chat, "!retry") == "I'm asking again: 2 messages."
    assert [replies(alice.chat, one) for one in old] == [["Answer to Old"], ["Answer to Older"]]


async def test_how_old_is_too_old_can_be_set(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.text.text = FAKE_PLATFORM + "catch_up: {max_age: 48}\n"
    await settle_in(bot, alice)
    await bot.stop()
    alice.world.clock -= 47 * HOUR
    alice.write(alice.chat, "Old")

    await come_back(bot)

    assert heard(alice.chat) == ["Answer to Old"]


@DATABASE
async def test_nobody_else_is_answered(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, keep_database: bool
) -> None:
    (control,) = await settle_in(bot, alice)
    alice.let_in(bob, alice.chat)
    before = len(heard(control))
    await bot.stop()
    bob.write(alice.chat, "And I?")
    alice.write(alice.chat, "A notice", msgtype="m.notice")

    await come_back(bot, keep_database)

    assert (platform.asked, heard(alice.chat), len(heard(control))) == ([], [], before)


@DATABASE
async def test_a_message_in_an_archived_chat_is_told_so(
    bot: Bot, alice: User, keep_database: bool
) -> None:
    (control,) = await settle_in(bot, alice)
    await add_chat(bot, alice, control)
    await ask(bot, alice, control, "!archive C2")
    await bot.stop()
    message = alice.write(alice.chats[1], "Hello?")

    await come_back(bot, keep_database)

    (reply,) = replies(alice.chats[1], message)
    assert reply.startswith("This chat is archived")


async def test_what_is_written_while_maubot_clears_its_cache_is_answered(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await ask(bot, alice, alice.chat, "Before")
    bot.clear_cache()
    alice.write(alice.chat, "Meanwhile")
    await bot.deliver()

    await ask(bot, alice, alice.chat, "After")

    assert platform.texts == ["Before", "Meanwhile", "After"]


async def test_what_a_slow_reading_brings_comes_before_what_a_later_one_does(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    more_than_a_sync_tells = 60
    slow = bot.server.inject(Hold("GET sync"))
    for number in range(more_than_a_sync_tells):
        alice.write(alice.chat, f"Message {number}")
    await bot.push()
    await slow.reached.wait()
    for number in range(more_than_a_sync_tells):
        alice.write(alice.chat, f"Later message {number}")
    await bot.push()

    slow.release()
    await bot.settled()

    first = [f"Message {number}" for number in range(more_than_a_sync_tells)]
    assert platform.texts[: len(first)] == first
