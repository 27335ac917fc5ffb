"""The steps of stories about answers that are shown while they are written."""

from __future__ import annotations

import asyncio

from .fake_platform import FakePlatform, Stream
from .maubot import BOT, Bot
from .rooms import Event, Room
from .users import User, heard, said

LIVE = ("chat.spacekeeper.live", "org.matrix.msc4357.live")
ASKED_AGAIN = "\n\n*(Asked again.)*"
STOPPED = "\n\n*(Stopped.)*"
BREAKS_OFF = "\n\n*(The answer breaks off here.)*"


def is_live(message: Event) -> bool:
    """Whether it looks as if more of it were to come; both marks say the same."""
    marks = {mark in message["content"] for mark in LIVE}
    assert len(marks) == 1
    return marks.pop()


def edits(room: Room) -> list[Event]:
    """The bot's edits in a room."""
    relations = ((one, one["content"].get("m.relates_to", {})) for one in room.messages(BOT))
    return [one for one, relation in relations if relation.get("rel_type") == "m.replace"]


def assert_whole(room: Room, *texts: str) -> None:
    """This is what people read, a message each, and nothing looks unfinished."""
    messages = said(room)
    assert [one["content"]["body"] for one in messages] == list(texts)
    assert not any(map(is_live, messages))


def lift_limit(bot: Bot) -> None:
    """Let the plugin know what a dozen messages would tell it: that there is no limit."""
    bot.plugin.services.matrix.api.message_limit.lifted = True


async def see(bot: Bot, room: Room, *texts: str) -> None:
    """Wait until people read this in a room, and nothing else of the bot's."""
    await bot.server.until(lambda: heard(room) == list(texts))


async def begin(bot: Bot, platform: FakePlatform, alice: User, text: str = "Hi") -> Stream:
    """Ask something that is answered word by word; returns when the platform heard it."""
    stream = platform.stream(text)
    alice.write(alice.chats[0], text)
    await bot.push()
    await asyncio.wait_for(stream.heard.wait(), 10)
    return stream
