"""A start with the database as it was left: it looks only where something changed."""

from __future__ import annotations

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.leftovers import lasting
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in_with_chats
from ..fakes.users import CHILD, User, bindings, heard, replies


async def rested(bot: Bot, *people: User) -> None:
    """Everything was seen and noted: the next start has nothing to look at."""
    for person in people:
        await settle_in_with_chats(bot, person, 2)
    await bot.restart()
    await bot.restart()


async def test_a_start_where_nothing_changed_takes_two_requests(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await rested(bot, alice, bob)
    await bot.stop()
    before, mark = bindings(alice.world), len(bot.server.calls)

    await bot.start()
    await bot.settled()

    asked = [str(call) for call in bot.server.calls[mark:]]
    assert asked == ["GET sync", "GET sync"]
    assert bindings(alice.world) == before
    for chat in (*alice.chats, *bob.chats):
        message = alice.write(chat, "Hello") if chat in alice.chats else bob.write(chat, "Hello")
        await bot.deliver()
        assert replies(chat, message) == ["Answer to Hello"]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM chat WHERE matrix_user_id = '@bob:test'",
        "DELETE FROM chat WHERE matrix_user_id = '@bob:test' AND chat_id = 'C2'",
        "UPDATE chat SET platform_chat_id = 'x' WHERE matrix_user_id = '@bob:test'",
        "UPDATE chat SET status = 'lost' WHERE matrix_user_id = '@bob:test'",
    ],
)
async def test_rows_edited_by_hand_do_not_win_over_matrix(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, damage: str
) -> None:
    await rested(bot, alice, bob)
    await bot.stop()
    before, sound = bindings(alice.world), bot.query("SELECT * FROM chat ORDER BY room_id")
    mark = len(bot.server.calls)
    bot.query(damage)

    await bot.start()
    await bot.settled()

    assert bindings(alice.world) == before
    assert lasting(bot.server.changes(mark)) == []
    assert bot.query("SELECT * FROM chat ORDER BY room_id") == sound
    for chat in bob.chats:
        assert await ask(bot, bob, chat, "Hello") == "Answer to Hello"


async def test_a_token_the_homeserver_no_longer_knows_costs_a_cold_start(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await rested(bot, alice)
    await bot.stop()
    mark = len(bot.server.calls)
    before = heard(alice.chats[0])
    bot.server.world.forget_tokens()
    alice.put_state(alice.space, (CHILD, alice.chats[1].room_id), {})

    await bot.start()
    await bot.settled()

    assert "GET joined_rooms" in [str(call) for call in bot.server.calls[mark:]]
    parent = f"rooms/{alice.chats[1].room_id}/state/m.space.parent/{alice.space.room_id}"
    assert lasting(bot.server.changes(mark)) == [f"PUT {parent}"]
    assert heard(alice.chats[0]) == before
    assert await ask(bot, alice, alice.chats[0], "Hello") == "Answer to Hello"
    assert (await ask(bot, alice, alice.chats[1], "Hello?")).startswith("This chat is archived")
