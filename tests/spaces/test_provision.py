"""A chat's conversation is given up only when it is certain that no room has it."""

from __future__ import annotations

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, refusal
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in
from ..fakes.users import BINDING, CHILD, User

REFUSED = refusal("M_FORBIDDEN")


@pytest.mark.usefixtures("impatient")
async def test_the_conversation_of_a_room_that_may_have_been_made_is_not_forgotten(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    (chat,) = alice.chats
    bot.server.inject(Answer("POST createRoom", after=True))
    bot.server.inject(Answer("GET joined_rooms", times=None))

    reply = await ask(bot, alice, chat, "!new")
    bot.server.heal()

    assert "doesn't answer" in reply
    assert platform.forgotten == []
    alice.accept_all()
    await bot.deliver()
    assert await ask(bot, alice, alice.chats[1], "Hello") == "Answer to Hello"


async def test_the_conversation_of_a_room_that_was_made_and_not_linked_is_not_forgotten(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    bot.server.inject(Answer(f"PUT .*{CHILD}", status=403, body=REFUSED))

    await ask(bot, alice, alice.chat, "!new")

    assert len(alice.chats) == 2
    assert alice.chats[1].content(BINDING)["platform_chat_id"] not in platform.forgotten


async def test_the_conversation_of_a_room_that_was_refused_is_forgotten(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    bot.server.inject(Answer("POST createRoom", status=403, body=REFUSED))

    await ask(bot, alice, alice.chat, "!new")

    assert len(alice.chats) == 1
    assert len(platform.forgotten) == 1
