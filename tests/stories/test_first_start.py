"""An account that was used before: a first start, and every later one, leaves it as it is."""

from __future__ import annotations

import pytest

from ..fakes.faults import Hold
from ..fakes.homeserver import Homeserver
from ..fakes.leftovers import lasting
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import DATABASE, ask, assert_at_home, settle_in_with_chats
from ..fakes.users import User, heard


@pytest.fixture
def mallory(server: Homeserver) -> User:
    """Somebody who may not use the bot."""
    return User(server.world, "mallory", "elsewhere")


def direct_room(person: User) -> Room:
    """A room that the bot's account is in with one other person, who never said anything."""
    room = person.invite_bot()
    person.world.join(BOT, room.room_id)
    return room


@DATABASE
async def test_silent_rooms_from_before_the_first_start_are_left_alone(
    bot: Bot, alice: User, mallory: User, keep_database: bool
) -> None:
    rooms = [direct_room(alice), direct_room(mallory)]

    await bot.start()
    await bot.settled()
    await bot.restart(keep_database=keep_database)

    assert lasting(bot.server.changes()) == []
    assert [room.membership(BOT) for room in rooms] == ["join", "join"]
    assert "Alice's chats" in await ask(bot, alice, rooms[0], "Hello?")


async def test_a_silent_room_that_could_not_be_read_at_first_is_left_alone(
    bot: Bot, alice: User
) -> None:
    room = direct_room(alice)
    bot.give_up_soon()
    bot.server.break_room(room.room_id)
    await bot.start()
    await bot.settled()

    bot.server.mend_room(room.room_id)
    await bot.restart(keep_database=False)

    assert lasting(bot.server.changes()) == []


@DATABASE
async def test_a_room_that_was_joined_while_nobody_was_there_is_greeted(
    bot: Bot, alice: User, mallory: User, keep_database: bool
) -> None:
    await bot.start()
    await bot.settled()
    await bot.stop()
    room, other = direct_room(alice), direct_room(mallory)

    await bot.restart(keep_database=keep_database)
    await bot.restart(keep_database=keep_database)

    assert_at_home(alice, room)
    assert (other.membership(BOT), heard(other)) == ("join", [])


@pytest.mark.parametrize("when", ["live", "while down"])
async def test_an_invitation_by_somebody_without_permission_is_declined_unseen(
    bot: Bot, mallory: User, when: str
) -> None:
    await bot.start()
    await bot.settled()
    if when == "while down":
        await bot.stop()

    rooms = [mallory.invite_bot(), mallory.invite_bot()]
    if when == "while down":
        await bot.restart()
    await bot.deliver()
    await bot.restart()

    for room in rooms:
        member = room.state["m.room.member", BOT]
        assert member["content"]["membership"] == "leave"
        assert "people who run this bot" in member["content"]["reason"]
        assert heard(room) == []
    changes = sorted(lasting(bot.server.changes()))
    assert changes == [f"POST rooms/{room.room_id}/leave" for room in rooms]


async def test_a_room_that_maubot_joined_by_itself_is_not_left(bot: Bot, mallory: User) -> None:
    bot.autojoin = True
    await bot.start()
    await bot.deliver()

    looked = bot.server.inject(Hold("GET .*/state/m.room.member/"))
    room = mallory.invite_bot()
    await bot.push()
    await bot.server.until(lambda: room.membership(BOT) == "join")
    looked.release()
    await bot.settled()

    assert (room.membership(BOT), heard(room)) == ("join", [])


async def test_an_invitation_that_cannot_be_declined_holds_up_nothing(
    bot: Bot, alice: User, mallory: User
) -> None:
    bot.give_up_soon()
    await settle_in_with_chats(bot, alice, 1)
    room = mallory.invite_bot()
    bot.server.break_room(room.room_id, requests="leave")
    await bot.deliver()
    await bot.restart()
    for _ in range(2):
        await bot.deliver()
    await bot.stop()
    mark = len(bot.server.calls)

    await bot.start()
    await bot.settled()

    assert "GET joined_rooms" not in [str(call) for call in bot.server.calls[mark:]]


async def test_the_tenth_restart_joins_nothing_and_says_nothing(
    bot: Bot, alice: User, bob: User, mallory: User
) -> None:
    rooms = [direct_room(bob), direct_room(mallory)]
    await settle_in_with_chats(bot, alice, 2)
    group = alice.invite_bot(bob)
    bob.join(group)
    rooms += [alice.invite_bot(), mallory.invite_bot(), group]
    await bot.deliver()
    await bot.restart()
    before, mark = [heard(room) for room in rooms], len(bot.server.calls)

    for number in range(10):
        await bot.restart(keep_database=number % 2 == 0)
        await bot.deliver()

    assert [heard(room) for room in rooms] == before
    assert lasting(bot.server.changes(mark)) == []
