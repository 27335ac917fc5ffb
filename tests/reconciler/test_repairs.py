"""What is missing or altered in Matrix is put right, from what stands elsewhere in Matrix."""

from __future__ import annotations

from ..fakes.faults import Hold
from ..fakes.leftovers import put
from ..fakes.maubot import Bot
from ..fakes.stories import settle_in
from ..fakes.users import BINDING, CHILD, User, bindings, links


async def test_a_mirror_that_is_missing_is_written_again(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)
    before = bindings(alice.world)
    put(alice, alice.space, (CHILD, alice.chat.room_id), {"via": ["test"]})

    await bot.restart(keep_database=False)

    assert bindings(alice.world) == before


async def test_a_mirror_that_the_owner_altered_is_read_from_the_room_again(
    bot: Bot, alice: User
) -> None:
    await settle_in(bot, alice)
    before = bindings(alice.world)
    link = links(alice.space)[alice.chat.room_id]
    forged = {**link[BINDING], "platform_chat_id": "somebody else's"}
    alice.put_state(
        alice.space, (CHILD, alice.chat.room_id), {**link, "order": "top", BINDING: forged}
    )

    await bot.restart(keep_database=False)

    assert bindings(alice.world) == before
    assert links(alice.space)[alice.chat.room_id]["order"] == "top"


async def test_a_mirror_that_differs_from_the_room_is_put_right(
    bot: Bot, verifying: None, alice: User
) -> None:
    await settle_in(bot, alice)
    before = bindings(alice.world)
    link = links(alice.space)[alice.chat.room_id]
    stale = {**link[BINDING], "platform_chat_id": "of another time"}
    put(alice, alice.space, (CHILD, alice.chat.room_id), {**link, BINDING: stale})

    await bot.restart(keep_database=False)

    assert bindings(alice.world) == before


async def test_a_chat_that_was_never_linked_is_linked(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    cut = bot.server.inject(Hold(f"PUT .*{CHILD}", times=None))
    alice.write(control, "!new")
    await bot.push()
    await cut.reached.wait()
    await bot.kill()
    bot.server.heal()

    await bot.start()
    await bot.settled()

    assert list(links(alice.space)) == [chat.room_id for chat in alice.chats]
    assert len(alice.chats) == 2


async def test_a_binding_that_is_gone_from_its_room_comes_back_from_the_mirror(
    bot: Bot, verifying: None, alice: User
) -> None:
    await settle_in(bot, alice)
    before = bindings(alice.world)
    chat = alice.chat
    put(alice, chat, (BINDING, ""), {})

    await bot.restart(keep_database=False)

    assert bindings(alice.world) == before
    assert alice.chats == [chat]


async def test_a_parent_that_is_gone_is_written_again(
    bot: Bot, verifying: None, alice: User
) -> None:
    await settle_in(bot, alice)
    kind = ("m.space.parent", alice.space.room_id)
    before = alice.chat.content(*kind)
    put(alice, alice.chat, kind, {})

    await bot.restart(keep_database=False)

    assert alice.chat.content(*kind) == before
