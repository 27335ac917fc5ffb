"""What happened while nobody was there: taken in at the next start, once, in its order."""

from __future__ import annotations

import pytest

from ..fakes.maubot import BOT, Bot
from ..fakes.oracle import ORACLE, Oracle
from ..fakes.people import Person, heard, replies
from ..fakes.stories import add_chat, ask, assert_at_home, settle_in

HOUR = 3_600_000
DATABASE = pytest.mark.parametrize("keep_database", [True, False], ids=["database", "none"])


async def come_back(bot: Bot, keep_database: bool = True) -> None:
    """Start again after a stop, and let everything be dealt with."""
    if not keep_database:
        bot.database.unlink()
    await bot.start()
    await bot.settled()
    await bot.deliver()


@DATABASE
async def test_messages_are_answered_in_the_order_they_were_sent(
    bot: Bot, oracle: Oracle, alice: Person, bob: Person, keep_database: bool
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


@DATABASE
async def test_what_was_answered_before_is_not_answered_again(
    bot: Bot, oracle: Oracle, alice: Person, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    for text in ("One", "Two", "!chats"):
        await ask(bot, alice, alice.chat, text)
    before = heard(alice.chat)

    # Without an orderly stop, how far it came is not noted either.
    await bot.kill()
    await come_back(bot, keep_database)

    assert heard(alice.chat) == before
    assert oracle.texts == ["One", "Two"]


@DATABASE
@pytest.mark.parametrize("count", [70, 250])
async def test_more_than_a_sync_tells_is_paged_to_the_end(
    bot: Bot, oracle: Oracle, alice: Person, count: int, keep_database: bool
) -> None:
    bot.server.world.names["@talker:test"] = "Talker"
    await settle_in(bot, alice)
    await bot.stop()
    for number in range(count):
        # What others do in between must not be counted, nor break the order.
        bot.server.world.append(alice.chat, "@talker:test", {"n": number}, "m.other")
        if number % 5 == 0:
            alice.write(alice.chat, f"Question {number}")

    await come_back(bot, keep_database)

    assert heard(alice.chat) == [f"Answer to Question {number}" for number in range(0, count, 5)]


async def test_a_long_absence_of_one_person_is_paged_too(
    bot: Bot, oracle: Oracle, alice: Person
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    texts = [f"Question {number}" for number in range(130)]
    for text in texts:
        alice.write(alice.chat, text)

    await come_back(bot)
    while await ask(bot, alice, alice.chat, "!retry") != "Nothing is set aside here.":
        pass

    assert [text for text in heard(alice.chat) if text.startswith("Answer")] == [
        f"Answer to {text}" for text in texts
    ]


@DATABASE
async def test_an_edit_counts_as_what_was_written(
    bot: Bot, oracle: Oracle, alice: Person, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    message = alice.write(alice.chat, "Helo")
    alice.edit(message, "Hallo")
    alice.edit(message, "Hello")

    await come_back(bot, keep_database)

    assert oracle.texts == ["Hello"]
    assert replies(alice.chat, message) == ["Answer to Hello"]


@DATABASE
async def test_an_edit_of_what_was_answered_before_is_no_new_message(
    bot: Bot, oracle: Oracle, alice: Person, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    message = alice.write(alice.chat, "Helo")
    await bot.deliver()
    await bot.stop()
    alice.edit(message, "Hello")

    await come_back(bot, keep_database)

    assert oracle.texts == ["Helo"]


@DATABASE
async def test_what_was_taken_back_is_not_asked(
    bot: Bot, oracle: Oracle, alice: Person, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    message = alice.write(alice.chat, "Never mind")
    alice.write(alice.chat, "Hello")
    alice.take_back(message)

    await come_back(bot, keep_database)

    assert oracle.texts == ["Hello"]


async def test_a_message_that_waited_and_was_taken_back_while_nobody_was_there_is_not_asked(
    bot: Bot, oracle: Oracle, alice: Person
) -> None:
    await settle_in(bot, alice)
    oracle.gate("Think")
    alice.write(alice.chat, "Think")
    waiting = alice.write(alice.chat, "Never mind")
    await bot.push()
    await bot.server.until(lambda: oracle.texts == ["Think"])
    await bot.kill()
    alice.take_back(waiting)
    oracle.gates.clear()

    await come_back(bot)

    assert heard(alice.chat) == ["Answer to Think"]


async def test_a_message_that_waited_and_was_edited_while_nobody_was_there_is_asked_so(
    bot: Bot, oracle: Oracle, alice: Person
) -> None:
    await settle_in(bot, alice)
    oracle.gate("Think")
    alice.write(alice.chat, "Think")
    waiting = alice.write(alice.chat, "Helo")
    await bot.push()
    await bot.server.until(lambda: oracle.texts == ["Think"])
    await bot.kill()
    alice.edit(waiting, "Hello")
    oracle.gates.clear()

    await come_back(bot)

    assert heard(alice.chat) == ["Answer to Think", "Answer to Hello"]


@DATABASE
async def test_commands_are_carried_out(bot: Bot, alice: Person, keep_database: bool) -> None:
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
    bot: Bot, alice: Person, bob: Person, keep_database: bool, autojoin: bool
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
    bot: Bot, oracle: Oracle, alice: Person, hours: int
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
        "While I was away, 2 messages came that I leave unanswered because of their age. "
        "`!retry` takes them up, `!cancel` gives them up."
    )
    assert sorted(heard(alice.chat)) == ["Answer to New", notice]
    assert await ask(bot, alice, alice.chat, "!retry") == "I take up 2 messages."
    assert [replies(alice.chat, one) for one in old] == [["Answer to Old"], ["Answer to Older"]]


async def test_how_old_is_too_old_can_be_set(bot: Bot, oracle: Oracle, alice: Person) -> None:
    bot.text.text = ORACLE + "catch_up: {max_age: 48}\n"
    await settle_in(bot, alice)
    await bot.stop()
    alice.world.clock -= 47 * HOUR
    alice.write(alice.chat, "Old")

    await come_back(bot)

    assert heard(alice.chat) == ["Answer to Old"]


@DATABASE
async def test_nobody_else_is_answered(
    bot: Bot, oracle: Oracle, alice: Person, bob: Person, keep_database: bool
) -> None:
    (control,) = await settle_in(bot, alice)
    alice.world.invite(alice.id, alice.chat.room_id, bob.id)
    bob.join(alice.chat)
    before = len(heard(control))
    await bot.stop()
    bob.write(alice.chat, "And I?")
    alice.write(alice.chat, "A notice", msgtype="m.notice")

    await come_back(bot, keep_database)

    assert (oracle.asked, heard(alice.chat), len(heard(control))) == ([], [], before)


@DATABASE
async def test_a_message_in_an_archived_chat_is_told_so(
    bot: Bot, alice: Person, keep_database: bool
) -> None:
    (control,) = await settle_in(bot, alice)
    await add_chat(bot, alice, control)
    await ask(bot, alice, control, "!archive C2")
    await bot.stop()
    message = alice.write(alice.chats[1], "Hello?")

    await come_back(bot, keep_database)

    (reply,) = replies(alice.chats[1], message)
    assert reply.startswith("This chat is archived")
