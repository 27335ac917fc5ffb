"""What stands in Matrix comes back as routes, and what is missing there is put right.

Topology in; bindings, links and answers out. Nothing that stands is ever made a second time.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from mautrix.types import EventType

from plugin.planner.plan import Plan
from plugin.topology.contents import backfilled_id
from plugin.topology.model import Topology

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Hold
from ..fakes.homeserver import Homeserver
from ..fakes.leftovers import forget_binding, make_legacy_chat
from ..fakes.maubot import Bot
from ..fakes.rooms import Room
from ..fakes.stories import DATABASE, ask, settle_in, settle_in_with_chats
from ..fakes.users import BINDING, User, bindings, heard, links

# How far the bot has seen, in its own account data: no more than a bookmark.
CURSOR = "account_data/chat.spacekeeper.cursor.spacekeeper"


def handle_of(chat: Room) -> object:
    return chat.content(BINDING).get("chat_id")


@DATABASE
async def test_where_nothing_is_missing_nothing_is_written(
    bot: Bot, verifying: None, alice: User, bob: User, keep_database: bool
) -> None:
    await settle_in_with_chats(bot, alice, 3)
    await settle_in_with_chats(bot, bob, 2)
    await bot.restart()
    before, mark = len(alice.world.log), len(bot.server.calls)

    await bot.restart(keep_database=keep_database)

    assert [one for one in bot.server.changes(mark) if not one.endswith(CURSOR)] == []
    assert len(alice.world.log) == before


@pytest.mark.parametrize("version", ["10", "12"])
async def test_without_a_database_every_chat_answers_as_before(
    bot: Bot, platform: FakePlatform, alice: User, version: str
) -> None:
    alice.world.default_version = version
    await settle_in_with_chats(bot, alice, 3)
    before = bindings(alice.world)

    await bot.restart(keep_database=False)

    for chat in alice.chats:
        assert await ask(bot, alice, chat, "Hello") == "Answer to Hello"
    assert bindings(alice.world) == before
    assert [conversation for conversation, _ in platform.asked] == [
        chat.content(BINDING)["platform_chat_id"] for chat in alice.chats
    ]


async def test_an_existing_room_never_reaches_the_path_for_unknown_rooms(
    bot: Bot, alice: User
) -> None:
    control = await settle_in_with_chats(bot, alice, 3)
    await bot.restart(keep_database=False)

    for chat in alice.chats:
        await ask(bot, alice, chat, "Hello")
        assert heard(chat) == ["Hello"]
    assert len(heard(control)) == 3
    assert (len(alice.spaces), len(alice.chats)) == (1, 3)


@pytest.mark.parametrize("which", ["joined_rooms", r"rooms/[^/]*/state$"])
async def test_reconciliation_is_over_before_anything_is_handled(
    bot: Bot, alice: User, which: str
) -> None:
    await settle_in_with_chats(bot, alice, 2)
    await bot.stop()
    bot.database.unlink()
    bot.text.text = "startup: {wait: 0.05}\n"
    walk = bot.server.inject(Hold(f"GET {which}", times=None))

    await bot.start()
    assert walk.reached.is_set()
    assert EventType.ROOM_MESSAGE not in bot.client.event_handlers
    assert EventType.ROOM_MEMBER not in bot.client.event_handlers
    message = alice.write(alice.chats[1], "Written during the walk")
    await bot.push()
    walk.release()
    await bot.settled()

    assert EventType.ROOM_MESSAGE in bot.client.event_handlers
    assert heard(alice.chats[1])[-1] == message["content"]["body"]
    assert len(alice.chats) == 2


async def test_these_tests_can_fail(
    bot: Bot, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    bot.database.unlink()
    # Whatever was seen, nothing comes of it.
    monkeypatch.setattr("plugin.reconciler.observe.make_plan", lambda *_: Plan(Topology()))
    await bot.start()
    await bot.settled()

    alice.write(alice.chats[0], "Hello")
    await bot.deliver()

    (answer,) = heard(alice.chats[0])
    assert answer.startswith("I answer in ")
    assert len(alice.spaces) == 2


async def test_legacy_chats_are_bound_in_the_order_of_their_making(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    rooms = [make_legacy_chat(alice, name) for name in ("Old", "Older", "Oldest")]
    # Linked in another order, and two of them made in the same millisecond.
    rooms[2].state["m.room.create", ""]["origin_server_ts"] = 1
    rooms[1].state["m.room.create", ""]["origin_server_ts"] = 1

    await bot.restart(keep_database=False)

    assert [handle_of(room) for room in rooms] == ["C4", "C2", "C3"]
    for room in rooms:
        binding = room.content(BINDING)
        assert binding["platform_chat_id"] == backfilled_id(room.room_id)  # type: ignore[arg-type]
        assert binding["platform"] == "fake"
        assert links(alice.space)[room.room_id][BINDING] == binding
        assert await ask(bot, alice, room, "Hello") == "Answer to Hello"


async def test_backfill_comes_to_the_same_on_any_machine(
    server: Homeserver, tmp_path: Path, alice: User
) -> None:
    results: list[object] = []
    for machine in ("one", "two"):
        (tmp_path / machine).mkdir()
        bot = Bot(server, tmp_path / machine)
        if not results:
            await settle_in_with_chats(bot, alice, 4)
        for chat in alice.world.rooms.values():
            if chat.content(BINDING):
                forget_binding(alice, chat)
        await bot.restart(keep_database=False)
        results.append(bindings(alice.world))
        await bot.close()

    assert len(bindings(alice.world)) == 4
    assert results[0] == results[1]
