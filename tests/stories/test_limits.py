"""A homeserver that lets one person be invited only so often: nobody else waits for that."""

from __future__ import annotations

import asyncio

import attr
import pytest

from ..fakes.faults import Answer, Hold
from ..fakes.homeserver import Homeserver
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import ask, settle_in
from ..fakes.users import CHILD, User, heard, replies

TIMES = 8
PARENT = "m.space.parent"


async def keep_leaving(bot: Bot, person: User) -> None:
    """Leave the Space and write in the chat, again and again; accept what comes of it."""
    for number in range(TIMES):
        person.accept_all()
        if person.space.membership(person.id) == "join":
            person.leave(person.space)
        person.write(person.chat, f"Hello {number}?")
        await bot.deliver()


async def test_who_keeps_leaving_their_space_makes_nobody_else_wait(
    bot: Bot, server: Homeserver, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    server.limit_invitations()

    await keep_leaving(bot, alice)

    assert alice.space.membership(alice.id) == "leave"
    assert await ask(bot, bob, bob.chat, "!rename Garden") == "`C1` is now called **Garden**."
    bob.leave(bob.space)
    await ask(bot, bob, bob.chat, "Where is my Space?")
    assert bob.space.membership(bob.id) == "invite"


async def test_who_keeps_leaving_their_space_is_answered_all_the_same(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    await settle_in(bot, alice)
    server.limit_invitations()

    await keep_leaving(bot, alice)

    assert len(heard(alice.chat)) == TIMES


async def test_who_was_invited_too_often_is_told_when_to_ask_again(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    server.limit_invitations(per_second=1 / 300, burst=1)
    alice.leave(alice.space)
    await ask(bot, alice, control, "!space")
    alice.leave(alice.space)

    assert "about 5 minutes" in await ask(bot, alice, control, "!space")


@pytest.mark.parametrize("read", ["messages", "members"])
async def test_a_homeserver_that_limits_one_kind_of_read_is_asked_for_others(
    bot: Bot, server: Homeserver, alice: User, bob: User, read: str
) -> None:
    """What was written meanwhile cannot be read; what Bob does in his Space can."""
    (control, _) = await settle_in(bot, alice, bob)
    await bot.stop()
    alice.write(alice.chat, "Anybody?")
    question = alice.write(control, "!chats")
    busy = {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1000}
    limit = Answer(f"rooms/[^/]*/{read}", times=None, status=429, body=busy)
    server.inject(limit)
    await bot.start()
    await bot.push()
    await server.until(limit.reached.is_set)

    space_id = bob.space.room_id
    assert bob.chat.content(PARENT, space_id) != {}
    bob.put_state(bob.space, (CHILD, bob.chat.room_id), {})
    await bot.push()
    await server.until(lambda: bob.chat.content(PARENT, space_id) == {})

    server.lift(limit)
    await bot.settled()
    assert heard(alice.chat) == ["Anybody?"]
    assert len(replies(control, question)) == 1


async def test_no_command_waits_for_a_receipt(bot: Bot, server: Homeserver, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    server.inject(Hold("receipt", times=None))

    message = alice.write(control, "!chats")
    await bot.push()

    await server.until(lambda: replies(control, message) != [])


async def test_rooms_that_cannot_be_entered_keep_no_newcomer_waiting(
    bot: Bot, server: Homeserver, alice: User, bob: User
) -> None:
    """Where a room's own server does not answer, a homeserver keeps whoever joins waiting."""
    await settle_in(bot, alice)
    sick = [alice.invite_bot() for _ in range(24)]
    for room in sick:
        server.hang_room(room.room_id, requests="/join$")
    await bot.push()
    await server.until(lambda: any(call.path.endswith("/join") for call in server.calls[-20:]))

    control = bob.invite_bot()
    await bot.push()
    await server.until(lambda: heard(control) != [])

    assert bob.chats != []
    for room in sick:
        server.mend_room(room.room_id)
    await bot.settled()
    assert {room.membership(BOT) for room in sick} == {"join"}


async def test_invitations_that_cannot_be_declined_keep_nobody_waiting(
    bot: Bot, server: Homeserver, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    mallory = User(server.world, "mallory", "elsewhere")
    for room in [mallory.invite_bot() for _ in range(24)]:
        server.hang_room(room.room_id, requests="/leave$")
    await bot.push()
    await server.until(lambda: sum(call.path.endswith("/leave") for call in server.calls) >= 8)

    control = bob.invite_bot()
    alice.write(alice.chat, "!new")
    await bot.push()

    await server.until(lambda: len(heard(control)) == 1 and len(heard(alice.chats[0])) == 1)
    assert (len(bob.chats), len(alice.chats)) == (1, 2)


async def test_display_names_that_do_not_come_keep_nobody_else_waiting(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    await settle_in(bot, alice)
    server.inject(Hold("^GET profile/.*:elsewhere", times=None))
    bot.text.text = "permissions: {local: user, elsewhere: user}"
    bot.timing = attr.evolve(bot.timing, room_turn=0.02)
    await bot.restart()
    for number in range(40):
        User(server.world, f"guest{number}", "elsewhere").invite_bot()
    await bot.push()
    await server.until(lambda: sum("profile" in str(call) for call in server.calls) >= 8)
    # Whoever can be waited for by now is.
    await asyncio.sleep(1)

    message = alice.write(alice.chat, "!chats")
    await bot.push()

    await server.until(lambda: replies(alice.chat, message) != [])
