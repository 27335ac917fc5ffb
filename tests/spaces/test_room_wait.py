"""A joined room cannot be read: only somebody whose it may be waits for it, and not for ever."""

from __future__ import annotations

import attr

from ..fakes.kill_points import rest
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import assert_at_home, settle_in
from ..fakes.users import MARKER, User, heard, links

READING = "GET rooms/{}/state$"


async def lose_the_cache(bot: Bot, person: User) -> None:
    """Stop; neither the database nor the index knows any room when the bot is started again."""
    await bot.stop()
    bot.database.unlink()
    person.world.account_data.clear()


async def test_nobody_waits_for_a_room_that_somebody_else_made(
    bot: Bot, alice: User, bob: User
) -> None:
    bot.timing = attr.evolve(bot.timing, room_wait=3600.0)
    theirs = User(alice.world, "carol", "elsewhere").invite_bot()
    User(alice.world, BOT[1:].partition(":")[0]).join(theirs)
    bot.server.break_room(theirs.room_id, requests=READING.format(theirs.room_id))
    await bot.start()

    rooms = [person.invite_bot() for person in (alice, bob)]
    await bot.push()
    await bot.server.until(lambda: all(len(heard(room)) == 1 for room in rooms))

    for person, room in zip((alice, bob), rooms, strict=True):
        assert_at_home(person, room)
    assert theirs.room_id not in bot.plugin.services.routes.unread


async def test_nobody_waits_for_a_space_that_names_somebody_else(
    bot: Bot, alice: User, bob: User
) -> None:
    bot.timing = attr.evolve(bot.timing, room_wait=3600.0)
    await settle_in(bot, alice)
    await lose_the_cache(bot, alice)
    for room in (alice.space, alice.chat):
        bot.server.break_room(room.room_id, requests=READING.format(room.room_id))
    await bot.start()

    room = bob.invite_bot()
    await bot.push()
    await bot.server.until(lambda: len(heard(room)) == 1)

    assert_at_home(bob, room)


async def test_a_space_that_may_be_theirs_is_waited_for_and_then_merged(
    bot: Bot, alice: User
) -> None:
    bot.timing = attr.evolve(bot.timing, room_wait=0.05)
    await settle_in(bot, alice)
    older, chat = alice.space, alice.chat
    await lose_the_cache(bot, alice)
    for room in (older, chat):
        bot.server.break_room(room.room_id)
    await bot.start()
    alice.invite_bot()
    await bot.push()
    await bot.server.until(lambda: len(alice.chats) == 2)

    await rest(bot)

    (newer,) = [space for space in alice.spaces if space is not older]
    assert newer.content(MARKER)["superseded_by"] == older.room_id
    assert set(links(older)) == {room.room_id for room in alice.chats}


async def test_a_space_that_is_read_while_its_owner_waits_is_not_made_again(
    bot: Bot, alice: User
) -> None:
    bot.timing = attr.evolve(bot.timing, room_wait=3600.0)
    await settle_in(bot, alice)
    older = alice.space
    await lose_the_cache(bot, alice)
    broken = bot.server.break_room(older.room_id)
    await bot.start()
    room = alice.invite_bot()
    await bot.push()
    await broken.reached.wait()

    bot.server.mend_room(older.room_id)
    await bot.server.until(lambda: len(heard(room)) == 1)

    assert alice.spaces == [older]
