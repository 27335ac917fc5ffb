"""A conversation with the platform: its order, the signs of work, and what can go wrong."""

from __future__ import annotations

import attr
import pytest

from plugin.config.timing import Limits
from plugin.platforms.protocol import PlatformError

from ..fakes.fake_platform import FAKE_PLATFORM, FakePlatform
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import add_chat, ask, settle_in, write_while_busy
from ..fakes.users import User, heard, replies


async def test_messages_are_answered_in_the_order_they_were_sent(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    first = platform.gate("Question 0")
    for number in range(10):
        alice.write(alice.chat, f"Question {number}")

    await bot.push()
    await bot.server.until(lambda: platform.asked != [])
    first.set()
    await bot.settled()

    assert heard(alice.chat) == [f"Answer to Question {number}" for number in range(10)]


async def test_a_platform_that_hangs_wherever_it_is_asked_holds_up_no_other_platform(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    bot.limits = Limits(conversations=1)
    await settle_in(bot, alice)
    await bot.restart()
    await bot.configure(FAKE_PLATFORM.replace("default_platform: fake", "default_platform: echo"))
    await settle_in(bot, bob)
    gate = await write_while_busy(bot, platform, alice)

    bob.write(bob.chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat) == ["Hello"])

    assert heard(alice.chat) == []
    gate.set()


async def test_while_the_platform_works_the_bot_types_and_the_message_is_read(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    chat, gate = alice.chat, platform.gate("Think")
    message = alice.write(chat, "Think")

    await bot.push()
    await bot.server.until(lambda: chat.typing == [(BOT, True)])
    assert (BOT, message["event_id"]) in chat.receipts
    gate.set()
    await bot.settled()

    assert chat.typing == [(BOT, True), (BOT, False)]
    assert replies(chat, message) == ["Answer to Think"]


async def test_it_goes_on_typing_for_clients_that_believe_in_it_for_a_short_time_only(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.timing = attr.evolve(bot.timing, typing=0.0, typing_again=0.01)
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice)

    news = [(BOT, True), (BOT, False)] * 3
    await bot.server.until(lambda: alice.chat.typing[:6] == news)
    gate.set()
    await bot.settled()

    assert alice.chat.typing[-1] == (BOT, False)


async def test_what_is_answered_at_once_is_read_too_and_nobody_types(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.timing = attr.evolve(bot.timing, typing=60.0)
    await settle_in(bot, alice)

    for text in ("One", "Two"):
        last = alice.write(alice.chat, text)
    await bot.deliver()

    assert heard(alice.chat) == ["Answer to One", "Answer to Two"]
    assert alice.chat.receipts[-1] == (BOT, last["event_id"])
    assert alice.chat.typing == []


async def test_a_slow_chat_does_not_delay_another(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    other = await add_chat(bot, alice, control)
    gate = platform.gate("Slow")
    alice.write(alice.chats[0], "Slow")
    alice.write(other, "Quick")

    await bot.push()
    await bot.server.until(lambda: heard(other) == ["Answer to Quick"])

    assert heard(alice.chats[0]) == []
    gate.set()


async def test_an_emote_is_text(bot: Bot, platform: FakePlatform, alice: User) -> None:
    await settle_in(bot, alice)

    alice.write(alice.chat, "waves", msgtype="m.emote")
    await bot.deliver()

    assert platform.texts == ["waves"]


async def test_a_picture_is_not_read_and_that_is_said(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)

    alice.write(alice.chat, "cat.png", msgtype="m.image", url="mxc://test/cat")
    await bot.deliver()

    assert platform.asked == []
    assert heard(alice.chat)[0].startswith("I can only read text: pictures, files and voice")


async def test_what_is_asked_while_the_assistant_is_missing_is_answered_when_it_is_back(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await bot.configure("platforms: {echo: {type: echo}}\n")

    reply = await ask(bot, alice, alice.chat, "Hello?")

    assert reply == (
        "The assistant `fake` is not set up at the moment. Please tell whoever runs this bot.  \n"
        "`!retry` asks again, `!cancel` drops it."
    )
    await bot.configure(FAKE_PLATFORM)
    await ask(bot, alice, alice.chat, "!retry")
    assert heard(alice.chat)[-1] == "Answer to Hello?"


@pytest.mark.parametrize("can_retry", [True, False])
async def test_a_platform_that_fails_explains_itself(
    bot: Bot, platform: FakePlatform, alice: User, can_retry: bool
) -> None:
    await settle_in(bot, alice)
    failure = PlatformError("The fake platform sleeps.", can_retry=can_retry, detail="503")
    platform.failures["Hello"] = failure

    assert await ask(bot, alice, alice.chat, "Hello") == (
        "The fake platform sleeps.  \n`!retry` asks again, `!cancel` drops it."
    )
    assert await ask(bot, alice, alice.chat, "Hello again") == "Answer to Hello again"


@pytest.mark.parametrize("answer", ["", " \n\t", "\0", " \0\n"])
async def test_an_assistant_that_says_nothing_leaves_a_word_about_that_and_no_empty_message(
    bot: Bot, platform: FakePlatform, alice: User, answer: str
) -> None:
    await settle_in(bot, alice)
    platform.answers["Hello"] = answer

    assert await ask(bot, alice, alice.chat, "Hello") == (
        "The assistant sent an empty answer.  \n`!retry` asks again, `!cancel` drops it."
    )
    assert len(heard(alice.chat)) == 1
    del platform.answers["Hello"]
    alice.write(alice.chat, "!retry")
    await bot.deliver()
    assert "Answer to Hello" in heard(alice.chat)


async def test_a_bug_in_a_platform_is_found_by_its_reference(
    bot: Bot, platform: FakePlatform, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    await settle_in(bot, alice)
    platform.failures["Hello"] = ZeroDivisionError("oops")

    reply = await ask(bot, alice, alice.chat, "Hello")

    reference = reply.split("`")[1]
    (record,) = [record for record in caplog.records if record.exc_info]
    assert f"Error {reference} while serving {alice.chat.room_id}" in record.getMessage()
    assert "oops" not in reply
    assert await ask(bot, alice, alice.chat, "Hello again") == "Answer to Hello again"


async def test_who_lost_the_permission_is_told_and_keeps_the_chats(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await bot.configure(FAKE_PLATFORM.replace("local: user", "local: none"))

    assert await ask(bot, alice, alice.chat, "Hello?") == (
        "You may no longer use this bot, so nobody answers here. Your chats are kept."
    )
    assert platform.asked == []
