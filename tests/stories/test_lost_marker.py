"""A Space lost what says whose it is: it stays its owner's, and no second one is made."""

from __future__ import annotations

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.leftovers import put
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in_with_chats
from ..fakes.users import BINDING, CHILD, MARKER, User, bindings


@pytest.mark.parametrize("hint", [True, False], ids=["index kept", "index gone"])
@pytest.mark.parametrize("kept", [True, False], ids=["database kept", "database gone"])
async def test_a_space_without_its_marker_is_found_by_its_chats(
    bot: Bot, platform: FakePlatform, alice: User, kept: bool, hint: bool
) -> None:
    control = await settle_in_with_chats(bot, alice, 2)
    space, marker, before = alice.space, alice.space.content(MARKER), bindings(alice.world)
    await bot.stop()
    put(alice, space, (MARKER, ""), {})
    if not hint:
        alice.world.account_data.clear()

    await bot.restart(keep_database=kept)

    assert space.content(MARKER) == marker
    assert bindings(alice.world) == before
    assert "`C3`" in await ask(bot, alice, control, "!new")
    assert alice.spaces == [space]
    conversation = before[alice.chats[0].room_id][0]["platform_chat_id"]
    await ask(bot, alice, alice.chats[0], "Hello")
    assert platform.asked[-1] == (conversation, "Hello")


async def test_marker_and_a_part_of_each_chat_may_go_at_once(bot: Bot, alice: User) -> None:
    await settle_in_with_chats(bot, alice, 3)
    space, marker, before = alice.space, alice.space.content(MARKER), bindings(alice.world)
    chats = alice.chats
    await bot.stop()
    put(alice, space, (MARKER, ""), {})
    for chat, part in zip(chats, ("matrix_user_id", "platform", "chat_id"), strict=True):
        content = chat.content(BINDING)
        content = {key: value for key, value in content.items() if key != part}
        put(alice, chat, (BINDING, ""), content)
        link = space.content(CHILD, chat.room_id)
        put(alice, space, (CHILD, chat.room_id), {**link, BINDING: content})
    alice.world.account_data.clear()

    await bot.restart(keep_database=False)

    assert space.content(MARKER) == marker
    own = {room_id: binding for room_id, (binding, _) in bindings(alice.world).items()}
    assert own.keys() == before.keys()
    for room_id, (binding, mirror) in bindings(alice.world).items():
        assert binding == mirror
        assert binding["platform_chat_id"] == before[room_id][0]["platform_chat_id"]
