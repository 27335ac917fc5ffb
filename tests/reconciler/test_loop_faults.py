"""What is found cannot be read, makes no sense, or was put there by somebody else.

From a look that failed nothing is concluded, and nobody but the bot can bind a room.
"""

from __future__ import annotations

from collections.abc import Callable

import attr
import pytest
from mautrix.types import EventType

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Drop, Fault
from ..fakes.leftovers import lasting, put
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import DATABASE, ask, open_group, settle_in, settle_in_with_chats
from ..fakes.users import BINDING, CHILD, MARKER, User, bindings, links

STATE = r"GET rooms/[^/]*/state$"
SILENCE: dict[str, Callable[[], Fault]] = {
    "HTML": lambda: Answer(STATE, times=None, status=200),
    "500": lambda: Answer(STATE, times=None, status=500),
    "404 of a proxy": lambda: Answer(STATE, times=None, status=404),
    "no JSON": lambda: Answer(STATE, times=None, status=200, body='[{"ty'),
    "no room": lambda: Answer(STATE, times=None, status=200, body="[]"),
    "429": lambda: Answer(STATE, times=None, status=429, body={"retry_after_ms": 1}),
    "cut": lambda: Drop(STATE, times=None),
}


@DATABASE
@pytest.mark.parametrize("kind", SILENCE)
async def test_from_a_look_that_failed_nothing_is_concluded(
    bot: Bot, alice: User, impatient: None, kind: str, keep_database: bool
) -> None:
    # How such a wait ends, in a second Space, is told elsewhere.
    bot.timing = attr.evolve(bot.timing, room_wait=3600.0)
    control = await settle_in_with_chats(bot, alice, 2)
    before, mark = bindings(alice.world), len(bot.server.calls)
    await bot.stop()
    if not keep_database:
        bot.database.unlink()
    alice.put_state(alice.space, ("m.room.name", ""), {"name": "Changed meanwhile"})
    fault = bot.server.inject(SILENCE[kind]())
    await bot.start()

    alice.write(control, "Is anybody there?")
    alice.write(alice.chats[0], "And here?")
    await bot.deliver()
    assert lasting(bot.server.changes(mark)) == []
    bot.server.lift(fault)
    await bot.deliver()

    for chat in alice.chats:
        assert await ask(bot, alice, chat, "Hello") == "Hello"
    assert bindings(alice.world) == before
    assert len(alice.spaces) == 1


async def test_what_is_malformed_costs_itself_alone(bot: Bot, alice: User) -> None:
    await settle_in_with_chats(bot, alice, 2)
    before = bindings(alice.world)
    space = alice.space
    put(alice, space, (CHILD, "!nonsense:test"), {"via": "test"})
    put(alice, space, (CHILD, "!listless:test"), {"via": [1, None]})
    put(alice, space, ("m.room.member", "@odd:test"), {"membership": "levitating"})
    put(alice, space, ("m.room.name", ""), {"name": 7})
    space.state["m.room.topic", ""] = {"type": "m.room.topic", "state_key": "", "content": None}

    await bot.restart(keep_database=False)

    assert bindings(alice.world) == before
    for chat in alice.chats:
        assert await ask(bot, alice, chat, "Hello") == "Hello"


async def test_a_binding_that_the_bot_did_not_send_binds_nothing(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    forged = {**bob.chat.content(BINDING), "matrix_user_id": alice.id}
    trap = await open_group(bot, alice, bob)
    alice.put_state(trap, (BINDING, ""), forged)
    link = {"via": ["test"], BINDING: forged}
    alice.put_state(alice.space, (CHILD, trap.room_id), link)
    before = trap.content(BINDING)

    await bot.restart(keep_database=False)
    alice.write(trap, "Let me into Bob's conversation")
    await bot.deliver()

    assert platform.asked == []
    assert trap.content(BINDING) == before
    assert bob.chat.content(BINDING)["matrix_user_id"] == bob.id


async def test_a_marker_that_the_bot_did_not_send_marks_nothing(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)
    body = {"creation_content": {"type": "m.space"}, "invite": [BOT]}
    trap = alice.world.create(alice.id, body)
    alice.put_state(trap, (MARKER, ""), {"v": 1, "matrix_user_id": alice.id})
    alice.world.join(BOT, trap.room_id)
    (_, ours) = sorted(alice.spaces, key=lambda room: room.creator != alice.id)

    await bot.restart(keep_database=False)
    await ask(bot, alice, alice.chat, "!new")

    assert len(links(ours)) == 2
    assert links(trap) == {}


async def test_a_homeserver_that_is_away_holds_nothing_up(
    bot: Bot, alice: User, impatient: None
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    bot.database.unlink()
    bot.text.text = "startup: {wait: 0.05}\n"
    bot.server.inject(Drop(".", times=None))

    await bot.start()
    assert EventType.ROOM_MESSAGE not in bot.client.event_handlers
    bot.server.heal()
    await bot.server.until(lambda: EventType.ROOM_MESSAGE in bot.client.event_handlers)

    assert await ask(bot, alice, alice.chat, "There you are") == "There you are"
