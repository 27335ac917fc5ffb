"""Messages that wait in a database whose inbox cannot be read: they are found in Matrix."""

from __future__ import annotations

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.maubot import Bot
from ..fakes.stories import ask, come_back, settle_in, write_while_busy
from ..fakes.users import User, heard, replies

DAMAGES = (
    "UPDATE inbox SET message = '{'",
    "UPDATE inbox SET state = 'nonsense'",
    "DROP TABLE inbox",
    "ALTER TABLE inbox RENAME COLUMN message TO words",
    "ALTER TABLE inbox RENAME COLUMN answer TO words",
)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_messages_in_an_inbox_that_cannot_be_read_are_answered_in_order(
    bot: Bot, platform: FakePlatform, alice: User, damage: str
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice, "Go on")
    # An orderly stop notes that everything before the last sync is in the inbox.
    alice.write(alice.chat, "And then?")
    await bot.push()
    await bot.stop()
    bot.query(damage)

    gate.set()
    await come_back(bot)

    assert heard(alice.chat) == [f"Answer to {text}" for text in ("Think", "Go on", "And then?")]


@pytest.mark.parametrize("damage", DAMAGES[:2])
async def test_what_cannot_be_read_is_dropped_when_it_was_found_in_matrix(
    bot: Bot, platform: FakePlatform, alice: User, damage: str
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice, "Go on")
    await bot.stop()
    bot.query("INSERT INTO inbox VALUES ('$answered', 1, '{', 'waiting', NULL, NULL)")
    bot.query(damage)
    gate.set()
    await come_back(bot)

    await bot.restart()
    mark = len(bot.server.calls)
    await bot.restart()

    assert bot.query("SELECT * FROM inbox") == []
    # A start that looks at everything asks for more.
    assert [str(call) for call in bot.server.calls[mark:]][:2] == ["GET sync", "GET sync"]
    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"


async def test_a_readable_message_beside_one_that_is_not_is_answered_once(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    gate = await write_while_busy(bot, platform, alice, "Go on")
    question = bob.write(bob.chat, "Think")
    await bot.push()
    await bot.server.until(lambda: len(platform.texts) == 2)
    await bot.stop()
    bot.query("UPDATE inbox SET message = '{' WHERE message LIKE '%Go on%'")
    gate.set()
    await come_back(bot)

    assert heard(alice.chat) == ["Answer to Think", "Answer to Go on"]
    assert replies(bob.chat, question) == ["Answer to Think"]
