"""Where a message goes: strictly by the room it is in and the person it is from."""

from __future__ import annotations

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Hold
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in
from ..fakes.users import BINDING, User, heard, replies


async def test_a_message_goes_to_the_chats_conversation_and_the_answer_comes_as_a_reply(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)

    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"
    assert platform.asked == [(alice.chat.content(BINDING)["platform_chat_id"], "Hello")]


@pytest.mark.parametrize(
    "more",
    [
        {"msgtype": "m.notice"},
        {"m.relates_to": {"rel_type": "m.replace", "event_id": "$e1"}},
    ],
    ids=["notice", "edit"],
)
async def test_what_nobody_asked_is_not_answered(
    bot: Bot, platform: FakePlatform, alice: User, more: dict[str, object]
) -> None:
    await settle_in(bot, alice)

    alice.write(alice.chat, "!archive", **more)
    await bot.deliver()

    assert (platform.asked, heard(alice.chat)) == ([], [])


async def test_what_others_write_in_a_chat_is_not_routed(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    alice.let_in(bob, alice.chat)

    bob.write(alice.chat, "And what about me?")
    await bot.deliver()

    assert (platform.asked, heard(alice.chat), bob.spaces) == ([], [], [])


async def test_an_archived_chat_is_not_routed_and_says_so(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await ask(bot, alice, alice.chat, "!archive")

    assert await ask(bot, alice, alice.chat, "Hello?") == (
        "This chat is archived, so I don't answer here. `!restore C1` brings it back."
    )
    assert platform.asked == []


async def test_a_message_that_follows_archive_at_once_is_not_routed(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)

    alice.write(alice.chat, "!archive")
    alice.write(alice.chat, "Hello?")
    await bot.deliver()

    assert platform.asked == []


async def test_a_room_that_is_just_being_made_is_no_unknown_room(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    making = bot.server.inject(Hold("createRoom", after=True))
    alice.write(control, "!new")
    await bot.push()
    await making.reached.wait()
    alice.accept_all()
    chat = alice.chats[-1]
    message = alice.write(chat, "First!")
    await bot.push()
    making.release()
    await bot.settled()

    assert heard(chat) == replies(chat, message) == ["Answer to First!"]


async def test_a_room_that_could_not_be_read_waits_and_is_not_sent_elsewhere(
    bot: Bot, platform: FakePlatform, alice: User, impatient: None
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    bot.database.unlink()
    fault = bot.server.inject(Answer("GET rooms/[^/]*/state$", times=None))
    await bot.start()

    reply = await ask(bot, alice, alice.chat, "Anybody?")
    assert (
        reply
        == "I couldn't look at this room yet. Please write again in a minute; nothing is lost."
    )
    bot.server.lift(fault)

    assert await ask(bot, alice, alice.chat, "Now?") == "Answer to Now?"
    assert len(alice.spaces) == len(alice.chats) == 1


async def test_a_message_that_comes_two_ways_is_answered_once(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    await bot.start()
    # Between the plugin's own look and maubot's first sync, and seen by both.
    alice.write(alice.chat, "Hello")

    await bot.deliver()

    assert (platform.texts, heard(alice.chat)) == (["Hello"], ["Answer to Hello"])
