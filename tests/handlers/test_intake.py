"""The way of a message while the plugin runs: what replaces it, ends it, or sets it aside."""

from __future__ import annotations

import asyncio

import pytest

from plugin.platforms.protocol import PlatformError

from ..fakes.faults import Answer
from ..fakes.maubot import Bot
from ..fakes.oracle import Oracle
from ..fakes.people import Person, heard, replies
from ..fakes.rooms import Event
from ..fakes.stories import add_chat, ask, settle_in

ASIDE = "`!retry` asks again, `!cancel` gives it up."


async def write_while_busy(bot: Bot, oracle: Oracle, alice: Person, *texts: str) -> asyncio.Event:
    """Let the platform think about something while more is written; set the event to go on."""
    gate = oracle.gate("Think")
    for text in ("Think", *texts):
        alice.write(alice.chats[0], text)
    await bot.push()
    await bot.server.until(lambda: oracle.texts == ["Think"])
    return gate


async def test_an_edit_of_a_message_that_waits_replaces_it(
    bot: Bot, oracle: Oracle, alice: Person
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, oracle, alice, "Helo")
    waiting = alice.chat.messages(alice.id)[-1]

    alice.edit(waiting, "Hello")
    await bot.push()
    gate.set()
    await bot.settled()

    assert oracle.texts == ["Think", "Hello"]
    assert replies(alice.chat, waiting) == ["Answer to Hello"]


async def test_an_edit_of_somebody_elses_message_replaces_nothing(
    bot: Bot, oracle: Oracle, alice: Person, bob: Person
) -> None:
    await settle_in(bot, alice)
    alice.world.invite(alice.id, alice.chat.room_id, bob.id)
    bob.join(alice.chat)
    gate = await write_while_busy(bot, oracle, alice, "Hello")

    bob.edit(alice.chat.messages(alice.id)[-1], "Forged")
    await bot.push()
    gate.set()
    await bot.settled()

    assert oracle.texts == ["Think", "Hello"]


async def test_an_edit_of_an_answered_message_is_no_new_one(
    bot: Bot, oracle: Oracle, alice: Person
) -> None:
    await settle_in(bot, alice)
    message = alice.write(alice.chat, "Helo")
    await bot.deliver()

    alice.edit(message, "!archive")
    await bot.deliver()

    assert oracle.texts == ["Helo"]
    assert heard(alice.chat) == ["Answer to Helo"]


async def test_a_message_taken_back_before_its_turn_is_not_asked(
    bot: Bot, oracle: Oracle, alice: Person
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, oracle, alice, "Never mind", "Hello")

    alice.take_back(alice.chat.messages(alice.id)[1])
    await bot.push()
    gate.set()
    await bot.settled()

    assert oracle.texts == ["Think", "Hello"]
    assert heard(alice.chat) == ["Answer to Think", "Answer to Hello"]


async def test_a_reaction_asks_nothing(bot: Bot, oracle: Oracle, alice: Person) -> None:
    await settle_in(bot, alice)

    alice.world.send(alice.id, alice.chat.room_id, "m.reaction", {"m.relates_to": {"key": "+1"}})
    await bot.deliver()

    assert (oracle.asked, heard(alice.chat)) == ([], [])


async def test_cancel_ends_a_platform_that_hangs_and_drops_what_waits(
    bot: Bot, oracle: Oracle, alice: Person
) -> None:
    await settle_in(bot, alice)
    await write_while_busy(bot, oracle, alice, "And then?")

    reply = await ask(bot, alice, alice.chat, "!cancel")

    assert reply == "I gave up 2 messages."
    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"
    assert oracle.texts == ["Think", "Hello"]
    await bot.restart()
    assert oracle.texts == ["Think", "Hello"]


async def test_cancel_in_one_chat_leaves_the_others_alone(
    bot: Bot, oracle: Oracle, alice: Person
) -> None:
    (control,) = await settle_in(bot, alice)
    other = await add_chat(bot, alice, control)
    gate = await write_while_busy(bot, oracle, alice)

    cancel = alice.write(other, "!cancel")
    await bot.push()
    await bot.server.until(lambda: replies(other, cancel) != [])
    gate.set()
    await bot.settled()

    assert replies(other, cancel) == ["Nothing waits for an answer here."]
    assert heard(alice.chats[0]) == ["Answer to Think"]


async def test_cancel_where_nothing_waits_says_so(bot: Bot, alice: Person) -> None:
    await settle_in(bot, alice)

    assert await ask(bot, alice, alice.chat, "!cancel") == "Nothing waits for an answer here."


@pytest.mark.parametrize(("can_retry", "tries"), [(True, 3), (False, 1)])
async def test_a_platform_that_fails_is_asked_again_where_that_can_help(
    bot: Bot, oracle: Oracle, alice: Person, can_retry: bool, tries: int
) -> None:
    await settle_in(bot, alice)
    oracle.failures["Hello"] = PlatformError("The oracle sleeps.", can_retry=can_retry)

    reply = await ask(bot, alice, alice.chat, "Hello")

    assert reply == f"The oracle sleeps.  \n{ASIDE}"
    assert oracle.texts == ["Hello"] * tries
    assert len(set(oracle.keys)) == 1


@pytest.mark.parametrize("restart", [False, True], ids=["at once", "after a restart"])
async def test_retry_asks_again_what_failed_and_it_is_answered_once(
    bot: Bot, oracle: Oracle, alice: Person, restart: bool
) -> None:
    await settle_in(bot, alice)
    oracle.failures["Hello"] = PlatformError("The oracle sleeps.", can_retry=False)
    message = alice.write(alice.chat, "Hello")
    await bot.deliver()
    oracle.failures.clear()
    if restart:
        await bot.restart()

    assert await ask(bot, alice, alice.chat, "!retry") == "I take up 1 message."
    assert await ask(bot, alice, alice.chat, "!retry") == "Nothing is set aside here."

    assert replies(alice.chat, message)[1:] == ["Answer to Hello"]


async def test_cancel_gives_up_what_was_set_aside(bot: Bot, oracle: Oracle, alice: Person) -> None:
    await settle_in(bot, alice)
    oracle.failures["Hello"] = PlatformError("The oracle sleeps.", can_retry=False)
    await ask(bot, alice, alice.chat, "Hello")
    oracle.failures.clear()

    assert await ask(bot, alice, alice.chat, "!cancel") == "I gave up 1 message."
    assert await ask(bot, alice, alice.chat, "!retry") == "Nothing is set aside here."


async def test_an_edit_of_what_was_set_aside_is_what_retry_asks(
    bot: Bot, oracle: Oracle, alice: Person
) -> None:
    await settle_in(bot, alice)
    oracle.failures["Helo"] = PlatformError("The oracle sleeps.", can_retry=False)
    message = alice.write(alice.chat, "Helo")
    await bot.deliver()

    alice.edit(message, "Hello")
    await bot.deliver()
    await bot.restart()
    await ask(bot, alice, alice.chat, "!retry")

    assert replies(alice.chat, message)[1:] == ["Answer to Hello"]


async def test_what_comes_beyond_a_full_queue_is_set_aside_and_said_once(
    bot: Bot, oracle: Oracle, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.handlers.intake.LONGEST_QUEUE", 3)
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, oracle, alice, *(f"Question {n}" for n in range(5)))
    gate.set()
    await bot.settled()

    answers = [f"Answer to {text}" for text in ("Think", "Question 0", "Question 1")]
    assert [text for text in heard(alice.chat) if text.startswith("Answer")] == answers
    (notice,) = (text for text in heard(alice.chat) if not text.startswith("Answer"))
    assert notice.startswith("3 of your messages wait for an answer. I set aside what you write")

    assert await ask(bot, alice, alice.chat, "!retry") == "I take up 3 messages."
    assert heard(alice.chat)[-3:] == [f"Answer to Question {number}" for number in (2, 3, 4)]


async def test_a_homeserver_that_takes_no_answer_for_a_while_gets_it_then(
    bot: Bot, oracle: Oracle, alice: Person, impatient: None
) -> None:
    await settle_in(bot, alice)
    failing = bot.server.inject(Answer("PUT .*/send/", times=None, status=502))
    messages: list[Event] = [alice.write(alice.chat, text) for text in ("One", "Two")]
    await bot.push()
    await failing.reached.wait()
    bot.server.heal()
    await bot.settled()

    assert heard(alice.chat) == ["Answer to One", "Answer to Two"]
    assert oracle.keys == [message["event_id"] for message in messages]
