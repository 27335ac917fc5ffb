"""Somebody invites the bot, and gets a Space of their own with a first chat in it.

However often it is invited, from wherever: one Space, one first chat, one welcome in each room.
"""

from __future__ import annotations

import asyncio

import pytest

from ..fakes.homeserver import Homeserver
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import add_chat, ask, assert_at_home, settle_in
from ..fakes.users import BINDING, User, heard


async def test_an_invitation_brings_a_space_and_a_first_chat(bot: Bot, alice: User) -> None:
    await bot.start()
    await bot.settled()
    room = alice.invite_bot()

    await bot.deliver()

    assert_at_home(alice, room)
    assert (alice.space.name, alice.chat.name) == ("Alice's chats", "Chat 1")
    assert (alice.space.is_space, alice.chat.is_space) == (True, False)


async def test_the_welcome_links_to_the_space_and_the_first_chat(bot: Bot, alice: User) -> None:
    (room,) = await settle_in(bot, alice)

    assert heard(room) == [
        "Welcome! I've made a private Space for you: "
        f"**[Alice's chats](https://matrix.to/#/{alice.space.room_id}?via=test)**. "
        "Accept the two invitations and ask your first question in "
        f"**[Chat 1](https://matrix.to/#/{alice.chat.room_id}?via=test)**. "
        "More chats: `!new`. Everything else: `!help`."
    ]


@pytest.mark.parametrize("encrypted", [False, True], ids=["readable", "encrypted"])
async def test_who_has_a_space_is_not_told_in_another_direct_chat_that_it_was_made(
    bot: Bot, alice: User, encrypted: bool
) -> None:
    await settle_in(bot, alice)
    again = alice.invite_bot()
    if encrypted:
        alice.turn_on_encryption(again)

    await bot.deliver()

    place = f"https://matrix.to/#/{alice.space.room_id}?via=test"
    unreadable = (
        " This direct chat is encrypted, and I can't read it: commands work in your chats."
    )
    assert heard(again) == [
        f"Welcome! Your private Space is **[Alice's chats]({place})**: please accept its "
        "invitation if you haven't yet. Ask me anything in "
        f"**[Chat 1](https://matrix.to/#/{alice.chat.room_id}?via=test)**. "
        f"More chats: `!new`. Everything else: `!help`.{unreadable if encrypted else ''}"
    ]


@pytest.mark.parametrize("gone", ["archived", "lost"])
async def test_the_welcome_links_to_a_chat_that_answers(
    bot: Bot, server: Homeserver, alice: User, gone: str
) -> None:
    (control,) = await settle_in(bot, alice)
    second = await add_chat(bot, alice, control)
    first = alice.chats[0]
    if gone == "archived":
        await ask(bot, alice, control, "!archive C1")
    else:
        server.world.leave(BOT, first.room_id)
    await bot.deliver()
    again = alice.invite_bot()

    await bot.deliver()

    (welcome,) = heard(again)
    assert second.room_id in welcome
    assert first.room_id not in welcome


async def test_who_has_no_chat_that_answers_is_welcomed_without_a_link_to_one(
    bot: Bot, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    await ask(bot, alice, control, "!archive C1")
    again = alice.invite_bot()

    await bot.deliver()

    (welcome,) = heard(again)
    assert alice.space.room_id in welcome
    assert alice.chat.room_id not in welcome
    assert "Start a chat: `!new`" in welcome


async def test_a_room_can_be_recognised_from_its_first_event_on(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    await settle_in(bot, alice)

    for room in (alice.space, alice.chat):
        before_anybody_came = [event["type"] for event in room.timeline if event["sender"] == BOT]
        invited = before_anybody_came.index("m.room.name") + 1
        assert before_anybody_came[invited] == "m.room.member"
    assert not [change for change in server.changes() if "invite" in change]


async def test_inviting_again_leads_to_the_same_space(bot: Bot, alice: User) -> None:
    (first,) = await settle_in(bot, alice)
    second = alice.invite_bot()

    await bot.deliver()

    assert_at_home(alice, first, second)


async def test_three_invitations_at_once_bring_one_space(bot: Bot, alice: User) -> None:
    await bot.start()
    await bot.settled()
    rooms = [alice.invite_bot() for _ in range(3)]

    await bot.deliver()

    assert_at_home(alice, *rooms)


async def test_two_people_at_once_get_a_space_each(bot: Bot, alice: User, bob: User) -> None:
    await bot.start()
    await bot.settled()
    rooms = [alice.invite_bot(), bob.invite_bot()]

    await bot.deliver()

    assert_at_home(alice, rooms[0])
    assert_at_home(bob, rooms[1])
    assert bob.space.membership(alice.id) == "leave"


async def test_an_invitation_that_comes_two_ways_is_welcomed_once(bot: Bot, alice: User) -> None:
    # It falls into the time between the plugin's own look and maubot's first sync, and is in both.
    await bot.start()
    room = alice.invite_bot()

    await bot.deliver()

    assert_at_home(alice, room)


async def test_an_invitation_from_while_the_bot_was_down_is_answered(
    bot: Bot, alice: User
) -> None:
    await bot.start()
    await bot.stop()
    room = alice.invite_bot()

    await bot.restart()

    assert_at_home(alice, room)


async def test_a_bot_that_joins_by_itself_welcomes_just_the_same(bot: Bot, alice: User) -> None:
    bot.autojoin = True
    (room,) = await settle_in(bot, alice)

    assert_at_home(alice, room)


async def test_the_name_in_the_user_id_stands_in_for_a_missing_display_name(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    del server.world.names[alice.id]

    await settle_in(bot, alice)

    assert alice.space.name == "alice's chats"


async def test_a_first_chat_is_bound_to_its_owner_its_space_and_the_platform(
    bot: Bot, alice: User
) -> None:
    await settle_in(bot, alice)

    binding = alice.chat.content(BINDING)
    conversation = binding.pop("platform_chat_id")
    assert len(conversation) == 36
    assert binding == {
        "v": 1,
        "instance": "spacekeeper",
        "room_type": "chat",
        "chat_id": "C1",
        "space_id": alice.space.room_id,
        "matrix_user_id": alice.id,
        "platform": "echo",
    }


async def test_many_people_at_once_are_all_served(bot: Bot, server: Homeserver) -> None:
    people = [User(server.world, f"person{number}") for number in range(12)]
    rooms = await asyncio.wait_for(settle_in(bot, *people), 10)

    for person, room in zip(people, rooms, strict=True):
        assert_at_home(person, room)
