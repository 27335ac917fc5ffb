"""A restart with the database as it was, damaged, or gone: everything is as it was before.

The same bindings in Matrix, nothing made, joined, left or changed there, and an answer in every
chat: the database is a cache and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plugin.matrix.account_data import INDEX_TYPE, own_type

from ..fakes.failpoints import refuse_writes
from ..fakes.leftovers import lasting
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import add_chat, ask, settle_in
from ..fakes.users import BINDING, User, bindings

DAMAGE: dict[str, Callable[[Bot], object]] = {
    "kept": lambda bot: None,
    "deleted": lambda bot: bot.database.unlink(),
    "half of the chats deleted": lambda bot: bot.query(
        "DELETE FROM chat WHERE substr(chat_id, 2) % 2 = 0"
    ),
    "all chats deleted": lambda bot: bot.query("DELETE FROM chat"),
    "Spaces deleted": lambda bot: bot.query("DELETE FROM space"),
    "one Space deleted": lambda bot: bot.query("DELETE FROM space WHERE rowid = 1"),
    "other conversations": lambda bot: bot.query("UPDATE chat SET platform_chat_id = room_id"),
    "one conversation for all": lambda bot: bot.query("UPDATE chat SET platform_chat_id = 'x'"),
    "other handles": lambda bot: bot.query(
        "UPDATE chat SET chat_id = 'C' || (substr(chat_id, 2) + 40)"
    ),
    "other owners": lambda bot: bot.query(
        "UPDATE chat SET matrix_user_id = CASE matrix_user_id "
        "WHEN '@alice:test' THEN '@bob:test' ELSE '@alice:test' END"
    ),
    "Spaces of others": lambda bot: bot.query(
        "UPDATE space SET matrix_user_id = CASE matrix_user_id "
        "WHEN '@alice:test' THEN '@bob:test' ELSE '@alice:test' END"
    ),
    "all archived": lambda bot: bot.query("UPDATE chat SET status = 'archived'"),
    "all lost": lambda bot: bot.query("UPDATE chat SET status = 'lost'"),
    "rooms that do not exist": lambda bot: bot.query("UPDATE chat SET room_id = 'x' || room_id"),
    "Spaces that do not exist": lambda bot: bot.query(
        "UPDATE space SET space_id = 'x' || space_id"
    ),
    "garbage in the chats": lambda bot: bot.query(
        "UPDATE chat SET chat_id = x'00ff', status = '??', matrix_user_id = 7"
    ),
    "garbage in the Spaces": lambda bot: bot.query(
        "UPDATE space SET matrix_user_id = '', created_at = 'yesterday'"
    ),
    "a chat too many": lambda bot: bot.query(
        "INSERT INTO chat SELECT '!ghost:test', space_id, matrix_user_id, 'C9', platform, 'ghost',"
        " status FROM chat LIMIT 1"
    ),
    "chats dropped": lambda bot: bot.query("DROP TABLE chat"),
    "everything dropped": lambda bot: [
        bot.query(f"DROP TABLE {name}")
        for (name,) in bot.query("SELECT name FROM sqlite_master WHERE type = 'table'")
        if name != "version"
    ],
}


async def set_up_chats(bot: Bot, alice: User, bob: User) -> None:
    """Alice with three chats, of which she archived one, and Bob with two."""
    room, other = await settle_in(bot, alice, bob)
    await add_chat(bot, alice, room)
    await add_chat(bot, alice, room)
    await add_chat(bot, bob, other)
    await ask(bot, alice, alice.chats[0], "!archive C2")
    await bot.restart()


async def assert_as_before(bot: Bot, people: tuple[User, ...]) -> None:
    """Every chat answers, the archived one says so, and the next chat gets the next number."""
    for person in people:
        for chat in person.chats:
            handle = chat.content(BINDING)["chat_id"]
            reply = await ask(bot, person, chat, "Hello")
            if (person.id, handle) == ("@alice:test", "C2"):
                assert reply.startswith("This chat is archived")
            else:
                assert reply == "Hello"
        following = f"`C{len(person.chats) + 1}`"
        assert following in await ask(bot, person, person.chats[0], "!new")


@pytest.mark.parametrize("damage", DAMAGE)
async def test_whatever_became_of_the_database_matrix_wins(
    bot: Bot, alice: User, bob: User, damage: str
) -> None:
    await set_up_chats(bot, alice, bob)
    before, mark = bindings(alice.world), len(bot.server.calls)

    await bot.stop()
    DAMAGE[damage](bot)
    await bot.restart()

    assert bindings(alice.world) == before
    assert lasting(bot.server.changes(mark)) == []
    await assert_as_before(bot, (alice, bob))


@pytest.mark.parametrize(
    "damage", ["deleted", "other owners", "garbage in the chats", "everything dropped"]
)
async def test_the_restart_after_that_finds_a_sound_database(
    bot: Bot, alice: User, bob: User, damage: str
) -> None:
    await set_up_chats(bot, alice, bob)
    sound = bot.query("SELECT * FROM chat ORDER BY room_id")
    await bot.stop()
    DAMAGE[damage](bot)

    await bot.restart()
    await bot.restart()

    assert bot.query("SELECT * FROM chat ORDER BY room_id") == sound
    await assert_as_before(bot, (alice, bob))


async def test_a_database_that_takes_no_write_costs_nobody_anything(
    bot: Bot, alice: User, bob: User
) -> None:
    await set_up_chats(bot, alice, bob)
    before, mark = bindings(alice.world), len(bot.server.calls)
    with pytest.MonkeyPatch.context() as patch:
        refuse_writes(patch)
        await bot.restart()

        assert bindings(alice.world) == before
        assert lasting(bot.server.changes(mark)) == []
        await assert_as_before(bot, (alice, bob))

    await bot.restart()
    for person in (alice, bob):
        person.accept_all()
        assert await ask(bot, person, person.chats[-1], "Hello") == "Hello"


async def test_without_the_hint_in_the_account_data_everything_is_found_too(
    bot: Bot, alice: User, bob: User
) -> None:
    await set_up_chats(bot, alice, bob)
    before, mark = bindings(alice.world), len(bot.server.calls)
    alice.world.account_data.clear()

    await bot.restart(keep_database=False)

    assert bindings(alice.world) == before
    assert lasting(bot.server.changes(mark)) == []
    await assert_as_before(bot, (alice, bob))


# One that calls chats foreign is not among them: nobody but the bot itself could write that.
HINTS: dict[str, Callable[[list[str]], dict[str, Any]]] = {
    "no lists": lambda rooms: {"spaces": 7, "foreign": {}},
    "no rooms": lambda rooms: {"spaces": [7], "foreign": rooms},
    "chats as Spaces": lambda rooms: {"spaces": rooms, "foreign": []},
}


@pytest.mark.parametrize("hint", HINTS)
async def test_a_wrong_hint_comes_to_the_same_result(
    bot: Bot, alice: User, bob: User, hint: str
) -> None:
    await set_up_chats(bot, alice, bob)
    before, mark = bindings(alice.world), len(bot.server.calls)
    rooms = [room.room_id for room in (*alice.chats, *bob.chats, alice.space, bob.space)]
    kind = own_type(INDEX_TYPE, "spacekeeper")
    alice.world.account_data[BOT, kind] = {"v": 1, **HINTS[hint](rooms)}

    await bot.restart(keep_database=False)

    assert bindings(alice.world) == before
    assert lasting(bot.server.changes(mark)) == []
    await assert_as_before(bot, (alice, bob))
