"""The commands, in chats and in the control room: every answer, and what is different after it."""

from __future__ import annotations

import re

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Hold
from ..fakes.homeserver import Homeserver
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import add_chat, ask, have_set_aside, settle_in
from ..fakes.users import CHILD, User, links, replies

PARENT = "m.space.parent"


def url(room: Room) -> str:
    return f"https://matrix.to/#/{room.room_id}?via=test"


async def test_new_makes_a_chat_with_a_title(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)

    reply = await ask(bot, alice, control, "!new  Holiday\nplans ")

    chat = alice.chats[-1]
    assert chat.name == "Holiday plans"
    assert chat.membership(alice.id) == "invite"
    assert reply == f"**[Holiday plans]({url(chat)})** (`C2`) is ready."


async def test_new_in_a_chat_makes_a_chat_beside_it(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)

    reply = await ask(bot, alice, alice.chat, "!new")

    chat = alice.chats[-1]
    assert reply == f"**[Chat 2]({url(chat)})** (`C2`) is ready."
    assert len(links(alice.space)) == 2


async def test_chats_lists_them_by_number_the_archived_ones_too(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    await add_chat(bot, alice, control, "C_s *stars*")
    await ask(bot, alice, control, "!archive c1")

    first, second = alice.chats
    assert await ask(bot, alice, second, "!chats") == (
        f"Your chats:\n\n- `C1` [Chat 1]({url(first)}) (archived)\n"
        f"- `C2` [C\\_s \\*stars\\*]({url(second)})"
    )


async def test_chats_before_there_are_any(bot: Bot, alice: User) -> None:
    bot.server.inject(Answer("createRoom", times=None))
    (control,) = await settle_in(bot, alice)

    message = alice.write(control, "!chats")
    await bot.deliver()

    assert replies(control, message)[0] == "You have no chats yet. `!new` starts one."


async def test_rename_names_the_chat_it_is_given_in(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)

    reply = await ask(bot, alice, alice.chat, "!rename Tax _2026_")

    assert alice.chat.name == "Tax _2026_"
    assert reply == "`C1` is now called **Tax \\_2026\\_**."


async def test_rename_in_the_control_room_names_the_chat_it_is_told(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)

    await ask(bot, alice, control, "!rename C1 Tax")

    assert (alice.chat.name, control.name) == ("Tax", "")


async def test_archive_takes_the_chat_out_of_the_space_and_keeps_the_room(
    bot: Bot, alice: User
) -> None:
    await settle_in(bot, alice)

    reply = await ask(bot, alice, alice.chat, "!archive")

    assert links(alice.space) == {}
    assert alice.chat.membership(BOT) == alice.chat.membership(alice.id) == "join"
    assert reply == (
        "`C1` is archived: it is kept, and I no longer answer in it. `!restore C1` brings it back."
    )


@pytest.mark.parametrize("by", ["a command", "the owner's client"])
async def test_an_archived_chat_no_longer_says_that_it_is_in_the_space(
    bot: Bot, alice: User, by: str
) -> None:
    (control,) = await settle_in(bot, alice)
    space, chat = alice.space, alice.chat
    before = chat.content(PARENT, space.room_id)
    if by == "a command":
        await ask(bot, alice, control, "!archive C1")
    else:
        alice.put_state(space, (CHILD, chat.room_id), {})
        await bot.deliver()

    archived = chat.content(PARENT, space.room_id)
    await ask(bot, alice, control, "!restore C1")

    assert before["via"] == ["test"]
    assert archived == {}
    assert chat.content(PARENT, space.room_id) == before


async def test_archive_twice_changes_nothing(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    await ask(bot, alice, control, "!archive C1")
    before = alice.space.state[CHILD, alice.chat.room_id]

    assert await ask(bot, alice, control, "!archive 1") == "`C1` is already archived."
    assert alice.space.state[CHILD, alice.chat.room_id] is before


async def test_restore_brings_the_chat_and_its_owner_back(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    chat = alice.chat
    linked = links(alice.space)
    await ask(bot, alice, control, "!archive C1")
    alice.leave(chat)
    await bot.deliver()

    reply = await ask(bot, alice, control, "!restore C1")

    back = f"**[Chat 1]({url(chat)})** (`C1`) is back in your Space."
    assert reply == f"{back} I've invited you to it again."
    assert links(alice.space) == linked
    assert chat.membership(alice.id) == "invite"
    alice.join(chat)
    assert await ask(bot, alice, chat, "Still there?") == "Still there?"


@pytest.mark.parametrize("kind", ["m.space.child", "m.space.parent"])
async def test_a_look_in_the_middle_of_a_restore_does_not_undo_it(
    bot: Bot, alice: User, kind: str
) -> None:
    (control,) = await settle_in(bot, alice)
    space, chat = alice.space, alice.chat
    await ask(bot, alice, control, "!archive C1")
    writing = bot.server.inject(Hold(f"PUT .*{kind}"))
    alice.write(control, "!restore C1")
    await bot.push()
    await writing.reached.wait()

    await bot.plugin.services.reconciler.run("the story wants a look")
    writing.release()
    await bot.settled()

    assert list(links(space)) == [chat.room_id]
    assert chat.content(PARENT, space.room_id)["via"] == ["test"]
    assert await ask(bot, alice, chat, "Still there?") == "Still there?"


async def test_restore_works_in_the_archived_chat_itself(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)
    await ask(bot, alice, alice.chat, "!archive")

    await ask(bot, alice, alice.chat, "!restore C1")

    assert await ask(bot, alice, alice.chat, "Hello") == "Hello"


async def test_space_shows_the_way_and_invites_who_left(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    space, link = alice.space, f"[Alice's chats]({url(alice.space)})"
    assert await ask(bot, alice, control, "!space") == f"Your chats are in **{link}**."

    alice.leave(space)
    await bot.deliver()

    assert await ask(bot, alice, control, "!space") == f"I've invited you to **{link}** again."
    assert space.membership(alice.id) == "invite"
    assert alice.spaces == [space]


async def test_status_counts_the_chats_and_says_that_all_is_well(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    await add_chat(bot, alice, control)
    assert await ask(bot, alice, control, "!status") == (
        "You have 2 chats (none archived). Everything is working."
    )

    await ask(bot, alice, control, "!archive C2")

    assert await ask(bot, alice, control, "!status") == (
        "You have 2 chats (1 archived). Everything is working."
    )


async def test_status_says_what_is_not_well(
    bot: Bot, platform: FakePlatform, server: Homeserver, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    await have_set_aside(bot, platform, alice, "Hello")
    await bot.configure("permissions: {local: user}\n")
    await add_chat(bot, alice, control)
    await add_chat(bot, alice, control)
    server.world.leave(BOT, alice.chats[2].room_id)
    await bot.deliver()

    assert await ask(bot, alice, control, "!status") == (
        "You have 2 chats (none archived). "
        "Messages without an answer: 1. `!retry` in their chat asks again. "
        "Lost chats: 1. I am no longer in their rooms. "
        "The assistant of `C1` is not available just now."
    )


async def test_status_tells_administrators_of_the_platforms(bot: Bot, alice: User) -> None:
    bot.text.text = "permissions: {local: admin}\n"
    (control,) = await settle_in(bot, alice)

    assert "Platforms: `echo`; new chats use `echo`." in await ask(bot, alice, control, "!status")


async def test_help_lists_every_command(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)

    reply = await ask(bot, alice, alice.chat, "!help")

    listed = re.findall(r"^- `!([a-z]+)", reply, re.MULTILINE)
    expected = ["new", "chats", "rename", "archive", "restore", "space", "status", "help"]
    assert [name for name in listed if name in expected] == expected
