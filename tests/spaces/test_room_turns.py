"""A homeserver that makes only so many rooms in a time: everybody gets theirs, in turn, once."""

from __future__ import annotations

from collections.abc import Iterator

import attr
import pytest

from plugin.config.timing import Limits

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Hold
from ..fakes.homeserver import Homeserver
from ..fakes.maubot import Bot
from ..fakes.rooms import Event, Room
from ..fakes.stories import add_chat, ask, assert_at_home, settle_in
from ..fakes.users import BINDING, User, heard, replies

BUSY = {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 20}


@pytest.fixture(autouse=True)
def short_waits(bot: Bot) -> None:
    """Whoever waits for a moment is told."""
    bot.timing = attr.evolve(bot.timing, tell=0.05)


def owners(server: Homeserver, since: int) -> Iterator[str]:
    """For whom rooms were made, in the order of their making."""
    for room in list(server.world.rooms.values())[since:]:
        if owner := room.content(BINDING).get("matrix_user_id"):
            yield owner


def answers(room: Room, wishes: list[Event]) -> list[str]:
    """How each wish was answered, without what was said while it waited."""
    said = [text for one in wishes for text in replies(room, one)]
    return [text for text in said if "only so many rooms" not in text]


async def test_thirty_people_at_once_are_all_served_and_told_and_nothing_is_made_twice(
    bot: Bot, server: Homeserver
) -> None:
    people = [User(server.world, f"person{number}") for number in range(30)]
    await bot.start()
    await bot.settled()
    server.limit_rooms(per_second=12)
    server.limit_messages(per_second=60)
    server.limit_joins(per_second=60)

    rooms = [person.invite_bot() for person in people]
    await bot.push()
    await server.until(lambda: all("Welcome" in " ".join(heard(room)) for room in rooms), 60)
    await bot.settled()

    for person, room in zip(people, rooms, strict=True):
        *hello, welcome = heard(room)
        assert person.space.room_id in welcome
        assert [text.startswith("Hello!") for text in hello] in ([], [True])
        assert_at_home(person)
    # Five are served at once, and how many more before anybody is told depends on the machine.
    assert sum(len(heard(room)) == 2 for room in rooms) >= 10
    assert len(server.world.rooms) == 3 * len(people)


async def test_one_persons_many_chats_come_after_another_ones_first(
    bot: Bot, server: Homeserver, alice: User, bob: User
) -> None:
    (control,) = await settle_in(bot, alice)
    # Slow enough that Bob's wish is there before the second of hers, on a busy machine, too.
    server.limit_rooms(per_second=3, burst=1)
    before = len(server.world.rooms)
    wishes = [alice.write(control, "!new") for _ in range(9)]
    await bot.push()
    await server.until(lambda: len(server.world.rooms) > before)

    bob.invite_bot()
    await bot.push()
    await server.until(lambda: len(answers(control, wishes)) == 9)

    made = list(owners(server, before))
    assert made.index(bob.id) <= 2
    assert made.count(alice.id) == 9


async def test_rooms_are_made_in_turn_by_owner(
    bot: Bot, server: Homeserver, alice: User, bob: User
) -> None:
    (hers, his) = await settle_in(bot, alice, bob)
    server.limit_rooms(per_second=8, burst=1)
    before = len(server.world.rooms)

    for _ in range(5):
        alice.write(hers, "!new")
    for _ in range(2):
        bob.write(his, "!new")
    await bot.push()
    await server.until(lambda: len(server.world.rooms) == before + 7)

    assert list(owners(server, before))[-2:] == [alice.id, alice.id]


async def test_nobody_waits_for_more_chats_than_a_few(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    bot.limits = Limits(chats_at_once=2)
    (control,) = await settle_in(bot, alice)
    server.limit_rooms(per_second=10, burst=1)

    wishes = [alice.write(control, "!new") for _ in range(3)]
    await bot.push()
    await server.until(lambda: len(answers(control, wishes)) == 3)

    said = answers(control, wishes)
    assert len([text for text in said if "is ready" in text]) == 2
    assert len([text for text in said if "I'm still making 2 chats for you" in text]) == 1


async def test_nobody_has_chats_without_end(
    bot: Bot, platform: FakePlatform, server: Homeserver, alice: User, bob: User
) -> None:
    bot.limits = Limits(chats=3)
    control, bobs = await settle_in(bot, alice, bob)
    await add_chat(bot, alice, control)
    await ask(bot, alice, control, "!archive C1")
    await add_chat(bot, alice, control)
    mark = len(server.calls)

    said = await ask(bot, alice, control, "!new")

    assert said.startswith("You have 3 chats, archived ones included")
    assert [one for one in server.changes(mark) if "createRoom" in one] == []
    assert len(platform.forgotten) == 1
    assert await ask(bot, bob, bobs, "!new") != said
    assert (len(alice.chats), len(bob.chats)) == (3, 2)


async def test_rooms_that_take_for_ever_keep_nobody_else_waiting(
    bot: Bot, server: Homeserver, alice: User, bob: User
) -> None:
    carol = User(server.world, "carol")
    await bot.start()
    await bot.settled()
    # As where the servers of the two who are invited do not answer.
    hanging = server.inject(Hold("createRoom", times=2))
    for person in (alice, bob):
        person.invite_bot()
    await bot.push()
    await server.until(lambda: hanging.times == 0)

    room = carol.invite_bot()
    await bot.push()
    await server.until(lambda: heard(room) != [])

    assert_at_home(carol, room)


async def test_many_short_waits_are_told_of_too(bot: Bot, server: Homeserver, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    server.inject(Answer("createRoom", times=6, status=429, body=BUSY))

    said = await ask_all(bot, alice, control, "!new")

    assert ["only so many rooms" in text for text in said] == [True, False]


async def test_a_homeserver_that_asks_for_patience_is_not_said_to_be_silent(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    server.inject(Answer("createRoom", times=12, status=429, body=BUSY))

    (control,) = await settle_in(bot, alice)

    assert_at_home(alice)
    assert not [text for text in heard(control) if "does not answer" in text]


async def test_a_look_that_has_to_wait_is_waited_for(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    bot.give_up_soon()
    # Nobody is told of so short a wait; what they are told of a longer one is told above.
    bot.timing = attr.evolve(bot.timing, tell=5.0)
    await bot.start()
    await bot.settled()
    server.inject(Answer("joined_rooms", times=3, status=429, body=BUSY))

    (control,) = await settle_in(bot, alice)

    assert_at_home(alice, control)


async def ask_all(bot: Bot, person: User, room: Room, text: str) -> list[str]:
    """Write something and return all replies to it."""
    message = person.write(room, text)
    await bot.deliver()
    return replies(room, message)


async def test_a_homeserver_that_fails_now_and_then_while_it_asks_for_patience_is_waited_for(
    bot: Bot, server: Homeserver, alice: User
) -> None:
    await bot.start()
    await bot.settled()
    for _ in range(6):
        server.inject(Answer("createRoom", status=429, body=BUSY))
        server.inject(Answer("createRoom", status=502))

    (control,) = await settle_in(bot, alice)

    assert_at_home(alice)
    assert "doesn't answer" not in " ".join(heard(control))
