"""A Space in which its owner links anything at all, link by link: nobody else notices."""

from __future__ import annotations

import logging

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in
from ..fakes.users import CHILD, User

LINKS = [f"!foreign{number}:elsewhere" for number in range(60)]


async def link(bot: Bot, person: User, *room_ids: str) -> None:
    """Link rooms that the bot is not in, and let that be noticed."""
    for room_id in room_ids:
        person.put_state(person.space, (CHILD, room_id), {"via": ["elsewhere"]})
    await bot.deliver()


def asked_for(bot: Bot, since: int) -> list[str]:
    """The foreign rooms that the homeserver was asked for, as often as it was."""
    calls = [str(call) for call in bot.server.calls[since:]]
    return sorted(call.split("/")[1] for call in calls if "!foreign" in call)


async def test_what_an_owner_links_is_asked_for_once(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    mark = len(bot.server.calls)

    for room_id in LINKS:
        await link(bot, alice, room_id)

    assert asked_for(bot, mark) == sorted(LINKS)
    assert await ask(bot, bob, bob.chat, "Hello") == "Answer to Hello"
    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"


async def test_links_without_number_are_not_all_asked_for_at_once(bot: Bot, alice: User) -> None:
    """A run that follows links which nothing told of has a bound; the next one goes on."""
    await settle_in(bot, alice)
    await bot.stop()
    many = [f"!foreign{number}:elsewhere" for number in range(150)]
    for room_id in many:
        # Anybody's server may send such a thing; no sync names it as long as this.
        content = {"via": ["elsewhere"]}
        bot.server.world.append(alice.space, alice.id, content, (CHILD, room_id))
    await bot.start()
    await bot.settled()
    mark = len(bot.server.calls)

    await link(bot, alice, "!foreign:elsewhere")

    assert len(asked_for(bot, mark)) <= 101


async def test_odd_links_are_counted_in_the_log_and_not_told_one_by_one(
    bot: Bot, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    await settle_in(bot, alice)
    caplog.set_level(logging.DEBUG, "maubot.instance.spacekeeper")
    await link(bot, alice, *LINKS)
    said = [one.getMessage() for one in caplog.records if alice.space.room_id in one.getMessage()]
    assert len(said) == 1
    assert "foreign 60" in said[0]
    caplog.clear()

    await link(bot, alice, LINKS[0])
    await ask(bot, alice, alice.chat, "!rename Garden")
    alice.put_state(alice.space, (CHILD, LINKS[0]), {"via": ["elsewhere", "test"]})
    await bot.deliver()

    assert [one for one in caplog.records if alice.space.room_id in one.getMessage()] == []
