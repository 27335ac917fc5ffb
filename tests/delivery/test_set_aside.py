"""Messages that have no answer yet are set aside and said to be: never dropped silently."""

from __future__ import annotations

import pytest

from plugin.config.timing import Limits
from plugin.platforms.protocol import PlatformError

from ..fakes.fake_platform import FakePlatform
from ..fakes.maubot import Bot
from ..fakes.stories import ask, have_set_aside, settle_in, write_while_busy
from ..fakes.users import User, heard, replies

ASIDE = "`!retry` asks again, `!cancel` drops it."


@pytest.mark.parametrize(("can_retry", "tries"), [(True, 3), (False, 1)])
async def test_a_platform_that_fails_is_asked_again_where_that_can_help(
    bot: Bot, platform: FakePlatform, alice: User, can_retry: bool, tries: int
) -> None:
    await settle_in(bot, alice)
    platform.failures["Hello"] = PlatformError("The fake platform sleeps.", can_retry=can_retry)

    reply = await ask(bot, alice, alice.chat, "Hello")

    assert reply == f"The fake platform sleeps.  \n{ASIDE}"
    assert platform.texts == ["Hello"] * tries
    assert len(set(platform.keys)) == 1


@pytest.mark.parametrize("when", ["at once", "after a restart", "after the database was deleted"])
async def test_retry_asks_again_what_failed_and_it_is_answered_once(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    await settle_in(bot, alice)
    await ask(bot, alice, alice.chat, "Before")
    message = await have_set_aside(bot, platform, alice, "Hello")
    # By then the bot has noted that it is past the message.
    await bot.deliver()
    if when != "at once":
        await bot.restart(keep_database=when == "after a restart")

    assert await ask(bot, alice, alice.chat, "!retry") == "I'm asking again: 1 message."
    assert await ask(bot, alice, alice.chat, "!retry") == "There's no unanswered message here."

    assert replies(alice.chat, message)[1:] == ["Answer to Hello"]


async def test_retry_does_not_take_up_what_wants_no_answer(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)
    alice.write(alice.chat, "By the way", msgtype="m.notice")
    await bot.deliver()

    assert await ask(bot, alice, alice.chat, "!retry") == "There's no unanswered message here."


async def test_cancel_gives_up_what_was_set_aside(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await have_set_aside(bot, platform, alice, "Hello")

    assert await ask(bot, alice, alice.chat, "!cancel") == "Stopped. 1 message won't be answered."
    assert await ask(bot, alice, alice.chat, "!retry") == "There's no unanswered message here."


async def test_an_edit_of_what_was_set_aside_is_what_retry_asks(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    message = await have_set_aside(bot, platform, alice, "Helo")

    alice.edit(message, "Hello")
    await bot.deliver()
    await bot.restart()
    await ask(bot, alice, alice.chat, "!retry")

    assert replies(alice.chat, message)[1:] == ["Answer to Hello"]


async def test_retry_without_a_database_takes_up_what_was_written_before_it_as_edited(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    for text in ("One", "Helo", "Tow"):
        platform.failures[text] = PlatformError("The fake platform sleeps.", can_retry=False)
    messages = [alice.write(alice.chat, text) for text in ("One", "Helo", "Tow")]
    await bot.deliver()
    alice.edit(messages[1], "Hello")
    alice.take_back(messages[2])
    await bot.deliver()
    await bot.deliver()
    platform.failures.clear()
    await bot.restart(keep_database=False)

    retry, later = alice.write(alice.chat, "!retry"), alice.write(alice.chat, "Later")
    await bot.deliver()

    assert replies(alice.chat, retry) == ["I'm asking again: 2 messages."]
    assert [replies(alice.chat, one)[1:] for one in messages] == [
        ["Answer to One"],
        ["Answer to Hello"],
        [],
    ]
    assert replies(alice.chat, later) == ["Answer to Later"]


async def test_what_comes_beyond_a_full_queue_is_set_aside_and_said_once(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.limits = Limits(waiting=3)
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice, *(f"Question {n}" for n in range(5)))
    gate.set()
    await bot.settled()

    answers = [f"Answer to {text}" for text in ("Think", "Question 0", "Question 1")]
    assert [text for text in heard(alice.chat) if text.startswith("Answer")] == answers
    (notice,) = (text for text in heard(alice.chat) if not text.startswith("Answer"))
    assert notice.startswith("3 of your messages are waiting for an answer. I set aside what you")

    assert await ask(bot, alice, alice.chat, "!retry") == "I'm asking again: 3 messages."
    assert heard(alice.chat)[-3:] == [f"Answer to Question {number}" for number in (2, 3, 4)]
