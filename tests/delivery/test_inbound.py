"""The way of a message while the plugin runs: what replaces it, and what ends it."""

from __future__ import annotations

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Drop
from ..fakes.maubot import Bot
from ..fakes.rooms import Event
from ..fakes.stories import add_chat, ask, settle_in, write_while_busy
from ..fakes.users import User, heard, replies


async def test_an_edit_of_a_message_that_waits_replaces_it(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice, "Helo")
    waiting = alice.chat.messages(alice.id)[-1]

    alice.edit(waiting, "Hello")
    await bot.push()
    gate.set()
    await bot.settled()

    assert platform.texts == ["Think", "Hello"]
    assert replies(alice.chat, waiting) == ["Answer to Hello"]


async def test_an_edit_of_somebody_elses_message_replaces_nothing(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    alice.let_in(bob, alice.chat)
    gate = await write_while_busy(bot, platform, alice, "Hello")

    bob.edit(alice.chat.messages(alice.id)[-1], "Forged")
    await bot.push()
    gate.set()
    await bot.settled()

    assert platform.texts == ["Think", "Hello"]


async def test_an_edit_of_an_answered_message_is_no_new_one(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    message = alice.write(alice.chat, "Helo")
    await bot.deliver()

    alice.edit(message, "!archive")
    await bot.deliver()

    assert platform.texts == ["Helo"]
    assert heard(alice.chat) == ["Answer to Helo"]


async def test_a_message_taken_back_before_its_turn_is_not_asked(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice, "Never mind", "Hello")

    alice.take_back(alice.chat.messages(alice.id)[1])
    await bot.push()
    gate.set()
    await bot.settled()

    assert platform.texts == ["Think", "Hello"]
    assert heard(alice.chat) == ["Answer to Think", "Answer to Hello"]


async def test_a_reaction_asks_nothing(bot: Bot, platform: FakePlatform, alice: User) -> None:
    await settle_in(bot, alice)

    alice.world.send(alice.id, alice.chat.room_id, "m.reaction", {"m.relates_to": {"key": "+1"}})
    await bot.deliver()

    assert (platform.asked, heard(alice.chat)) == ([], [])


async def test_cancel_ends_a_platform_that_hangs_and_drops_what_waits(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await write_while_busy(bot, platform, alice, "And then?")

    reply = await ask(bot, alice, alice.chat, "!cancel")

    assert reply == "Stopped. 2 messages won't be answered."
    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"
    assert platform.texts == ["Think", "Hello"]
    await bot.restart()
    assert platform.texts == ["Think", "Hello"]


async def test_cancel_in_one_chat_leaves_the_others_alone(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    other = await add_chat(bot, alice, control)
    gate = await write_while_busy(bot, platform, alice)

    cancel = alice.write(other, "!cancel")
    await bot.push()
    await bot.server.until(lambda: replies(other, cancel) != [])
    gate.set()
    await bot.settled()

    assert replies(other, cancel) == ["There's nothing to stop here."]
    assert heard(alice.chats[0]) == ["Answer to Think"]


async def test_cancel_where_nothing_waits_says_so(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)

    assert await ask(bot, alice, alice.chat, "!cancel") == "There's nothing to stop here."


async def test_a_homeserver_that_takes_no_answer_for_a_while_gets_it_then(
    bot: Bot, platform: FakePlatform, alice: User, impatient: None
) -> None:
    await settle_in(bot, alice)
    failing = bot.server.inject(Answer("PUT .*/send/", times=None, status=502))
    messages: list[Event] = [alice.write(alice.chat, text) for text in ("One", "Two")]
    await bot.push()
    await failing.reached.wait()
    bot.server.heal()
    await bot.settled()

    assert heard(alice.chat) == ["Answer to One", "Answer to Two"]
    assert platform.keys == [message["event_id"] for message in messages]


async def test_an_answer_of_whose_arrival_nobody_hears_is_not_sent_twice(
    bot: Bot, platform: FakePlatform, alice: User, impatient: None
) -> None:
    await settle_in(bot, alice)
    cut = bot.server.inject(Drop("PUT .*/send/", times=None, after=True))
    message = alice.write(alice.chat, "Hello")
    await bot.push()
    mark = len(bot.server.calls)
    await bot.server.until(
        lambda: sum("/send/" in call.path for call in bot.server.calls[mark:]) > 8
    )
    bot.server.lift(cut)
    await bot.settled()

    assert heard(alice.chat) == ["Answer to Hello"]
    assert platform.keys == [message["event_id"]]
