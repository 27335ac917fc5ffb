"""The rooms of a person: what a new chat looks like in Matrix, and who may do what in it."""

from __future__ import annotations

import pytest

from ..fakes.homeserver import Homeserver
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Refusal
from ..fakes.stories import DATABASE, add_chat, ask, settle_in
from ..fakes.users import BINDING, CHILD, User, heard, links

PARENT = "m.space.parent"
JOIN_RULES = "m.room.join_rules"


async def test_a_new_chat_is_linked_both_ways_and_mirrored(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    chat = await add_chat(bot, alice, control, "Holiday plans")

    binding = chat.content(BINDING)
    assert chat.name == "Holiday plans"
    assert chat.content(PARENT, alice.space.room_id) == {"via": ["test"], "canonical": True}
    assert links(alice.space)[chat.room_id] == {
        "via": ["test"],
        "suggested": True,
        "order": "000002",
        BINDING: binding,
    }
    assert (binding["chat_id"], binding["space_id"]) == ("C2", alice.space.room_id)


async def test_chats_stand_in_the_space_in_the_order_of_their_numbers(
    bot: Bot, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    for _ in range(10):
        await add_chat(bot, alice, control)

    by_order = sorted(links(alice.space).items(), key=lambda link: link[1]["order"])
    assert [alice.world.rooms[room_id].name for room_id, _ in by_order] == [
        f"Chat {number}" for number in range(1, 12)
    ]


async def test_every_chat_is_a_conversation_of_its_own(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    for _ in range(3):
        await add_chat(bot, alice, control)

    conversations = {chat.content(BINDING)["platform_chat_id"] for chat in alice.chats}
    assert len(conversations) == 4


@DATABASE
async def test_the_number_of_an_archived_chat_is_not_given_again(
    bot: Bot, alice: User, keep_database: bool
) -> None:
    (control,) = await settle_in(bot, alice)
    await add_chat(bot, alice, control)
    await ask(bot, alice, control, "!archive C2")
    await bot.restart(keep_database=keep_database)

    chat = await add_chat(bot, alice, control)

    assert chat.content(BINDING)["chat_id"] == "C3"


async def test_the_owner_can_rename_reorder_and_remove_but_forge_nothing(
    bot: Bot, alice: User
) -> None:
    await settle_in(bot, alice)
    chat, space = alice.chat, alice.space

    alice.put_state(chat, ("m.room.name", ""), {"name": "Mine"})
    alice.put_state(space, (CHILD, chat.room_id), {"via": ["test"], "order": "a"})
    alice.put_state(space, (CHILD, chat.room_id), {})

    for room, kind in (
        (chat, (BINDING, "")),
        (space, ("chat.spacekeeper.space", "")),
        (chat, (PARENT, space.room_id)),
        (chat, ("m.room.power_levels", "")),
        (chat, ("m.room.tombstone", "")),
        (chat, (JOIN_RULES, "")),
    ):
        with pytest.raises(Refusal, match="may not send"):
            alice.put_state(room, kind, {"forged": True})


async def test_nobody_writes_in_the_space_itself(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)

    with pytest.raises(Refusal, match="may not send"):
        alice.write(alice.space, "Hello?")


@pytest.mark.parametrize("version", ["10", "11", "12"])
@pytest.mark.parametrize("configured", [False, True], ids=["default", "configured"])
async def test_a_person_is_served_in_every_room_version(
    bot: Bot, alice: User, version: str, configured: bool
) -> None:
    if configured:
        bot.text.text = f"room_version: '{version}'\n"
    else:
        alice.world.default_version = version
    (control,) = await settle_in(bot, alice)

    assert await ask(bot, alice, alice.chat, "Hello") == "Hello"
    chat = await add_chat(bot, alice, control)
    assert await ask(bot, alice, chat, "Here too") == "Here too"
    assert {room.version for room in (*alice.chats, alice.space)} == {version}
    for room in (*alice.chats, alice.space):
        assert (room.power(alice.id), room.power(BOT) >= 100) == (50, True)


async def test_the_owner_can_come_back_to_a_chat_from_the_space(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)

    alice.leave(alice.chat)
    alice.join(alice.chat)

    assert alice.chat.membership(alice.id) == "join"


@pytest.mark.parametrize(("version", "rule"), [("7", "invite"), ("8", "restricted")])
async def test_the_join_rule_is_one_that_the_room_version_knows(
    bot: Bot, alice: User, version: str, rule: str
) -> None:
    alice.world.default_version = version

    await settle_in(bot, alice)

    assert alice.chat.content(JOIN_RULES)["join_rule"] == rule


async def test_rooms_are_found_through_the_servers_of_the_bot_and_of_the_owner(
    bot: Bot, server: Homeserver
) -> None:
    bot.text.text = "permissions: {elsewhere: user}\n"
    carol = User(server.world, "carol", "elsewhere")

    (control,) = await settle_in(bot, carol)

    servers = ["test", "elsewhere"]
    assert links(carol.space)[carol.chat.room_id]["via"] == servers
    assert carol.chat.content(PARENT, carol.space.room_id)["via"] == servers
    assert f"{carol.space.room_id}?via=test&via=elsewhere" in heard(control)[0]


async def test_names_come_from_the_configuration(bot: Bot, alice: User) -> None:
    bot.text.text = 'names: {space: "{localpart} at work", chat: "No. {number}"}\n'

    await settle_in(bot, alice)

    assert (alice.space.name, alice.chat.name) == ("alice at work", "No. 1")


async def test_space_and_chat_are_private(bot: Bot, alice: User, bob: User) -> None:
    await settle_in(bot, alice)

    assert alice.space.content("m.room.join_rules") == {"join_rule": "invite"}
    for room in (alice.space, alice.chat):
        with pytest.raises(Exception, match="not invited"):
            bob.join(room)
