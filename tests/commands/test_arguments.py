"""Commands that cannot be carried out: the answer says why, and nothing is different after it."""

from __future__ import annotations

import pytest

from ..fakes.maubot import Bot
from ..fakes.stories import add_chat, ask, settle_in
from ..fakes.users import User, heard, links, replies


@pytest.mark.parametrize(
    ("where", "command", "answer"),
    [
        ("chat", "!rename", "What should it be called? `!rename <title>`"),
        ("control", "!rename", "Which chat? `!rename <chat> <title>`"),
        ("control", "!rename C1", "What should it be called? `!rename <title>`"),
        ("control", "!archive", "Which chat? `!archive` in a chat, or `!archive <chat>`"),
        ("chat", "!archive the lot", "You have no chat called **the lot**. `!chats` lists"),
        ("chat", "!restore", "Which chat? `!restore <chat>`, for example `!restore C2`"),
        ("control", "!restore C0", "You have no chat called **C0**."),
        ("control", "!restore C7", "You have no chat `C7`. `!chats` lists the ones you have."),
        ("chat", "!new " + "x" * 251, "That name is too long; at most 250 characters."),
    ],
)
async def test_a_wrong_argument_gets_the_usage_and_changes_nothing(
    bot: Bot, alice: User, where: str, command: str, answer: str
) -> None:
    (control,) = await settle_in(bot, alice)
    before = (alice.chat.name, links(alice.space))

    reply = await ask(bot, alice, control if where == "control" else alice.chat, command)

    assert reply.startswith(answer)
    assert (alice.chat.name, links(alice.space)) == before


async def test_only_the_owner_commands_in_a_chat(bot: Bot, alice: User, bob: User) -> None:
    await settle_in(bot, alice, bob)
    alice.let_in(bob, alice.chat)

    messages = [bob.write(alice.chat, text) for text in ("!archive", "!help", "!new", "Hello")]
    await bot.deliver()

    assert heard(alice.chat) == []
    assert [replies(alice.chat, message) for message in messages] == [[], [], [], []]
    assert list(links(alice.space)) == [alice.chat.room_id]
    assert len(bob.chats) == 1


async def test_chats_of_others_cannot_be_named(bot: Bot, alice: User, bob: User) -> None:
    room, other = await settle_in(bot, alice, bob)
    await add_chat(bot, alice, room)

    assert await ask(bot, bob, other, "!archive C2") == (
        "You have no chat `C2`. `!chats` lists the ones you have."
    )
