"""Somebody who may not use the bot any more: what is being made for them is not gone on with."""

from __future__ import annotations

from ..fakes.faults import Answer, Hold
from ..fakes.maubot import Bot
from ..fakes.rooms import Room
from ..fakes.stories import DATABASE, ask, settle_in
from ..fakes.users import User, heard

WITHOUT_BOB = 'permissions: {local: user, "@bob:test": none}\n'


async def begin_onboarding(bot: Bot, bob: User) -> Room:
    """Bob's Space is made; his chat has to wait until the homeserver is mended."""
    await bot.start()
    await bot.deliver()
    limit = {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 300}
    waits = bot.server.inject(Answer("createRoom", skip=1, status=429, body=limit))
    room = bob.invite_bot()
    await bot.push()
    await bot.server.until(waits.reached.is_set)
    return room


async def test_an_onboarding_ends(bot: Bot, alice: User, bob: User) -> None:
    room = await begin_onboarding(bot, bob)

    await bot.configure(WITHOUT_BOB)
    await bot.server.until(lambda: heard(room) != [] or bob.chats != [])
    await bot.settled()

    assert (len(bob.spaces), bob.chats) == (1, [])
    (said,) = heard(room)
    assert "may no longer use this bot" in said
    await settle_in(bot, alice)
    assert await ask(bot, alice, alice.chat, "Hello") == "Hello"


@DATABASE
async def test_an_onboarding_that_was_interrupted_is_not_finished(
    bot: Bot, bob: User, keep_database: bool
) -> None:
    room = await begin_onboarding(bot, bob)
    await bot.kill()
    bot.server.heal()
    if not keep_database:
        bot.database.unlink()
    bot.text.text = WITHOUT_BOB

    await bot.start()
    await bot.deliver()

    assert (len(bob.spaces), bob.chats, heard(room)) == (1, [], [])


async def test_a_chat_that_was_asked_for_is_not_made(bot: Bot, bob: User) -> None:
    (control,) = await settle_in(bot, bob)
    making = bot.server.inject(Hold("createRoom"))
    message = bob.write(control, "!new")
    await bot.push()
    await making.reached.wait()

    await bot.configure(WITHOUT_BOB)
    making.cut_off()
    await bot.settled()

    assert len(bob.chats) == 1
    assert message["event_id"] not in str(bot.query("SELECT * FROM inbox"))
