"""Rooms that are upgraded or closed: the binding moves along, and nothing is made anew."""

from __future__ import annotations

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Hold
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import WHEN, add_chat, ask, meanwhile, settle_in, settle_in_with_chats
from ..fakes.users import BINDING, User, links, replies

# A start without a database reads each chat's own state only after the first answers.
pytestmark = pytest.mark.usefixtures("verifying")


def replace(person: User, room: Room, by: str = BOT) -> Room:
    """Upgrade a room, by default with the bot's account in some client; the owner comes along."""
    new = person.world.upgrade(by, room.room_id)
    person.accept_all()
    return new


def replace_without_bot(person: User, room: Room) -> Room:
    """Close a room for one that its owner made alone."""
    create = {"predecessor": {"room_id": room.room_id}}
    new = person.world.create(person.id, {"creation_content": create})
    levels = {**room.content("m.room.power_levels"), "users": {person.id: 100, BOT: 100}}
    person.put_state(new, ("m.room.power_levels", ""), levels)
    content = {"replacement_room": new.room_id}
    person.world.append(room, person.id, content, ("m.room.tombstone", ""))
    return new


def promote(person: User, room: Room) -> None:
    """Give a person the power that the bot has, as older rooms may have it."""
    levels = room.content("m.room.power_levels")
    users = {**levels["users"], person.id: 100}
    person.world.append(room, BOT, {**levels, "users": users}, ("m.room.power_levels", ""))


@WHEN
async def test_a_chat_that_its_owner_upgraded_goes_on_in_its_new_room(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    await settle_in(bot, alice)
    binding = alice.chat.content(BINDING)
    promote(alice, alice.chat)
    async with meanwhile(bot, when):
        new = replace(alice, alice.chat, by=alice.id)

    assert await ask(bot, alice, new, "Hello") == "Answer to Hello"
    assert platform.asked[-1][0] == binding["platform_chat_id"]
    assert list(links(alice.space)) == [new.room_id]
    assert len(alice.spaces) == 1


@WHEN
async def test_an_upgraded_chat_goes_on_in_its_new_room(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    await settle_in_with_chats(bot, alice, 2)
    old = alice.chats[1]
    binding = old.content(BINDING)
    async with meanwhile(bot, when):
        new = replace(alice, old)

    assert await ask(bot, alice, new, "Hello") == "Answer to Hello"
    assert new.content(BINDING) == binding
    assert platform.asked[-1][0] == binding["platform_chat_id"]
    assert set(links(alice.space)) == {alice.chats[0].room_id, new.room_id}
    assert len(alice.spaces) == 1


@WHEN
async def test_a_chat_upgraded_twice_is_followed_to_the_last_room(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    await settle_in(bot, alice)
    old = alice.chat
    async with meanwhile(bot, when):
        new = replace(alice, replace(alice, old))

    assert await ask(bot, alice, new, "Hello") == "Answer to Hello"
    assert list(links(alice.space)) == [new.room_id]


async def test_a_chat_upgraded_again_while_its_first_upgrade_is_seen_to_is_followed_too(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    """When the second upgrade comes, nobody knows yet that the room between is a chat."""
    (control,) = await settle_in(bot, alice)
    binding = alice.chat.content(BINDING)
    writing = Hold(f"^PUT rooms/[^/]*/state/{BINDING}")
    bot.server.inject(writing)

    between = replace(alice, alice.chat)
    await bot.push()
    await bot.server.until(writing.reached.is_set)
    last = replace(alice, between)
    asked = [alice.write(control, "!chats") for _ in range(5)]
    await bot.push()
    await bot.server.until(lambda: all(replies(control, one) for one in asked))
    writing.release()

    await bot.server.until(lambda: list(links(alice.space)) == [last.room_id])
    assert last.content(BINDING)["platform_chat_id"] == binding["platform_chat_id"]


@WHEN
async def test_an_upgraded_space_takes_its_chats_along(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    control = await settle_in_with_chats(bot, alice, 2)
    old = alice.space
    async with meanwhile(bot, when):
        new = replace(alice, old)

    for chat in alice.chats:
        assert await ask(bot, alice, chat, "Hello") == "Answer to Hello"
        assert chat.content(BINDING)["space_id"] == new.room_id
    assert set(links(new)) == {chat.room_id for chat in alice.chats}
    await add_chat(bot, alice, control)
    assert alice.chats[-1].room_id in links(new)
    assert not [room for room in alice.spaces if room not in (old, new)]


@pytest.mark.parametrize("when", ["live", "after a restart"])
async def test_an_upgraded_space_is_not_joined_again_nor_looked_at_for_others(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, when: str
) -> None:
    await settle_in(bot, alice, bob)
    old, other = alice.space, bob.chat
    replace(alice, old)
    await bot.deliver()

    async def come_and_go() -> None:
        bob.leave(other)
        await bot.deliver()
        bot.server.world.invite(BOT, other.room_id, bob.id)
        bob.join(other)
        await bot.deliver()

    if when != "live":
        await bot.restart()
        # What this run does not know yet it reads once.
        await come_and_go()
    mark = len(bot.server.calls)

    await come_and_go()

    asked = [str(call) for call in bot.server.calls[mark:]]
    assert [call for call in asked if old.room_id in call or call.endswith("/join")] == []


@WHEN
async def test_a_chat_closed_for_good_is_archived_and_cannot_be_restored(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    control = await settle_in_with_chats(bot, alice, 2)
    chat = alice.chats[1]
    async with meanwhile(bot, when):
        closing = {"body": "closed", "replacement_room": ""}
        alice.world.append(chat, BOT, closing, ("m.room.tombstone", ""))

    assert (await ask(bot, alice, control, "!restore C2")) == (
        "The room of `C2` was closed for good, so I can't bring it back. "
        "`!new` starts another chat."
    )
    assert (await ask(bot, alice, chat, "Hello?")).startswith("This chat is archived")
    assert len(alice.chats) == 2


@WHEN
async def test_a_chat_replaced_by_a_room_without_the_bot_goes_on_there_once_it_is_invited(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    control = await settle_in_with_chats(bot, alice, 2)
    chat = alice.chats[1]
    conversation = chat.content(BINDING)["platform_chat_id"]
    async with meanwhile(bot, when):
        new = replace_without_bot(alice, chat)

    answer = await ask(bot, alice, control, "!restore C2")
    assert answer.startswith("The room of `C2` was replaced by another one that I'm not in")
    assert (await ask(bot, alice, chat, "Hello?")).startswith("This chat is archived")
    async with meanwhile(bot, when):
        alice.world.invite(alice.id, new.room_id, BOT)

    assert await ask(bot, alice, new, "Hello") == "Answer to Hello"
    assert platform.asked[-1][0] == conversation
    assert set(links(alice.space)) == {alice.chats[0].room_id, new.room_id}


@WHEN
async def test_a_chat_that_was_replaced_is_not_brought_back_when_its_successor_is_lost(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    control = await settle_in_with_chats(bot, alice, 2)
    old = alice.chats[1]
    new = replace(alice, old)
    await bot.deliver()
    async with meanwhile(bot, when):
        alice.world.append(new, alice.id, {"membership": "ban"}, ("m.room.member", BOT))

    answer = await ask(bot, alice, control, "!restore C2")
    assert answer == "I am no longer in the room of `C2`, so I can't bring it back."
    assert "C2" not in await ask(bot, alice, control, "!chats")
    assert list(links(alice.space)).count(old.room_id) == 0
