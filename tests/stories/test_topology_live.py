"""What people do to their rooms in any client takes effect, live and while nobody is there.

Each story is told three times: with the plugin running, with it stopped meanwhile, and with its
database deleted too.
"""

from __future__ import annotations

import attr
import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Hold
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import WHEN, ask, meanwhile, settle_in, settle_in_with_chats
from ..fakes.users import BINDING, CHILD, User, heard, links

# A start without a database reads each chat's own state only after the first answers.
pytestmark = pytest.mark.usefixtures("verifying")

ARCHIVED = "This chat is archived"


@WHEN
async def test_a_chat_that_its_owner_left_is_archived_and_comes_back_with_them(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    control = await settle_in_with_chats(bot, alice, 2)
    chat = alice.chats[1]
    async with meanwhile(bot, when):
        alice.leave(chat)

    assert chat.membership(alice.id) == "leave"
    assert "(archived)" in await ask(bot, alice, control, "!chats")
    async with meanwhile(bot, when):
        alice.join(chat)

    assert await ask(bot, alice, chat, "Back again") == "Answer to Back again"
    assert "(archived)" not in await ask(bot, alice, control, "!chats")


@WHEN
async def test_a_chat_taken_out_of_the_space_is_archived_until_it_is_put_back(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    await settle_in_with_chats(bot, alice, 2)
    chat = alice.chats[1]
    link = links(alice.space)[chat.room_id]
    async with meanwhile(bot, when):
        alice.put_state(alice.space, (CHILD, chat.room_id), {})

    assert (await ask(bot, alice, chat, "Hello?")).startswith(ARCHIVED)
    assert chat.room_id not in links(alice.space)
    async with meanwhile(bot, when):
        alice.put_state(alice.space, (CHILD, chat.room_id), {"via": link["via"]})

    assert await ask(bot, alice, chat, "Hello") == "Answer to Hello"
    assert links(alice.space)[chat.room_id][BINDING] == chat.content(BINDING)


@WHEN
async def test_a_chat_the_bot_was_put_out_of_is_lost_and_never_made_again(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    control = await settle_in_with_chats(bot, alice, 2)
    chat = alice.chats[1]
    async with meanwhile(bot, when):
        alice.world.append(chat, alice.id, {"membership": "ban"}, ("m.room.member", BOT))

    assert await ask(bot, alice, alice.chats[0], "Hello") == "Answer to Hello"
    assert len(alice.chats) == 2
    assert chat.name not in await ask(bot, alice, control, "!chats")
    if not when.endswith("gone"):
        assert "Lost chats: 1" in await ask(bot, alice, control, "!status")


@WHEN
async def test_a_space_the_bot_was_put_out_of_gets_a_successor_with_the_next_word(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    await settle_in_with_chats(bot, alice, 2)
    old, chats = alice.space, alice.chats
    async with meanwhile(bot, when):
        alice.world.append(old, alice.id, {"membership": "leave"}, ("m.room.member", BOT))
    assert alice.spaces == [old]

    for chat in chats:
        assert await ask(bot, alice, chat, "Hello") == "Answer to Hello"

    (_, new) = alice.spaces
    assert set(links(new)) == {chat.room_id for chat in chats}
    assert {chat.content(BINDING)["space_id"] for chat in chats} == {new.room_id}
    assert new.membership(alice.id) == "invite"
    assert len(alice.chats) == 2


@WHEN
async def test_an_owner_who_left_the_space_is_invited_back_with_their_next_word(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    await settle_in(bot, alice)
    space = alice.space
    async with meanwhile(bot, when):
        alice.leave(space)
    assert space.membership(alice.id) == "leave"

    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"

    assert alice.spaces == [space]
    assert space.membership(alice.id) == "invite"


async def test_an_owner_who_writes_before_it_is_known_that_they_left_is_invited_back_too(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.timing = attr.evolve(bot.timing, straggler=60.0)
    await settle_in(bot, alice)
    looking = bot.server.inject(Hold("^GET rooms/[^/]*/state$", None, room_id=alice.space.room_id))
    alice.leave(alice.space)
    alice.write(alice.chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: heard(alice.chat) == ["Answer to Hello"])
    alice.write(alice.chat, "Hello again")
    await bot.push()
    await bot.server.until(lambda: len(heard(alice.chat)) == 2)
    assert alice.space.membership(alice.id) == "leave"

    looking.release()
    await bot.server.until(lambda: alice.space.membership(alice.id) == "invite")
    await bot.settled()
    assert len([one for one in bot.server.changes() if one.endswith("/invite")]) == 1


async def test_an_owner_who_left_the_space_is_invited_back_after_any_number_of_restarts(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    """A start that finds nothing new does not look at the Space again."""
    await settle_in(bot, alice)
    alice.leave(alice.space)
    await bot.deliver()
    for _ in range(2):
        await bot.deliver()
        await bot.restart()

    await ask(bot, alice, alice.chat, "Hello")
    assert alice.space.membership(alice.id) == "invite"

    # What is known of it after that is right, too.
    await bot.deliver()
    await bot.restart()
    mark = len(bot.server.calls)
    await ask(bot, alice, alice.chat, "Hello?")
    assert [one for one in bot.server.calls[mark:] if alice.space.room_id in one.path] == []


async def test_what_a_guest_does_in_a_chat_changes_nothing(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    alice.let_in(bob, alice.chat)
    await bot.deliver()
    mark = len(bot.server.calls)

    bob.leave(alice.chat)
    await bot.deliver()

    assert bot.server.calls[mark:] == []
    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"


async def test_what_happens_to_one_reads_nobody_elses_rooms(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    mark = len(bot.server.calls)

    alice.put_state(alice.space, (CHILD, alice.chat.room_id), {})
    await bot.deliver()

    paths = [call.path for call in bot.server.calls[mark:]]
    assert any(alice.space.room_id in path for path in paths)
    assert not any(room.room_id in path for path in paths for room in (bob.space, bob.chat))


async def test_who_wrote_is_told_with_a_message_and_is_no_reason_to_look(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in_with_chats(bot, alice, 2)
    mark = len(bot.server.calls)

    for chat in alice.chats:
        assert await ask(bot, alice, chat, "Hello") == "Answer to Hello"
    # What the bot said comes back with the next sync, and with it that the bot is in the room.
    await bot.deliver()

    read = [str(call) for call in bot.server.calls[mark:] if call.path.endswith("/state")]
    assert read == []
