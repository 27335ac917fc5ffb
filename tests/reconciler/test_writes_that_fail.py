"""What a run is to write and the homeserver does not take, or not in time: the chat goes on as it
was known, nothing of it is lost until it is written, and nobody else waits.
"""

from __future__ import annotations

import attr
import pytest
from mautrix.types import RoomID

from plugin.matrix.retry import Backoff

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Fault, Hold, refusal
from ..fakes.kill_points import rest
from ..fakes.leftovers import put
from ..fakes.maubot import Bot
from ..fakes.rooms import Room
from ..fakes.stories import add_chat, settle_in
from ..fakes.users import BINDING, CHILD, User, bindings, replies

PARTS = ["room_type", "chat_id", "space_id", "matrix_user_id", "platform", "platform_chat_id"]


def lose_part(person: User, chat: Room, part: str) -> None:
    """Let a part of a binding lack, in the room and in its mirror."""
    content = {key: value for key, value in chat.content(BINDING).items() if key != part}
    put(person, chat, (BINDING, ""), content)
    link = person.space.content(CHILD, chat.room_id)
    put(person, person.space, (CHILD, chat.room_id), {**link, BINDING: content})


def refuse(chat: Room) -> Fault:
    body = refusal("M_FORBIDDEN")
    return Answer(f"PUT rooms/{chat.room_id}/state/", times=None, status=403, body=body)


def break_down(chat: Room) -> Fault:
    return Answer(f"PUT rooms/{chat.room_id}/state/", times=None)


def hang(chat: Room) -> Fault:
    return Hold(f"PUT rooms/{chat.room_id}/state/", times=None)


FAULTS = pytest.mark.parametrize("fault", [refuse, break_down, hang])


@pytest.fixture(autouse=True)
def brief(bot: Bot) -> None:
    """Give up writing within a moment, and try again soon."""
    backoff = Backoff(first=0.002, longest=0.05)
    bot.timing = attr.evolve(bot.timing, write=0.1, write_hurry=0.05, backoff=backoff)


@FAULTS
@pytest.mark.parametrize("part", PARTS)
async def test_what_the_cache_alone_knows_outlives_a_write_that_fails(
    bot: Bot, platform: FakePlatform, alice: User, part: str, fault: object
) -> None:
    (control,) = await settle_in(bot, alice)
    chats = [await add_chat(bot, alice, control) for _ in range(2)]
    before = bindings(alice.world)
    await bot.stop()
    lose_part(alice, chats[1], part)
    struck = bot.server.inject(fault(chats[1]))  # type: ignore[operator]

    await bot.start()
    await struck.reached.wait()
    await bot.server.until(lambda: bot.is_serving)
    conversation = before[chats[1].room_id][0]["platform_chat_id"]
    message = alice.write(chats[1], "Hello")
    await bot.push()
    await bot.server.until(lambda: replies(chats[1], message) == ["Answer to Hello"])
    assert platform.asked[-1] == (conversation, "Hello")
    await rest(bot)

    assert bindings(alice.world) == before


@FAULTS
async def test_meanwhile_everybody_else_is_served(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, fault: object
) -> None:
    """Bob's chat lacks a part, too: it is completed, and he is answered in it."""
    await settle_in(bot, alice, bob)
    before = bindings(alice.world)
    await bot.stop()
    bot.database.unlink()
    for person in (alice, bob):
        lose_part(person, person.chat, "chat_id")
    struck = bot.server.inject(fault(alice.chat))  # type: ignore[operator]

    await bot.start()
    await struck.reached.wait()
    await bot.server.until(lambda: bot.is_serving)

    assert bindings(bob.world)[bob.chat.room_id] == before[bob.chat.room_id]
    message = bob.write(bob.chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: replies(bob.chat, message) == ["Answer to Hello"])
    await rest(bot)
    assert bindings(alice.world) == before


async def test_one_chat_that_takes_no_write_keeps_back_no_other_of_its_owners(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    chats = [alice.chat, *[await add_chat(bot, alice, control) for _ in range(3)]]
    before = bindings(alice.world)
    await bot.stop()
    bot.database.unlink()
    for chat in chats:
        lose_part(alice, chat, "space_id")
    bot.server.inject(hang(chats[0]))

    await bot.start()

    def completed(chat: Room) -> bool:
        return bindings(alice.world).get(chat.room_id) == before[chat.room_id]

    await bot.server.until(lambda: all(map(completed, chats[1:])))
    await bot.server.until(lambda: all(routed(bot, one) for one in chats[1:]))


async def test_three_hundred_chats_that_lack_a_part_hold_up_nobody(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    """The homeserver lets so many state events be sent within so long, and no more."""
    bot.timing = attr.evolve(bot.timing, write=60.0)
    (control, _) = await settle_in(bot, alice, bob)
    await add_chat(bot, alice, control)
    chats, before = alice.chats, bindings(alice.world)
    await bot.stop()
    bot.database.unlink()
    for number in range(3, 301):
        chats.append(another_chat(alice, chats[1], number))
    for chat in chats:
        lose_part(alice, chat, "platform")
    bot.server.limit_messages(per_second=50, burst=5)

    await bot.start()
    await bot.server.until(lambda: bot.is_serving)
    unwritten = [one for one in chats if "platform" not in one.content(BINDING)]
    assert len(unwritten) > 200

    assert await answered(bot, bob, bob.chat)
    bot.server.endpoints.limits.clear()
    await rest(bot)
    assert {one.content(BINDING)["platform"] for one in chats} == {"fake"}
    assert bindings(alice.world).items() >= before.items()
    assert len(bindings(alice.world)) == 301


def another_chat(person: User, like: Room, number: int) -> Room:
    """A chat as the bot leaves it, made of another one of the same person's."""
    world, bot = person.world, like.creator
    room = world.create(bot, {"invite": [person.id]})
    person.join(room)
    binding = {
        **like.content(BINDING),
        "chat_id": f"C{number}",
        "platform_chat_id": f"talk-{number}",
    }
    put(person, room, (BINDING, ""), binding)
    put(person, room, ("m.space.parent", person.space.room_id), {"via": ["test"]})
    link = {**person.space.content(CHILD, like.room_id), "order": f"{number:06d}"}
    put(person, person.space, (CHILD, room.room_id), {**link, BINDING: binding})
    return room


def routed(bot: Bot, chat: Room) -> bool:
    return bot.plugin.services.routes.lookup(RoomID(chat.room_id)) is not None


async def answered(bot: Bot, person: User, chat: Room) -> bool:
    message = person.write(chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: replies(chat, message) == ["Answer to Hello"])
    return True
