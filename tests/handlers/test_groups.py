"""Groups: nobody is made anything there, and only who turns to the bot is answered."""

from __future__ import annotations

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.homeserver import Homeserver
from ..fakes.leftovers import lasting
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import ask, open_group, settle_in
from ..fakes.users import User, heard, replies

TURNS_TO_BOT = [
    {"m.mentions": {"user_ids": [BOT]}},
    {"formatted_body": f'<a href="https://matrix.to/#/{BOT}">bot</a>: May I?'},
    {"body": f"{BOT}: May I?"},
    {"body": "!help"},
]
IDS = ["mention", "link of an older client", "user id", "command"]


@pytest.fixture
async def rested(bot: Bot, platform: FakePlatform) -> Bot:
    await bot.start()
    await bot.deliver()
    return bot


async def test_what_is_said_among_others_brings_nobody_anything(
    rested: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    group = await open_group(rested, alice, bob)
    mark = len(rested.server.calls)

    for person in (alice, bob, alice, bob):
        person.write(group, "Chatter")
        await rested.deliver()

    assert (heard(group), alice.spaces, bob.spaces, platform.asked) == ([], [], [], [])
    assert lasting(rested.server.changes(mark)) == []


async def test_what_is_said_among_others_costs_next_to_nothing(
    rested: Bot, alice: User, bob: User
) -> None:
    group = await open_group(rested, alice, bob)
    bob.write(group, "Chatter")
    await rested.deliver()
    mark = len(rested.server.calls)

    for _ in range(5):
        bob.write(group, "More of it")
        await rested.deliver()

    assert rested.server.calls[mark:] == []


@pytest.mark.parametrize("more", TURNS_TO_BOT, ids=IDS)
async def test_who_turns_to_the_bot_in_a_group_is_told_how_to_get_chats(
    rested: Bot, platform: FakePlatform, alice: User, bob: User, more: dict[str, object]
) -> None:
    group = await open_group(rested, alice, bob)
    bob.write(group, "Chatter")

    message = bob.write(group, "May I?", **more)
    await rested.deliver()

    (told,) = replies(group, message)
    assert "direct chat" in told
    assert (len(heard(group)), bob.spaces, platform.asked) == (1, [], [])


async def test_no_command_is_carried_out_in_a_group(
    rested: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(rested, alice, bob)
    group = await open_group(rested, alice, bob)

    alice.write(group, "!archive C1")
    alice.write(group, "!new")
    await rested.deliver()

    assert len(alice.chats) == 1
    assert await ask(rested, alice, alice.chat, "Hello") == "Answer to Hello"
    # The commands may have been meant for another bot: it is said once.
    assert len(heard(group)) == 1


async def test_who_is_not_permitted_hears_nothing_in_a_group(
    rested: Bot, server: Homeserver, platform: FakePlatform, alice: User
) -> None:
    mallory = User(server.world, "mallory", "elsewhere")
    group = await open_group(rested, alice, mallory)

    mallory.write(group, "Let me in", **{"m.mentions": {"user_ids": [BOT]}})
    await rested.deliver()

    assert (heard(group), mallory.spaces, platform.asked) == ([], [], [])


@pytest.mark.parametrize("entered", [True, False], ids=["in there", "still invited"])
async def test_whoever_invites_the_bot_to_a_group_is_made_nothing(
    rested: Bot, alice: User, bob: User, entered: bool
) -> None:
    group = alice.invite_bot(bob)
    if entered:
        bob.join(group)
    await rested.deliver()

    assert group.membership(BOT) == "join"
    assert (heard(group), alice.spaces, bob.spaces) == ([], [], [])


async def test_a_space_of_somebodys_own_is_no_direct_chat(rested: Bot, alice: User) -> None:
    body = {"creation_content": {"type": "m.space"}, "invite": [BOT]}
    theirs = alice.world.create(alice.id, body)
    await rested.deliver()

    assert theirs.membership(BOT) == "join"
    assert (heard(theirs), alice.spaces) == ([], [])


async def test_a_group_that_shrinks_to_two_is_a_control_room_at_once(
    rested: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(rested, alice)
    group = await open_group(rested, alice, bob)
    alice.write(group, "Chatter")
    alice.write(group, "!help")
    await rested.deliver()

    bob.leave(group)
    await rested.deliver()

    assert "C1" in await ask(rested, alice, group, "!chats")
    assert "Alice's chats" in await ask(rested, alice, group, "Hello?")


async def test_a_control_room_that_somebody_enters_is_a_group_at_once(
    rested: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    (control,) = await settle_in(rested, alice)
    assert "C1" in await ask(rested, alice, control, "!chats")

    alice.let_in(bob, control)
    await rested.deliver()

    assert "direct chat" in await ask(rested, alice, control, "!chats")
    unanswered = alice.write(control, "Hello?")
    await rested.deliver()
    assert replies(control, unanswered) == []
