"""People outside their chats: they are shown the way, and nothing they say reaches a platform."""

from __future__ import annotations

import attr

from plugin.matrix.retry import RetryPolicy

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer
from ..fakes.homeserver import Homeserver
from ..fakes.maubot import Bot
from ..fakes.stories import ask, open_group, settle_in
from ..fakes.users import User, heard, replies


async def test_in_the_control_room_the_way_to_the_space_is_shown(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)

    reply = await ask(bot, alice, control, "Hello?")

    assert (platform.asked, len(alice.spaces), len(alice.chats)) == ([], 1, 1)
    assert reply.startswith(
        f"Your chats are in [Alice's chats](https://matrix.to/#/{alice.space.room_id}"
    )


async def test_who_has_no_space_and_writes_in_a_group_gets_one_and_is_shown_to_it(
    bot: Bot, server: Homeserver, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    group = await open_group(bot, alice, bob)

    reply = await ask(bot, bob, group, "May I?")

    assert bob.space.room_id in reply
    assert bob.chat.membership(bob.id) == "invite"
    assert platform.asked == []


async def test_in_a_group_each_person_is_shown_the_way_once(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    group = await open_group(bot, alice, bob)

    for person in (alice, bob, alice, bob):
        person.write(group, "Chatter")
    alice.write(group, "!archive C1")
    await bot.deliver()

    assert [text.split("(")[0] for text in heard(group)] == [
        "Your chats are in [Alice's chats]",
        "Your chats are in [Bob's chats]",
    ]
    assert platform.asked == []


async def test_who_is_not_permitted_hears_nothing_in_a_group(
    bot: Bot, server: Homeserver, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    mallory = User(server.world, "mallory", "elsewhere")
    group = await open_group(bot, alice, mallory)

    mallory.write(group, "Let me in")
    await bot.deliver()

    assert (heard(group), mallory.spaces, platform.asked) == ([], [], [])


async def test_who_could_not_be_told_the_way_is_told_when_the_homeserver_takes_it(
    bot: Bot, alice: User, bob: User
) -> None:
    once = RetryPolicy(in_flight=8, attempt=5, total=0)
    bot.timing = attr.evolve(bot.timing, requests=attr.evolve(bot.timing.requests, message=once))
    await settle_in(bot, alice)
    group = await open_group(bot, alice, bob)
    bot.server.inject(Answer("PUT .*/send/", status=502))

    message = alice.write(group, "Hello?")
    await bot.deliver()

    (told,) = replies(group, message)
    assert told.startswith("Your chats are in")
