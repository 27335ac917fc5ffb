"""Messages that were edited or taken back while nobody was there: the last word counts."""

from __future__ import annotations

import asyncio

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Hold
from ..fakes.maubot import Bot
from ..fakes.stories import DATABASE, ask, come_back, have_set_aside, settle_in, write_while_busy
from ..fakes.users import User, heard, replies


@DATABASE
async def test_an_edit_counts_as_what_was_written(
    bot: Bot, platform: FakePlatform, alice: User, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    message = alice.write(alice.chat, "Helo")
    alice.edit(message, "Hallo")
    alice.edit(message, "Hello")

    await come_back(bot, keep_database)

    assert platform.texts == ["Hello"]
    assert replies(alice.chat, message) == ["Answer to Hello"]


@DATABASE
async def test_an_edit_of_what_was_answered_before_is_no_new_message(
    bot: Bot, platform: FakePlatform, alice: User, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    message = alice.write(alice.chat, "Helo")
    await bot.deliver()
    await bot.stop()
    edit = alice.edit(message, "Hello")

    await come_back(bot, keep_database)

    # It asks the last question again; it has no answer of its own.
    assert platform.texts == ["Helo", "Hello"]
    assert len(heard(alice.chat)) == 1
    assert replies(alice.chat, message)[0].startswith("Answer to Hello")
    assert replies(alice.chat, edit) == []


@DATABASE
async def test_what_was_taken_back_is_not_asked(
    bot: Bot, platform: FakePlatform, alice: User, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    message = alice.write(alice.chat, "Never mind")
    alice.write(alice.chat, "Hello")
    alice.take_back(message)

    await come_back(bot, keep_database)

    assert platform.texts == ["Hello"]


async def test_a_message_that_waited_and_was_taken_back_while_nobody_was_there_is_not_asked(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice, "Never mind")
    waiting = alice.chat.messages(alice.id)[-1]
    await bot.kill()
    alice.take_back(waiting)
    gate.set()

    await come_back(bot)

    assert heard(alice.chat) == ["Answer to Think"]


async def test_a_message_that_waited_and_was_edited_while_nobody_was_there_is_asked_so(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice, "Helo")
    waiting = alice.chat.messages(alice.id)[-1]
    await bot.kill()
    alice.edit(waiting, "Hello")
    gate.set()

    await come_back(bot)

    assert heard(alice.chat) == ["Answer to Think", "Answer to Hello"]


async def test_what_happens_to_messages_that_wait_for_older_ones_counts(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    bot.discard_next_sync()
    reading = bot.server.inject(Hold("GET sync", after=True))
    await bot.push()
    await reading.reached.wait()
    edited = alice.write(alice.chat, "Helo")
    taken_back = alice.write(alice.chat, "Never mind")
    await bot.push()
    alice.edit(edited, "Hello")
    alice.take_back(taken_back)
    await bot.push()

    reading.release()
    await bot.settled()

    assert platform.texts == ["Hello"]


@pytest.mark.parametrize("taken_back", [False, True], ids=["edited", "taken back"])
async def test_what_happens_to_a_message_that_is_read_and_delivered_counts(
    bot: Bot, platform: FakePlatform, alice: User, taken_back: bool
) -> None:
    await settle_in(bot, alice)
    reading = bot.server.hang_room(alice.chat.room_id, requests="^GET rooms/[^/]*/messages")
    # More than is delivered: the end of it is both.
    for number in range(130):
        alice.write(alice.chat, f"Note {number}", msgtype="m.notice")
    message = alice.write(alice.chat, "Helo")
    await bot.push()
    await asyncio.wait_for(reading.reached.wait(), 10)
    if taken_back:
        alice.take_back(message)
    else:
        alice.edit(message, "Hello")
    alice.write(alice.chat, "Later")
    await bot.push()

    bot.server.mend_room(alice.chat.room_id)
    await bot.server.until(lambda: "Answer to Later" in heard(alice.chat))
    await bot.settled()

    assert platform.texts == (["Later"] if taken_back else ["Hello", "Later"])


async def test_an_edit_made_meanwhile_outlives_a_second_restart(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    message = await have_set_aside(bot, platform, alice, "Helo")
    await bot.stop()
    alice.edit(message, "Hello")
    await come_back(bot)
    await bot.restart()

    await ask(bot, alice, alice.chat, "!retry")
    await bot.deliver()

    assert replies(alice.chat, message)[-1] == "Answer to Hello"


async def test_a_change_from_another_room_changes_nothing(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice, "Hello", "And you?")
    _, hello, and_you = alice.chat.messages(alice.id)
    world = alice.world
    relation = {"rel_type": "m.replace", "event_id": hello["event_id"]}
    new = {"msgtype": "m.text", "body": "Forged"}
    alice.write(control, "* Forged", **{"m.new_content": new, "m.relates_to": relation})
    redaction = world.append(control, alice.id, {}, "m.room.redaction")
    redaction["redacts"] = redaction["content"]["redacts"] = and_you["event_id"]
    await bot.push()
    gate.set()
    await bot.settled()

    assert platform.texts == ["Think", "Hello", "And you?"]
