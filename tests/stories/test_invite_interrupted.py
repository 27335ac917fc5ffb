"""An onboarding that is interrupted anywhere, or that the homeserver spoils.

In the end there is one Space, one first chat and one welcome, whatever happened on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attr
import pytest

from plugin.matrix.retry import RetryPolicy

from ..fakes.faults import Answer, Drop, Fault, Hold, refusal
from ..fakes.maubot import Bot
from ..fakes.stories import ask, assert_at_home, settle_in
from ..fakes.users import User, heard

STEPS = 20


async def test_the_steps_are_all_of_them(bot: Bot, alice: User) -> None:
    await bot.start()
    await bot.settled()
    mark = len(bot.server.calls)

    alice.invite_bot()
    await bot.deliver()

    assert len(bot.server.calls) - mark <= STEPS


@pytest.mark.parametrize(
    ("after", "keep_database"),
    [(False, True), (True, False)],
    ids=["before, database kept", "after, database gone"],
)
@pytest.mark.parametrize("step", range(STEPS))
async def test_a_crash_at_any_step_leaves_what_the_next_start_completes(
    bot: Bot, alice: User, step: int, after: bool, keep_database: bool
) -> None:
    await bot.start()
    await bot.settled()
    crash = bot.server.inject(Hold(".", times=None, skip=step, after=after))
    room = alice.invite_bot()
    await bot.push()
    await bot.server.until(lambda: crash.reached.is_set() or heard(room) != [])

    await bot.kill()
    bot.server.heal()
    if not keep_database:
        bot.database.unlink()
    await bot.start()
    await bot.settled()

    assert_at_home(alice, room)
    assert await ask(bot, alice, room, "!chats")


MADE_ALL_THE_SAME: dict[str, Callable[[int], Fault]] = {
    "429": lambda skip: Answer(
        "createRoom", skip=skip, after=True, status=429, body={"errcode": "M_LIMIT_EXCEEDED"}
    ),
    "500": lambda skip: Answer("createRoom", skip=skip, after=True),
    "HTML": lambda skip: Answer("createRoom", skip=skip, after=True, status=200),
    "cut": lambda skip: Drop("createRoom", skip=skip, after=True),
    "time-out": lambda skip: Hold("createRoom", skip=skip, after=True),
}


@pytest.mark.parametrize("which", [0, 1], ids=["Space", "chat"])
@pytest.mark.parametrize("fault", MADE_ALL_THE_SAME)
async def test_a_room_that_was_made_without_saying_so_is_found(
    bot: Bot, alice: User, fault: str, which: int
) -> None:
    brief = RetryPolicy(in_flight=2, attempt=0.1, total=0)
    bot.timing = attr.evolve(bot.timing, requests=attr.evolve(bot.timing.requests, create=brief))
    struck = bot.server.inject(MADE_ALL_THE_SAME[fault](which))

    (room,) = await settle_in(bot, alice)

    assert struck.reached.is_set()
    assert_at_home(alice, room)


async def test_a_create_that_failed_is_tried_again(bot: Bot, alice: User) -> None:
    bot.server.inject(Answer("createRoom", times=2, status=502))

    (room,) = await settle_in(bot, alice)

    assert_at_home(alice, room)


async def test_a_homeserver_that_fails_to_the_end_is_explained_and_made_good(
    bot: Bot, alice: User
) -> None:
    bot.server.inject(Answer("createRoom", times=None, status=502))
    (room,) = await settle_in(bot, alice)
    assert heard(room) == [
        "The Matrix server doesn't answer just now. Nothing is lost; please try again shortly."
    ]

    bot.server.heal()
    await ask(bot, alice, room, "Hello?")

    assert_at_home(alice)


async def test_a_homeserver_that_refuses_is_quoted(bot: Bot, alice: User) -> None:
    bot.server.inject(Answer("createRoom", status=403, body=refusal("M_FORBIDDEN")))

    (room,) = await settle_in(bot, alice)

    assert heard(room) == ["The Matrix server refused: Refused by the test."]
    assert alice.spaces == []


async def test_cancel_in_the_room_does_not_end_an_onboarding(bot: Bot, alice: User) -> None:
    await bot.start()
    await bot.deliver()
    making = bot.server.inject(Hold("createRoom"))
    room = alice.invite_bot()
    await bot.push()
    await making.reached.wait()

    for _ in range(3):
        alice.write(room, "!cancel")
        await bot.push()
    await asyncio.sleep(0.02)
    making.release()
    await bot.settled()

    assert [text for text in heard(room) if text.startswith("Welcome")]
    assert len(alice.spaces) == len(alice.chats) == 1
    assert bot.plugin.services.invitations.queue.idle


async def test_an_invitation_to_a_room_that_never_answers_makes_no_later_start_a_long_one(
    bot: Bot, alice: User, bob: User
) -> None:
    bot.give_up_soon()
    await settle_in(bot, alice)
    room = bob.invite_bot()
    bot.server.break_room(room.room_id, requests="join")
    await bot.push()
    await bot.server.until(lambda: bot.plugin.services.invitations.queue.idle)
    for _ in range(3):
        alice.write(alice.chat, "Hello")
        await bot.push()
    await bot.server.until(lambda: len(heard(alice.chat)) == 3)
    await bot.push()
    await bot.stop()
    mark = len(bot.server.calls)

    await bot.start()
    await bot.settled()

    assert "GET joined_rooms" not in [str(call) for call in bot.server.calls[mark:]]
