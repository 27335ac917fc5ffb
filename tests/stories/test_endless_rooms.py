"""Rooms in which far too much stands: who wrote it there keeps nobody else waiting."""

from __future__ import annotations

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Endless
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import DATABASE, ask, settle_in
from ..fakes.users import User, heard

# What no JSON parser with a stack goes through.
DEEP = "[" * 100_000 + "]" * 100_000


def answer_with(bot: Bot, room: Room, text: str) -> Answer:
    """Let whoever reads a room's whole state get this."""
    return bot.server.inject(
        Answer("^GET rooms/[^/]*/state$", None, room_id=room.room_id, status=200, body=text)
    )


@DATABASE
async def test_a_space_that_no_parser_goes_through_keeps_nobody_else_waiting(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, keep_database: bool
) -> None:
    await settle_in(bot, alice, bob)
    await bot.stop()
    fault = answer_with(bot, alice.space, DEEP)
    if not keep_database:
        bot.database.unlink()

    await bot.start()
    bob.write(bob.chat, "Anybody?")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat) == ["Answer to Anybody?"])

    bot.server.lift(fault)
    alice.write(alice.chat, "And me?")
    await bot.push()
    await bot.server.until(lambda: heard(alice.chat)[-1:] == ["Answer to And me?"])


async def test_a_room_with_more_people_than_are_counted_is_a_group(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    bot.server.inject(Endless("GET .*/members", None))
    room = alice.invite_bot()
    await bot.deliver()

    assert room.membership(BOT) == "join"
    assert heard(room) == []
    assert "direct chat" in await ask(bot, alice, room, f"{BOT}: Hello?")
    alice.write(room, "Chatter")
    await bot.deliver()
    assert len(heard(room)) == 1


async def test_a_foreign_room_without_end_is_asked_for_once(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    room = bob.invite_bot(alice)
    await bot.deliver()
    bot.server.inject(Endless("^GET rooms/[^/]*/state$", None, room_id=room.room_id))
    bot.server.world.account_data.clear()

    for times in (1, 0):
        mark = len(bot.server.calls)
        await bot.restart(keep_database=False)

        asked = [str(one) for one in bot.server.calls[mark:]]
        assert asked.count(f"GET rooms/{room.room_id}/state") == times
        assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"
