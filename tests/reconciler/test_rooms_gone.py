"""Rooms that are gone from one look to the next: believed where Matrix says so, and only then."""

from __future__ import annotations

import attr
import pytest
from mautrix.types import RoomID

from plugin.topology.model import Status

from ..fakes.faults import Answer, refusal
from ..fakes.leftovers import lasting
from ..fakes.maubot import Bot
from ..fakes.rooms import Room
from ..fakes.stories import ask, settle_in, settle_in_with_chats
from ..fakes.users import User, bindings

LIST = "GET joined_rooms"


def purge(bot: Bot, room: Room, errcode: str) -> None:
    """Let an administrator of the homeserver delete a room, of which no event tells."""
    for rooms in bot.server.world.rooms_of.values():
        rooms.pop(room.room_id, None)
    body, code = refusal(errcode), 404 if errcode == "M_NOT_FOUND" else 403
    bot.server.inject(Answer(".", None, room_id=room.room_id, status=code, body=body))


def status(bot: Bot, room: Room) -> Status | None:
    chat = bot.plugin.services.routes.lookup(RoomID(room.room_id))
    return chat.status if chat is not None else None


@pytest.mark.parametrize("errcode", ["M_NOT_FOUND", "M_FORBIDDEN"])
async def test_a_room_that_was_deleted_is_lost_while_the_plugin_runs(
    bot: Bot, alice: User, errcode: str
) -> None:
    await settle_in_with_chats(bot, alice, 3)
    await bot.stop()
    bot.timing = attr.evolve(bot.timing, verify=0.0, verify_again=60.0)
    await bot.start()
    await bot.server.until(lambda: all(at for (at,) in bot.query("SELECT verified_at FROM space")))
    first, second, third = alice.chats
    made = len(alice.world.rooms)

    purge(bot, second, errcode)

    await bot.server.until(lambda: status(bot, second) is Status.LOST)
    assert [status(bot, one) for one in (first, third)] == [Status.LIVE, Status.LIVE]
    assert await ask(bot, alice, first, "Hello") == "Hello"
    assert len(alice.world.rooms) == made


@pytest.mark.parametrize("errcode", ["M_NOT_FOUND", "M_FORBIDDEN"])
@pytest.mark.parametrize("kept", [True, False], ids=["database kept", "database gone"])
async def test_a_start_without_a_cache_that_holds_finds_it_lost_too(
    bot: Bot, verifying: None, alice: User, errcode: str, kept: bool
) -> None:
    await settle_in_with_chats(bot, alice, 3)
    await bot.stop()
    bot.query("UPDATE chat SET platform='another'")
    second = alice.chats[1]
    purge(bot, second, errcode)
    mark = len(bot.server.calls)

    await bot.restart(keep_database=kept)

    assert status(bot, second) is Status.LOST
    assert lasting(bot.server.changes(mark)) == []


@pytest.mark.parametrize("lists", [1, 2])
async def test_a_list_that_is_short_for_a_moment_is_not_believed(
    bot: Bot, alice: User, bob: User, lists: int
) -> None:
    """Twice as well as once: each known room that it lacks is asked for before it counts."""
    await settle_in(bot, alice, bob)
    await bot.stop()
    # Rows that were edited help where a look fails, and for no more.
    bot.query("UPDATE chat SET platform='another'")
    before, mark = bindings(alice.world), len(bot.server.calls)
    short = Answer(LIST, times=lists, status=200, body={"joined_rooms": []})
    bot.server.inject(short)

    await bot.start()
    await bot.settled()

    assert short.times == 0
    for person in (alice, bob):
        assert await ask(bot, person, person.chat, "Hello") == "Hello"
    assert bindings(alice.world) == before
    made = [one for one in bot.server.changes(mark) if "createRoom" in one or "/leave" in one]
    assert made == []


async def test_a_list_that_lacks_a_single_room_is_not_believed_either(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    await bot.stop()
    bot.query("UPDATE chat SET platform='another'")
    before = bindings(alice.world)
    rooms = [room.room_id for room in (alice.space, bob.space, bob.chat)]
    bot.server.inject(Answer(LIST, times=None, status=200, body={"joined_rooms": rooms}))

    await bot.start()
    await bot.settled()

    assert status(bot, alice.chat) is Status.LIVE
    assert await ask(bot, alice, alice.chat, "Hello") == "Hello"
    assert bindings(alice.world) == before


async def test_a_list_that_changes_from_look_to_look_is_waited_for(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    await bot.stop()
    bot.query("UPDATE chat SET platform='another'")
    before = bindings(alice.world)
    lists = [
        bot.server.inject(
            Answer(LIST, status=200, body={"joined_rooms": [f"!nobodys-{number}:test"]})
        )
        for number in range(6)
    ]

    await bot.start()
    await bot.settled()

    assert all(one.times == 0 for one in lists)
    for person in (alice, bob):
        assert await ask(bot, person, person.chat, "Hello") == "Hello"
    assert bindings(alice.world) == before


async def test_most_rooms_that_are_gone_for_good_are_believed_to_be(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    await bot.stop()
    bot.query("UPDATE chat SET platform='another'")
    gone = [bob.space, bob.chat, alice.chat]
    for room in gone:
        purge(bot, room, "M_FORBIDDEN")

    await bot.start()
    await bot.settled()

    assert [status(bot, room) for room in gone[1:]] == [None, Status.LOST]
    assert bot.plugin.services.routes.spaces.keys() == {alice.id}
