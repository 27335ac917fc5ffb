"""Commands that need no turn: they are answered while the assistant still thinks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attr
import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Fault, Hold
from ..fakes.maubot import Bot
from ..fakes.stories import DATABASE, add_chat, ask, settle_in, write_while_busy
from ..fakes.users import User, heard, links, replies

NAME = "GET rooms/.*/state/m.room.name"
# Until it is mended, with all the patience that the plugin has.
NAMELESS = pytest.mark.parametrize(
    "fault",
    [
        lambda room_id: Answer(NAME, None, room_id=room_id),
        lambda room_id: Hold(NAME, None, room_id=room_id),
    ],
    ids=["fails", "hangs"],
)


@pytest.mark.parametrize(
    "command", ["!help", "!chats", "!status", "!new", "!space", "!admin status"]
)
async def test_a_command_that_needs_no_turn_does_not_wait_for_a_slow_answer(
    bot: Bot, platform: FakePlatform, alice: User, command: str
) -> None:
    bot.text.text = bot.text.text.replace("{local: user}", "{local: admin}")
    await settle_in(bot, alice)
    chat = alice.chat
    gate = await write_while_busy(bot, platform, alice)

    message = alice.write(chat, command)
    await bot.push()
    await bot.server.until(lambda: len(replies(chat, message)) == 1)
    gate.set()
    await bot.settled()

    assert heard(chat) == [*replies(chat, message), "Answer to Think"]


async def test_a_command_about_the_chat_keeps_its_turn(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice, "!rename Thoughts", "!archive")
    quick = alice.write(alice.chat, "!help")
    await bot.push()
    await bot.server.until(lambda: replies(alice.chat, quick) != [])

    assert (alice.chat.name, list(links(alice.space))) == ("Chat 1", [alice.chat.room_id])
    gate.set()
    await bot.settled()

    assert (alice.chat.name, list(links(alice.space))) == ("Thoughts", [])
    assert heard(alice.chat)[1] == "Answer to Think"


@pytest.mark.parametrize("where", ["a chat", "the control room"])
async def test_a_command_about_a_chat_that_was_asked_for_just_before_finds_it(
    bot: Bot, alice: User, where: str
) -> None:
    (control,) = await settle_in(bot, alice)
    room = alice.chat if where == "a chat" else control

    alice.write(room, "!new")
    alice.write(room, "!archive C2")
    await bot.deliver()

    assert heard(room)[-1].startswith("`C2` is archived")


async def test_a_room_that_takes_long_to_make_does_not_keep_help_waiting(
    bot: Bot, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    making = bot.server.inject(Hold("createRoom"))
    new = alice.write(control, "!new Trip")
    await bot.push()
    await making.reached.wait()

    message = alice.write(control, "!help")
    await bot.push()
    await bot.server.until(lambda: len(replies(control, message)) == 1)
    assert replies(control, new) == []
    making.release()
    await bot.settled()

    assert len(replies(control, new)) == 1


async def test_cancel_leaves_a_chat_alone_that_is_being_made(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    chat = alice.chat
    await write_while_busy(bot, platform, alice)
    making = bot.server.inject(Hold("createRoom"))
    new = alice.write(chat, "!new Trip")
    await bot.push()
    await making.reached.wait()

    cancel = alice.write(chat, "!cancel")
    await bot.push()
    await bot.server.until(lambda: replies(chat, cancel) != [])
    making.release()
    await bot.settled()

    assert replies(chat, cancel) == ["Stopped. 1 message won't be answered."]
    assert len(replies(chat, new)) == 1
    assert alice.chats[-1].name == "Trip"


async def test_a_receipt_that_hangs_keeps_no_command_waiting(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    bot.server.inject(Hold("POST .*/receipt/", times=None))

    messages = [alice.write(control, command) for command in ("!help", "!rename C1 Tax")]
    await bot.push()
    await bot.server.until(lambda: all(replies(control, one) for one in messages))


async def test_a_command_is_answered_while_the_chats_older_messages_cannot_be_read(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    alice.write(alice.chat, "Anybody?")
    reading = bot.server.inject(Hold("GET rooms/[^/]*/messages", times=None))
    await bot.start()
    await reading.reached.wait()
    await bot.push()

    message = alice.write(alice.chat, "!help")
    await bot.push()
    await bot.server.until(lambda: replies(alice.chat, message) != [])
    reading.release()
    await bot.settled()

    assert len(replies(alice.chat, message)) == 1
    assert heard(alice.chat)[1:] == ["Answer to Anybody?"]


async def test_nothing_is_answered_before_it_is_known_which_room_is_whose(
    bot: Bot, alice: User
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    bot.database.unlink()
    looking = bot.server.inject(Hold("GET sync", times=None))
    starting = asyncio.create_task(bot.start())
    await looking.reached.wait()
    message = alice.write(alice.chat, "!chats")
    await bot.push()
    said = heard(alice.chat)
    looking.release()
    await starting
    await bot.deliver()

    assert said == []
    assert len(replies(alice.chat, message)) == 1


@DATABASE
async def test_a_kill_while_a_chat_is_made_makes_it_once_and_says_so_once(
    bot: Bot, platform: FakePlatform, alice: User, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    chat = alice.chat
    await write_while_busy(bot, platform, alice)
    sending = bot.server.inject(Hold("PUT .*/send/", times=None))
    new = alice.write(chat, "!new Trip")
    await bot.push()
    await sending.reached.wait()

    await bot.kill()
    bot.server.heal()
    # The assistant still thinks: what was kept does not wait for it either.
    bot.running = False
    if not keep_database:
        bot.database.unlink()
    await bot.start()
    await bot.server.until(lambda: replies(chat, new) != [])
    platform.gates["Think"].set()
    await bot.settled()

    assert [room.name for room in alice.chats] == ["Chat 1", "Trip"]
    assert len(replies(chat, new)) == 1
    assert heard(chat)[-1] == "Answer to Think"


async def test_commands_beyond_a_full_queue_are_set_aside_like_anything_else(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.limits = type(bot.limits)(waiting=3)
    await settle_in(bot, alice)
    holding = bot.server.inject(Hold("PUT .*/send/", times=None))
    messages = [alice.write(alice.chat, "!help") for _ in range(5)]
    await bot.push()
    await holding.reached.wait()
    holding.release()
    await bot.settled()

    lists = [replies(alice.chat, one) for one in messages]
    assert [text[0].splitlines()[2:3] != [] for text in lists[:3]] == [True] * 3
    assert await ask(bot, alice, alice.chat, "!cancel") == "Stopped. 2 messages won't be answered."


@NAMELESS
async def test_one_chat_that_cannot_be_read_keeps_no_list_of_chats_waiting(
    bot: Bot, alice: User, fault: Callable[[str], Fault]
) -> None:
    # As long as in life: the names that can be read are, on a busy machine too.
    bot.timing = attr.evolve(bot.timing, straggler=2.0)
    (control,) = await settle_in(bot, alice)
    await add_chat(bot, alice, control, "Trip")
    sick = alice.chats[0]
    bot.server.inject(fault(sick.room_id))

    message = alice.write(control, "!chats")
    await bot.push()
    await bot.server.until(lambda: replies(control, message) != [])

    (text,) = replies(control, message)
    assert f"`C1` [C1](https://matrix.to/#/{sick.room_id}" in text
    assert "`C2` [Trip]" in text


async def test_lists_asked_for_again_and_again_leave_the_homeserver_to_the_others(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    """Her chats' names hang: nobody else's reads stand in a queue behind hundreds of hers."""
    (control, _) = await settle_in(bot, alice, bob)
    for number in range(2, 10):
        await add_chat(bot, alice, control, f"Trip {number}")
    platform.budget = 1000
    names = bot.server.inject(Hold("GET rooms/.*/state/m.room.name", times=None))
    for number in range(30):
        alice.write(control, "!chats" if number % 2 else "!archive Holidays")
    await bot.push()
    await names.reached.wait()

    message = bob.write(bob.chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: replies(bob.chat, message) == ["Answer to Hello"])


async def test_cancel_without_end_is_bounded_too(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.limits = type(bot.limits)(waiting=3)
    await settle_in(bot, alice)
    holding = bot.server.inject(Hold("PUT .*/send/", times=None))

    for _ in range(30):
        alice.write(alice.chat, "!cancel")
    await bot.push()
    await holding.reached.wait()
    await bot.server.until(lambda: bot.plugin.services.pending.saved)

    assert bot.query("SELECT count(*) FROM inbox WHERE state='waiting'") == [(8,)]
    holding.release()
    await bot.settled()
    assert heard(alice.chat)[-1] == "There's nothing to stop here."


async def test_what_is_asked_after_a_chat_that_has_to_wait_does_not_wait_with_it(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.timing = attr.evolve(bot.timing, urgent=0.1)
    await settle_in(bot, alice)
    limit = {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 180_000}
    bot.server.inject(Answer("createRoom", times=None, status=429, body=limit))
    new = alice.write(alice.chat, "!new Trip")
    await bot.push()
    await bot.server.until(lambda: replies(alice.chat, new) != [])

    rename, question = alice.write(alice.chat, "!rename Tax"), alice.write(alice.chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: replies(alice.chat, question) != [])

    assert replies(alice.chat, rename) == ["`C1` is now called **Tax**."]
    assert replies(alice.chat, question) == ["Answer to Hello"]


@NAMELESS
async def test_a_chat_that_cannot_be_read_keeps_no_command_about_another_waiting(
    bot: Bot, platform: FakePlatform, alice: User, fault: Callable[[str], Fault]
) -> None:
    # As long as in life: the names that can be read are, on a busy machine too.
    bot.timing = attr.evolve(bot.timing, straggler=2.0)
    (control,) = await settle_in(bot, alice)
    await add_chat(bot, alice, control, "Trip")
    await add_chat(bot, alice, control, "Tax")
    sick, chat, _ = alice.chats
    bot.server.inject(fault(sick.room_id))

    messages = [alice.write(chat, text) for text in ("!archive tax", "!archive taxes", "Hello")]
    await bot.push()
    await bot.server.until(lambda: replies(chat, messages[-1]) != [])

    archived, unknown, answer = (replies(chat, one) for one in messages)
    assert archived[0].startswith("`C3` is archived")
    assert unknown == [
        "I can't read the names of `C1` just now. Please say which chat you mean by its handle."
    ]
    assert answer == ["Answer to Hello"]


async def test_a_command_about_a_chat_in_trouble_keeps_no_question_in_another_waiting(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.give_up_soon()
    (control,) = await settle_in(bot, alice)
    sick = await add_chat(bot, alice, control, "Trip")
    chat = alice.chats[0]
    bot.server.break_room(sick.room_id, requests="PUT .*/state/")

    rename, question = alice.write(chat, "!rename C2 Voyage"), alice.write(chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: replies(chat, question) != [])

    assert replies(chat, question) == ["Answer to Hello"]
    assert "doesn't answer just now" in replies(chat, rename)[0]
    bot.server.mend_room(sick.room_id)
    assert await ask(bot, alice, chat, "!rename C2 Voyage") == "`C2` is now called **Voyage**."
