"""A homeserver that lets one person be invited only so often: nobody else waits for that."""

from __future__ import annotations

from ..fakes.faults import Hold
from ..fakes.homeserver import Homeserver
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in
from ..fakes.users import User, heard, replies

TIMES = 8


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


async def test_no_command_waits_for_a_receipt(bot: Bot, server: Homeserver, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    server.inject(Hold("receipt", times=None))

    message = alice.write(control, "!chats")
    await bot.push()

    await server.until(lambda: replies(control, message) != [])
