"""A chat's binding lost a part, in the room, in its mirror or in both: the chat goes on as before.

Its conversation above all: whoever writes there is answered in the same one after a restart.
"""

from __future__ import annotations

import itertools

import pytest
from mautrix.types import EventType, RoomID

from plugin.topology.contents import backfilled_id

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Hold
from ..fakes.leftovers import lasting, put
from ..fakes.maubot import Bot
from ..fakes.rooms import Content, Room
from ..fakes.stories import add_chat, ask, settle_in
from ..fakes.users import BINDING, CHILD, MARKER, User, bindings, links

PARTS = ["room_type", "chat_id", "space_id", "matrix_user_id", "platform", "platform_chat_id"]
CASES = list(itertools.product(PARTS, ["room", "mirror", "both"]))


def damage(person: User, chat: Room, where: str, *parts: str) -> None:
    """Let parts of a binding lack, as a hand or a fault may have left it."""
    space = next(room for room in person.world.rooms.values() if room.content(MARKER))
    if where in ("room", "both"):
        put(person, chat, (BINDING, ""), without(chat.content(BINDING), parts))
    if where in ("mirror", "both"):
        link = space.content(CHILD, chat.room_id)
        mirror = without(link[BINDING], parts)
        put(person, space, (CHILD, chat.room_id), {**link, BINDING: mirror})


def without(content: Content, parts: tuple[str, ...]) -> Content:
    return {key: value for key, value in content.items() if key not in parts}


async def set_up(bot: Bot, alice: User) -> tuple[list[Room], dict[str, tuple[Content, Content]]]:
    """Alice with three chats, of which the numbers begin at two."""
    (control,) = await settle_in(bot, alice)
    for _ in range(3):
        await add_chat(bot, alice, control)
    first = alice.chats[0]
    alice.leave(first)
    await bot.deliver()
    return alice.chats, bindings(alice.world)


@pytest.mark.usefixtures("verifying")
@pytest.mark.parametrize("chats", [1, 3])
@pytest.mark.parametrize(("part", "where"), CASES)
async def test_a_chat_whose_binding_lost_a_part_goes_on(
    bot: Bot, alice: User, part: str, where: str, chats: int
) -> None:
    rooms, before = await set_up(bot, alice)
    await bot.stop()
    for room in rooms[-chats:]:
        damage(alice, room, where, part)

    await bot.restart()

    assert bindings(alice.world) == before


@pytest.mark.usefixtures("verifying")
@pytest.mark.parametrize("chats", [1, 3])
@pytest.mark.parametrize(("part", "where"), CASES)
async def test_without_the_database_it_goes_on_too(
    bot: Bot, alice: User, part: str, where: str, chats: int
) -> None:
    rooms, before = await set_up(bot, alice)
    await bot.stop()
    for room in rooms[-chats:]:
        damage(alice, room, where, part)
        if (part, where) == ("platform_chat_id", "both"):
            whole = before[room.room_id][0] | {part: backfilled_id(RoomID(room.room_id))}
            before[room.room_id] = (whole, whole)

    await bot.restart(keep_database=False)

    assert bindings(alice.world) == before


@pytest.mark.parametrize("kept", [True, False], ids=["database kept", "database gone"])
async def test_what_is_written_there_is_answered_in_the_same_conversation(
    bot: Bot, platform: FakePlatform, alice: User, kept: bool
) -> None:
    rooms, before = await set_up(bot, alice)
    await bot.stop()
    parts = [part for part in PARTS if part != "platform_chat_id"]
    damage(alice, rooms[2], "both", *parts)
    alice.write(rooms[2], "Still there?")

    await bot.restart(keep_database=kept)

    conversation = before[rooms[2].room_id][0]["platform_chat_id"]
    assert platform.asked == [(conversation, "Still there?")]


@pytest.mark.parametrize("kept", [True, False], ids=["database kept", "database gone"])
async def test_nobody_is_served_before_it_is_written(bot: Bot, alice: User, kept: bool) -> None:
    chats, _ = await set_up(bot, alice)
    await bot.stop()
    damage(alice, chats[2], "both", "platform_chat_id")
    bot.text.text = "startup: {wait: 0.05}\n"
    if not kept:
        bot.database.unlink()
    writing = bot.server.inject(Hold(f"PUT rooms/{chats[2].room_id}/state/{BINDING}"))

    await bot.start()
    await writing.reached.wait()
    assert EventType.ROOM_MESSAGE not in bot.client.event_handlers
    writing.release()
    await bot.settled()

    assert EventType.ROOM_MESSAGE in bot.client.event_handlers
    assert "platform_chat_id" in chats[2].content(BINDING)


@pytest.mark.usefixtures("verifying")
async def test_a_restart_after_that_writes_nothing(bot: Bot, alice: User) -> None:
    chats, _ = await set_up(bot, alice)
    await bot.stop()
    for chat, part in zip(chats, PARTS, strict=False):
        damage(alice, chat, "both", part)
    await bot.restart(keep_database=False)
    completed, mark = bindings(alice.world), len(bot.server.calls)

    await bot.restart(keep_database=False)

    assert bindings(alice.world) == completed
    assert lasting(bot.server.changes(mark)) == []


async def test_meanwhile_everybody_else_is_served(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    before = bindings(alice.world)
    await bot.stop()
    put(alice, alice.chat, (BINDING, ""), without(alice.chat.content(BINDING), ("chat_id",)))
    alices = next(room for room in alice.world.rooms.values() if BINDING in str(links(room)))
    put(alice, alices, (CHILD, alice.chat.room_id), {"via": ["test"]})
    bot.server.break_room(alice.chat.room_id)

    await bot.start()
    await bot.settled()

    assert await ask(bot, bob, bob.chat, "Hello") == "Answer to Hello"
    bot.server.heal()
    await bot.restart()
    assert bindings(alice.world) == before
