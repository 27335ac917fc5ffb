"""Old messages at a start: none is answered unasked, and none slows the start."""

from __future__ import annotations

from ..fakes.fake_platform import FakePlatform
from ..fakes.maubot import Bot
from ..fakes.stories import ask, come_back, have_set_aside, settle_in, write_while_busy
from ..fakes.users import User, heard, replies

MONTH = 30 * 24 * 3_600_000


async def test_what_waited_for_a_month_is_not_answered_unasked(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    alice.world.clock -= MONTH
    await write_while_busy(bot, platform, alice, "And this?")
    await bot.kill()
    alice.world.clock += MONTH
    platform.gates.clear()
    platform.asked.clear()

    await come_back(bot)

    assert platform.texts == []
    (said,) = heard(alice.chat)
    assert said.startswith("2 messages came while I was away")
    assert await ask(bot, alice, alice.chat, "!retry") == "I'm asking again: 2 messages."
    assert platform.texts == ["Think", "And this?"]


async def test_an_answer_that_was_had_is_sent_however_old_its_question_is(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    alice.world.clock -= MONTH
    await write_while_busy(bot, platform, alice)
    alice.world.clock += MONTH
    (message,) = alice.chat.messages(alice.id)
    await bot.kill()
    bot.query("UPDATE inbox SET answer='An answer'")

    await come_back(bot)

    assert replies(alice.chat, message) == ["An answer"]


async def test_what_is_set_aside_costs_a_start_no_page(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    message = await have_set_aside(bot, platform, alice, "Hello")
    alice.let_in(bob, alice.chat)
    for number in range(500):
        bob.write(alice.chat, f"Spam {number}")
    await bot.deliver()
    await bot.deliver()
    await bot.stop()
    mark = len(bot.server.calls)

    await come_back(bot)

    assert [str(call) for call in bot.server.calls[mark:] if "/messages" in call.path] == []
    await ask(bot, alice, alice.chat, "!retry")
    assert replies(alice.chat, message)[1:] == ["Answer to Hello"]


async def test_what_guests_wrote_while_nobody_was_there_is_not_paged(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    alice.let_in(bob, alice.chat)
    await bot.deliver()
    await bot.stop()
    message = alice.write(alice.chat, "Hello")
    for number in range(1_000):
        bob.write(alice.chat, f"Spam {number}")
    mark = len(bot.server.calls)

    await come_back(bot)

    assert replies(alice.chat, message) == ["Answer to Hello"]
    pages = [call for call in bot.server.calls[mark:] if "/messages" in call.path]
    assert len(pages) <= 4
