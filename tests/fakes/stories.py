"""The first steps that most stories begin with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from plugin.platforms.protocol import PlatformError

from .fake_platform import FakePlatform
from .maubot import BOT, Bot
from .rooms import Event, Room
from .users import User, heard, links, replies

DATABASE = pytest.mark.parametrize("keep_database", [True, False], ids=["database", "none"])
WHEN = pytest.mark.parametrize("when", ["live", "while down", "while down, database gone"])


async def settle_in(bot: Bot, *people: User) -> list[Room]:
    """Each of them invites the bot and accepts what it offers; returns their control rooms."""
    if not bot.running:
        await bot.start()
        await bot.settled()
    rooms = [person.invite_bot() for person in people]
    await bot.deliver()
    for person in people:
        person.accept_all()
    await bot.deliver()
    return rooms


async def open_group(bot: Bot, host: User, guest: User) -> Room:
    """Open a room with the bot and somebody else in it."""
    group = host.invite_bot(guest)
    guest.join(group)
    await bot.deliver()
    return group


async def ask(bot: Bot, person: User, room: Room, text: str) -> str:
    """Write something and return the one reply to it."""
    message = person.write(room, text)
    await bot.deliver()
    (reply,) = replies(room, message)
    return reply


async def add_chat(bot: Bot, person: User, room: Room, title: str = "") -> Room:
    """Start a further chat and join it; returns its room."""
    await ask(bot, person, room, f"!new {title}".strip())
    person.accept_all()
    await bot.deliver()
    return person.chats[-1]


async def settle_in_with_chats(bot: Bot, person: User, chats: int) -> Room:
    """Settle in, with so many chats in all; returns the control room."""
    (control,) = await settle_in(bot, person)
    for _ in range(chats - 1):
        await add_chat(bot, person, control)
    return control


def assert_at_home(person: User, *control_rooms: Room) -> None:
    """The person has one Space with one chat in it, and was welcomed once in each room."""
    assert list(links(person.space)) == [person.chat.room_id]
    for room in (person.space, person.chat):
        assert room.membership(person.id) in ("invite", "join")
    for room in control_rooms:
        assert room.membership(BOT) == "join"
        (welcome,) = heard(room)
        assert person.space.room_id in welcome


@contextlib.asynccontextmanager
async def meanwhile(bot: Bot, when: str) -> AsyncIterator[None]:
    """What people do in here happens at one of WHEN; afterwards the plugin knows of it."""
    if when != "live":
        await bot.stop()
    if when.endswith("gone"):
        bot.database.unlink()
    yield
    await (bot.deliver() if when == "live" else come_back(bot))


async def come_back(bot: Bot, keep_database: bool = True) -> None:
    """Start again after a stop or a kill, and let everything be dealt with."""
    if not keep_database:
        bot.database.unlink()
    await bot.start()
    await bot.settled()
    await bot.deliver()


async def write_while_busy(
    bot: Bot, platform: FakePlatform, alice: User, *texts: str
) -> asyncio.Event:
    """Let the platform think about something while more is written; set the event to go on."""
    gate = platform.gate("Think")
    for text in ("Think", *texts):
        alice.write(alice.chats[0], text)
    await bot.push()
    await bot.server.until(lambda: platform.texts == ["Think"])
    return gate


async def have_set_aside(bot: Bot, platform: FakePlatform, alice: User, text: str) -> Event:
    """Write something that the platform fails at, so that it is set aside; returns it."""
    platform.failures[text] = PlatformError("The fake platform sleeps.", can_retry=False)
    message = alice.write(alice.chat, text)
    await bot.deliver()
    platform.failures.clear()
    return message
