"""People outside their chats: they are shown the way, and nothing they say reaches a platform."""

from __future__ import annotations

import attr

from plugin.matrix.retry import RetryPolicy

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in
from ..fakes.users import User


async def test_in_the_control_room_the_way_to_the_space_is_shown(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)

    reply = await ask(bot, alice, control, "Hello?")

    assert (platform.asked, len(alice.spaces), len(alice.chats)) == ([], 1, 1)
    assert reply.startswith(
        f"I answer in **[Alice's chats](https://matrix.to/#/{alice.space.room_id}"
    )


async def test_who_could_not_be_told_the_way_is_told_when_the_homeserver_takes_it(
    bot: Bot, alice: User
) -> None:
    once = RetryPolicy(in_flight=8, attempt=5, total=0)
    bot.timing = attr.evolve(bot.timing, requests=attr.evolve(bot.timing.requests, message=once))
    (control,) = await settle_in(bot, alice)
    bot.server.inject(Answer("PUT .*/send/", status=502))

    told = await ask(bot, alice, control, "Hello?")

    assert told.startswith("I answer in ")
