"""Many people arrive at once, and the homeserver makes only so many rooms in a time.

Whoever has to wait is greeted at once and told for how long; whatever is interrupted meanwhile is
found by the next start.
"""

from __future__ import annotations

import attr
import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Hold
from ..fakes.homeserver import Homeserver
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import DATABASE, ask, settle_in
from ..fakes.users import User, heard, links, replies

HELLO = "Hello! I am preparing your Space; many people are arriving, so it takes about {}."
THREE_MINUTES = {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 180_000}
STEPS = 24


@pytest.fixture(autouse=True)
def short_waits(bot: Bot) -> None:
    """Whoever waits for a moment is told."""
    bot.timing = attr.evolve(bot.timing, tell=0.05)


def assert_settled(person: User, control: Room) -> None:
    """One Space with one chat; greeted once before, perhaps, and welcomed once."""
    assert list(links(person.space)) == [person.chat.room_id]
    *hello, welcome = heard(control)
    assert person.space.room_id in welcome
    assert [text.startswith("Hello!") for text in hello] in ([], [True])


async def arrive(bot: Bot, person: User) -> Room:
    """Invite the bot, and wait until it said something."""
    if not bot.running:
        await bot.start()
        await bot.settled()
    room = person.invite_bot()
    await bot.push()
    await bot.server.until(lambda: heard(room) != [])
    return room


async def test_who_has_to_wait_is_greeted_at_once_and_told_for_how_long(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    server.inject(Answer("createRoom", times=None, status=429, body=THREE_MINUTES))

    room = await arrive(bot, alice)

    # The Space and the chat: three minutes until the next room, and three until the one after.
    assert heard(room) == [HELLO.format("6 minutes")]
    assert room.membership(BOT) == "join"


async def test_who_comes_later_is_told_of_a_longer_wait(
    bot: Bot, server: Homeserver, alice: User, bob: User
) -> None:
    server.inject(Answer("createRoom", times=None, status=429, body=THREE_MINUTES))
    await arrive(bot, alice)

    room = await arrive(bot, bob)

    assert heard(room) == [HELLO.format("12 minutes")]


async def test_the_usual_limit_is_foreseen_before_it_is_met(bot: Bot, server: Homeserver) -> None:
    # The first limit that is met on the way is a shorter one.
    moment = {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 5_000}
    server.inject(Answer("createRoom", times=None, status=429, body=moment))
    people = [User(server.world, f"person{number}") for number in range(7)]

    said = [heard(await arrive(bot, person)) for person in people]

    # Ten rooms at once, and then one a minute; of fourteen, the last four wait for that.
    assert said[-1] == [HELLO.format("4 minutes")]


async def test_who_need_not_wait_is_just_welcomed(bot: Bot, alice: User) -> None:
    (room,) = await settle_in(bot, alice)

    assert_settled(alice, room)
    assert len(heard(room)) == 1


@DATABASE
async def test_who_was_greeted_before_a_kill_is_served_by_the_next_start(
    bot: Bot, server: Homeserver, alice: User, *, keep_database: bool
) -> None:
    server.inject(Answer("createRoom", times=None, status=429, body=THREE_MINUTES))
    room = await arrive(bot, alice)

    await bot.kill()
    server.heal()
    if not keep_database:
        bot.database.unlink()
    await bot.start()
    await bot.settled()

    assert_settled(alice, room)
    assert len(heard(room)) == 2


@DATABASE
@pytest.mark.parametrize("step", range(STEPS))
async def test_a_kill_while_somebody_waits_loses_nothing_and_makes_nothing_twice(
    bot: Bot, server: Homeserver, alice: User, step: int, *, keep_database: bool
) -> None:
    await bot.start()
    await bot.settled()
    server.limit_rooms(per_second=5, burst=1)
    crash = server.inject(Hold(".", times=None, skip=step, after=step % 2 == 0))
    room = alice.invite_bot()
    await bot.push()
    await server.until(
        lambda: crash.reached.is_set() or any("Welcome" in text for text in heard(room))
    )

    await bot.kill()
    server.heal()
    if not keep_database:
        bot.database.unlink()
    await bot.start()
    await bot.settled()
    await server.until(lambda: len(alice.spaces) == len(alice.chats) == 1 and heard(room) != [])
    await bot.settled()

    assert_settled(alice, room)
    assert await ask(bot, alice, room, "!chats")


async def test_who_writes_while_they_wait_is_told_and_then_answered(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    server.limit_rooms(per_second=3, burst=1)
    room = await arrive(bot, alice)

    message = alice.write(room, "Hello?")
    await bot.push()
    await server.until(lambda: replies(room, message) != [])
    await bot.settled()

    assert alice.space.room_id in replies(room, message)[-1]
    assert "does not answer" not in " ".join(heard(room))


async def test_who_asks_for_help_while_they_wait_gets_it_at_once(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    server.inject(Answer("createRoom", times=None, status=429, body=THREE_MINUTES))
    room = await arrive(bot, alice)

    for command, answer in (("!help", "These commands do more"), ("!hlep", "Did you mean")):
        message = alice.write(room, command)
        await bot.push()
        await server.until(lambda: replies(room, message) != [])  # noqa: B023 (awaited here)
        assert answer in replies(room, message)[0]


async def test_whose_space_is_lost_while_rooms_have_to_wait_is_answered_meanwhile(
    bot: Bot, server: Homeserver, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    server.world.leave(BOT, alice.space.room_id)
    await bot.restart()
    limited = server.inject(Answer("createRoom", times=None, status=429, body=THREE_MINUTES))

    asked = [alice.write(alice.chat, text) for text in ("One", "Two", "!space", "Three")]
    await bot.push()
    await server.until(lambda: all(replies(alice.chat, one) for one in asked))

    assert limited.reached.is_set()
    assert [replies(alice.chat, one) for one in asked] == [
        ["Answer to One"],
        ["Answer to Two"],
        [
            "The homeserver lets me make only so many rooms at a time. "
            "Yours will take about 3 minutes; I keep trying."
        ],
        ["Answer to Three"],
    ]
