"""Several look at Matrix at once: nobody waits for somebody else's room, and what was seen first
undoes nothing that happened since.
"""

from __future__ import annotations

import asyncio
import random

import attr
import pytest
from mautrix.types import RoomID, UserID

from plugin.matrix.retry import Backoff
from plugin.reconciler.loop import Reconciler
from plugin.topology.model import Status
from plugin.topology.scope import Scope

from ..fakes.expected_state import cached, chats_of, routed
from ..fakes.faults import Answer, Hold
from ..fakes.kill_points import rest
from ..fakes.leftovers import put
from ..fakes.maubot import Bot
from ..fakes.rooms import Room
from ..fakes.stories import ask, assert_at_home, settle_in, settle_in_with_chats
from ..fakes.users import BINDING, CHILD, MARKER, User, links

LINK = {"via": ["test"]}


def reading(room: Room) -> str:
    """The request that reads this room."""
    return f"GET rooms/{room.room_id}/state$"


def reconciler(bot: Bot) -> Reconciler:
    return bot.plugin.services.reconciler


def look_for(bot: Bot, person: User) -> asyncio.Task[object]:
    scope = Scope(frozenset({UserID(person.id)}))
    return asyncio.create_task(reconciler(bot).run_for(scope, "a test"))


def look_at_all(bot: Bot) -> asyncio.Task[object]:
    return asyncio.create_task(reconciler(bot).run("a test"))


def status(bot: Bot, room: Room) -> Status | None:
    chat = bot.plugin.services.routes.lookup(RoomID(room.room_id))
    return chat.status if chat is not None else None


async def test_a_read_that_hangs_keeps_nobody_from_being_welcomed(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    hanging = bot.server.inject(Hold(reading(alice.space), times=None))
    whole = look_at_all(bot)
    await hanging.reached.wait()

    room = bob.invite_bot()
    await bot.push()
    await bot.server.until(lambda: len(bob.chats) == 1)
    assert not whole.done()
    hanging.release()
    await whole
    await rest(bot)

    assert_at_home(bob, room)


async def test_what_a_later_run_found_stays_in_force_when_an_earlier_one_ends(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in_with_chats(bot, alice, 2)
    await settle_in(bot, bob)
    taken_out = alice.chats[1]
    # The earlier run has read Alice's Space, and hangs at Bob's.
    hanging = bot.server.inject(Hold(reading(bob.space), times=None))
    whole = look_at_all(bot)
    await hanging.reached.wait()
    await bot.server.until(
        lambda: any(
            call.status == 200 and str(call).endswith(f"{alice.space.room_id}/state")
            for call in bot.server.calls
        )
    )
    alice.put_state(alice.space, (CHILD, taken_out.room_id), {})
    await bot.push()
    await bot.server.until(lambda: status(bot, taken_out) is Status.ARCHIVED)

    hanging.release()
    await whole

    assert status(bot, taken_out) is Status.ARCHIVED
    await rest(bot)
    assert routed(bot) == cached(bot) == chats_of(alice.world)


async def test_two_runs_for_one_owner_do_not_both_write(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)
    put(alice, alice.space, (CHILD, alice.chat.room_id), LINK)
    mark = len(bot.server.calls)
    writing = bot.server.inject(Hold(f"PUT rooms/.*/state/{CHILD}"))
    first = look_for(bot, alice)
    await writing.reached.wait()
    second = look_for(bot, alice)
    looks = [str(call) for call in bot.server.calls[mark:]]
    await bot.server.until(lambda: len(bot.server.calls) > mark + len(looks))
    await asyncio.sleep(0.05)

    writing.release()
    await asyncio.gather(first, second)
    await rest(bot)

    written = [one for one in bot.server.changes(mark) if CHILD in one]
    assert len(written) == 1
    assert links(alice.space)[alice.chat.room_id][BINDING] == alice.chat.content(BINDING)


async def test_a_write_that_hangs_keeps_no_other_owner_waiting(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    for person in (alice, bob):
        put(person, person.space, (CHILD, person.chat.room_id), LINK)
    hanging = bot.server.inject(Hold(f"PUT rooms/{alice.space.room_id}/state", times=None))
    first = look_for(bot, alice)
    await hanging.reached.wait()

    await look_for(bot, bob)

    assert BINDING in links(bob.space)[bob.chat.room_id]
    assert not first.done()
    hanging.release()
    await first


async def test_a_partial_run_reads_its_owners_space_and_no_list_of_rooms(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in_with_chats(bot, alice, 3)
    await settle_in(bot, bob)
    mark = len(bot.server.calls)

    alice.put_state(alice.space, (CHILD, alice.chats[1].room_id), {})
    await bot.deliver()

    read = [str(call) for call in bot.server.calls[mark:] if call.method == "GET"]
    expected = {alice.space.room_id, alice.chats[1].room_id}
    assert {one.split("/")[1] for one in read if one.startswith("GET rooms/")} <= expected
    assert not [one for one in read if "joined_rooms" in one]
    assert status(bot, alice.chats[1]) is Status.ARCHIVED


@pytest.mark.parametrize("seed", range(8))
async def test_however_runs_and_changes_interleave_all_ends_as_matrix_says(
    bot: Bot, alice: User, bob: User, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    people = [alice, bob]
    controls = {one.id: await settle_in_with_chats(bot, one, 3) for one in people}
    looks: list[asyncio.Task[object]] = []
    for _ in range(25):
        person = chance.choice(people)
        chat = chance.choice(person.chats)
        deed = chance.randrange(6)
        if deed == 0:
            person.put_state(person.space, (CHILD, chat.room_id), chance.choice([{}, LINK]))
        elif deed == 1:
            number = chance.randint(1, 3)
            command = chance.choice(["archive", "restore"])
            person.write(controls[person.id], f"!{command} C{number}")
        elif deed == 2:
            looks.append(look_at_all(bot))
        else:
            looks.append(look_for(bot, person))
        await bot.push()
        await asyncio.sleep(chance.choice([0, 0.001, 0.01]))
    await asyncio.gather(*looks, return_exceptions=True)
    await bot.deliver()
    await rest(bot)

    assert routed(bot) == cached(bot) == chats_of(alice.world)
    for person in people:
        assert len(person.spaces) == 1
        await ask(bot, person, controls[person.id], "!chats")


async def test_a_space_that_was_read_too_early_is_not_made_again(bot: Bot, alice: User) -> None:
    """It could not be read, then it was, but its owner changed something in between: until it is
    read once more nobody knows it, and she waits for it."""
    backoff = Backoff(first=0.002, longest=0.01)
    bot.timing = attr.evolve(bot.timing, room_wait=3600.0, straggler=3600.0, backoff=backoff)
    bot.give_up_soon()
    (control,) = await settle_in(bot, alice)
    space, chat = alice.space, alice.chat
    await bot.stop()
    bot.database.unlink()
    alice.world.account_data.clear()
    broken = [bot.server.inject(Answer(reading(one), times=None)) for one in (space, chat)]
    await bot.start()
    alice.write(control, "Hello?")
    await bot.push()
    marker = f"GET rooms/{space.room_id}/state/{MARKER}/"
    await bot.server.until(lambda: marker in map(str, bot.server.calls))

    early = bot.server.inject(Hold(reading(space)))
    bot.server.lift(*broken)
    await early.reached.wait()
    later = bot.server.inject(Hold(reading(space), times=None))
    bot.plugin.services.routes.touch(UserID(alice.id))
    early.release()
    await later.reached.wait()
    # Whoever waits for it goes on asking.
    asked = list(map(str, bot.server.calls)).count(marker)
    await bot.server.until(lambda: list(map(str, bot.server.calls)).count(marker) >= asked + 2)
    later.release()
    await rest(bot)

    assert alice.spaces == [space]
