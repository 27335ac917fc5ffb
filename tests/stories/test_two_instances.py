"""Two instances on one bot account: each keeps to its own Spaces, and one of them answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ..fakes.faults import Hold
from ..fakes.homeserver import Homeserver
from ..fakes.leftovers import lasting, put
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import ask, assert_at_home, open_group
from ..fakes.users import BINDING, CHILD, MARKER, User, bindings, heard, replies

BOTH_BUT_BOB = 'permissions: {local: user, "@bob:test": none}\n'


@pytest.fixture
async def other(server: Homeserver, bot: Bot, tmp_path: Path) -> AsyncIterator[Bot]:
    """An instance whose id comes after the other's; it runs on the same client."""
    other = Bot(server, tmp_path, instance="zweiter", beside=bot)
    yield other
    await other.close()


async def start_both(bot: Bot, other: Bot) -> None:
    """Start both at the same time, as maubot does."""
    looks = bot.server.inject(Hold("GET sync", times=None))
    starts = [asyncio.create_task(bot.start())]
    await looks.reached.wait()
    starts.append(asyncio.create_task(other.start()))
    await bot.server.until(lambda: sum(not call.status for call in bot.server.calls) == 2)
    looks.release()
    await asyncio.gather(*starts)
    await bot.deliver()
    await other.settled()


def instances_of(person: User) -> list[str]:
    return [space.content(MARKER)["instance"] for space in person.spaces]


async def test_one_of_them_welcomes_whoever_invites_the_bot(
    bot: Bot, other: Bot, alice: User
) -> None:
    await start_both(bot, other)

    room = alice.invite_bot()
    await bot.deliver()

    assert_at_home(alice, room)
    assert instances_of(alice) == ["spacekeeper"]


@pytest.mark.parametrize("text", ["!chats", "!new", "!help", "Hello?", "!status"])
async def test_what_is_said_in_a_control_room_is_answered_by_one(
    bot: Bot, other: Bot, alice: User, text: str
) -> None:
    await start_both(bot, other)
    control = alice.invite_bot()
    await bot.deliver()

    await ask(bot, alice, control, text)

    assert (len(alice.spaces), len(alice.chats)) == (1, 2 if text == "!new" else 1)


async def test_whoever_has_a_space_is_answered_by_the_one_that_keeps_it(
    bot: Bot, other: Bot, alice: User
) -> None:
    await bot.start()
    await bot.stop()
    bot.text.text = 'permissions: {"@alice:test": none, local: user}\n'
    await start_both(bot, other)
    control = alice.invite_bot()
    await bot.deliver()
    assert instances_of(alice) == ["zweiter"]

    await bot.configure("permissions: {local: user}\n")
    assert "C1" in await ask(bot, alice, control, "!chats")
    await ask(bot, alice, control, "!new Herbs")

    assert instances_of(alice) == ["zweiter"]
    assert [chat.name for chat in alice.chats] == ["Chat 1", "Herbs"]


async def test_the_one_that_permits_it_answers_and_the_other_declines_nothing(
    bot: Bot, other: Bot, bob: User
) -> None:
    bot.text.text = BOTH_BUT_BOB
    await start_both(bot, other)

    room = bob.invite_bot()
    await bot.deliver()

    assert_at_home(bob, room)
    assert instances_of(bob) == ["zweiter"]


async def test_whom_neither_permits_is_declined_once(
    bot: Bot, other: Bot, server: Homeserver
) -> None:
    await start_both(bot, other)
    mallory = User(server.world, "mallory", "elsewhere")
    mark = len(server.calls)

    room = mallory.invite_bot()
    await bot.deliver()

    assert room.membership(BOT) == "leave"
    assert len(lasting(server.changes(mark))) == 1


async def test_in_a_group_one_of_them_answers(
    bot: Bot, other: Bot, alice: User, bob: User
) -> None:
    await start_both(bot, other)
    group = await open_group(bot, alice, bob)

    message = alice.write(group, "!help")
    await bot.deliver()

    assert len(replies(group, message)) == 1


async def test_in_an_encrypted_control_room_it_is_explained_once(
    bot: Bot, other: Bot, alice: User
) -> None:
    await start_both(bot, other)
    control = alice.invite_bot()
    await bot.deliver()

    alice.turn_on_encryption(control)
    alice.write_encrypted(control)
    await bot.deliver()

    assert len(heard(control)) == 2


async def test_what_was_written_while_both_were_down_is_answered_by_the_one_that_keeps_the_space(
    bot: Bot, other: Bot, alice: User
) -> None:
    await bot.start()
    await bot.stop()
    bot.text.text = 'permissions: {"@alice:test": none, local: user}\n'
    await start_both(bot, other)
    control = alice.invite_bot()
    await bot.deliver()
    await other.stop()
    await bot.stop()
    bot.text.text = "permissions: {local: user}\n"
    message = alice.write(control, "!new Herbs")

    await start_both(bot, other)
    await bot.deliver()

    assert len(replies(control, message)) == 1
    assert instances_of(alice) == ["zweiter"]


async def test_a_chat_that_no_longer_says_to_which_of_them_it_belongs_stays_where_it_was(
    bot: Bot, other: Bot, alice: User
) -> None:
    """Alice has a Space of each of them; it is a chat of the second one's."""
    bot.text.text = 'permissions: {"@alice:test": none, local: user}\n'
    await start_both(bot, other)
    alice.invite_bot()
    await bot.deliver()
    await other.settled()
    alice.accept_all()
    chat, space, before = alice.chat, alice.space, bindings(alice.world)
    await bot.configure("permissions: {local: user}\n")
    await other.stop()
    alice.invite_bot()
    await bot.deliver()
    assert instances_of(alice) == ["zweiter", "spacekeeper"]
    await bot.stop()
    content = {key: value for key, value in chat.content(BINDING).items() if key != "instance"}
    put(alice, chat, (BINDING, ""), content)
    link = space.content(CHILD, chat.room_id)
    put(alice, space, (CHILD, chat.room_id), {**link, BINDING: content})
    for one in (bot, other):
        one.database.unlink()

    await start_both(bot, other)
    message = alice.write(chat, "Hello")
    await bot.deliver()
    await other.settled()

    assert bindings(alice.world)[chat.room_id] == before[chat.room_id]
    assert replies(chat, message) == ["Hello"]
