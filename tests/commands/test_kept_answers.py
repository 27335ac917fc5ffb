"""A command is run once, whatever becomes of its reply."""

from __future__ import annotations

import asyncio

import attr
import pytest

from plugin.matrix.retry import RetryPolicy

from ..fakes.failpoints import kills
from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Hold
from ..fakes.maubot import Bot
from ..fakes.stories import ask, come_back, have_set_aside, settle_in
from ..fakes.users import User, links, replies

# How often each could be killed before it is done with.
REQUESTS, WRITES = 5, 5
RETRIED, GIVEN_UP = "I'm asking again: 1 message.", "Stopped. 1 message won't be answered."
ARCHIVED = "`C1` is archived: it is kept"
COMMANDS = pytest.mark.parametrize(
    ("command", "reply"), [("!retry", RETRIED), ("!cancel", GIVEN_UP), ("!archive", ARCHIVED)]
)
KILLS = kills(REQUESTS, WRITES)


@COMMANDS
async def test_a_reply_that_the_homeserver_does_not_take_is_sent_again_as_it_was(
    bot: Bot, platform: FakePlatform, alice: User, command: str, reply: str
) -> None:
    once = RetryPolicy(in_flight=8, attempt=5, total=0)
    bot.timing = attr.evolve(bot.timing, requests=attr.evolve(bot.timing.requests, message=once))
    await settle_in(bot, alice)
    question = await have_set_aside(bot, platform, alice, "Hello")
    bot.server.inject(Answer("PUT .*/send/", status=502))

    said = await ask(bot, alice, alice.chat, command)

    assert said.startswith(reply)
    assert (replies(alice.chat, question)[1:] == ["Answer to Hello"]) == (command == "!retry")
    assert (links(alice.space) == {}) == (command == "!archive")


@COMMANDS
async def test_a_reply_that_a_kill_held_up_is_sent_as_it_was(
    bot: Bot, platform: FakePlatform, alice: User, command: str, reply: str
) -> None:
    await settle_in(bot, alice)
    await have_set_aside(bot, platform, alice, "Hello")
    sending = bot.server.inject(Hold("PUT .*/send/", times=None))
    message = alice.write(alice.chat, command)
    await bot.push()
    await sending.reached.wait()

    await bot.kill()
    bot.server.heal()
    await come_back(bot)

    (said,) = replies(alice.chat, message)
    assert said.startswith(reply)


@pytest.mark.parametrize("kill", KILLS)
@pytest.mark.parametrize("command", ["!retry", "!cancel"])
async def test_wherever_a_kill_strikes_what_was_done_is_what_is_said(
    bot: Bot,
    platform: FakePlatform,
    alice: User,
    kill: str,
    command: str,
) -> None:
    await settle_in(bot, alice)
    question = await have_set_aside(bot, platform, alice, "Hello")
    message = alice.write(alice.chat, command)

    await KILLS[kill](bot)
    await come_back(bot)

    assert replies(alice.chat, message) == [RETRIED if command == "!retry" else GIVEN_UP]
    answered = replies(alice.chat, question)[1:]
    assert answered == (["Answer to Hello"] if command == "!retry" else [])
    assert await ask(bot, alice, alice.chat, "!retry") == "There's no unanswered message here."


async def test_a_reply_whose_end_is_lost_with_the_database_is_said_to_end_too_early_once(
    bot: Bot, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    for _ in range(3):
        for _ in range(10):
            alice.write(control, "!new " + "\N{OPEN BOOK}" * 100)
        await bot.deliver()
    message = alice.write(control, "!chats")
    sending = bot.server.inject(Hold("PUT .*/send/", times=None, skip=1))
    await bot.push()
    await asyncio.wait_for(sending.reached.wait(), 10)

    await bot.kill()
    bot.server.heal()
    await come_back(bot, keep_database=False)

    beginning, end = replies(control, message)
    assert beginning.startswith("Your chats")
    assert end.startswith("My answer to this ends too early")
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert len(replies(control, message)) == 2


async def test_what_was_asked_for_with_new_is_made_once_and_said_once_wherever_a_kill_strikes(
    bot: Bot, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    for number, kill in enumerate(KILLS.values(), 2):
        message = alice.write(control, "!new")
        await kill(bot)
        await come_back(bot)
        assert len(replies(control, message)) == 1
        assert len(alice.chats) == number
