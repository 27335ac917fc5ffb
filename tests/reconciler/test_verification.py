"""Each chat's own state is read within every week, however long the plugin runs."""

from __future__ import annotations

import asyncio
import time

import attr
from mautrix.types import RoomID, UserID

from plugin.matrix.retry import Backoff
from plugin.reconciler.report import Report
from plugin.reconciler.verification import in_batches
from plugin.topology.model import Status

from ..fakes.faults import Answer, Hold, refusal
from ..fakes.leftovers import put
from ..fakes.maubot import Bot
from ..fakes.rooms import Room
from ..fakes.stories import settle_in, settle_in_with_chats
from ..fakes.users import BINDING, CHILD, User, replies

DAY = 86400


def unlink_parent(person: User) -> None:
    """Let a chat lose its pointer to the Space, of which no event tells the plugin."""
    put(person, person.chat, ("m.space.parent", person.space.room_id), {})


def has_parent(person: User) -> bool:
    content = person.chat.content("m.space.parent", person.space.room_id)
    return bool(content.get("via"))


async def last_read(bot: Bot, person: User, days: float) -> None:
    """Stop, and let this long have passed since somebody's chats were verified."""
    await bot.stop()
    at = int(time.time() - days * DAY)
    bot.query("UPDATE space SET verified_at=?1 WHERE matrix_user_id=?2", at, person.id)


async def live_long(bot: Bot, *people: User) -> None:
    """Let a week pass in a second, from a start on at which all were verified."""
    await settle_in(bot, *people)
    await bot.stop()
    bot.timing = attr.evolve(bot.timing, verify=0.0, verify_again=1.0)
    await bot.start()
    await bot.server.until(lambda: all(at for (at,) in bot.query("SELECT verified_at FROM space")))


async def test_it_goes_on_while_the_plugin_runs(bot: Bot, alice: User) -> None:
    await live_long(bot, alice)
    unlink_parent(alice)

    await bot.server.until(lambda: has_parent(alice))


async def test_a_binding_that_is_lost_while_nothing_tells_of_it_comes_back(
    bot: Bot, alice: User
) -> None:
    await live_long(bot, alice)
    chat, whole = alice.chat, alice.chat.content(BINDING)
    put(alice, chat, (BINDING, ""), {"v": 1, "instance": whole["instance"]})

    await bot.server.until(lambda: chat.content(BINDING) == whole)


async def test_a_chat_that_cannot_be_read_holds_up_nobody_else(
    bot: Bot, alice: User, bob: User
) -> None:
    await live_long(bot, alice, bob)
    bot.server.break_room(alice.chat.room_id)
    unlink_parent(bob)

    await bot.server.until(lambda: has_parent(bob))

    message = bob.write(bob.chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: replies(bob.chat, message) == ["Hello"])


async def test_a_restart_goes_on_with_whoever_is_due(
    bot: Bot, verifying: None, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    await bot.restart()
    await last_read(bot, alice, days=6.5)
    await last_read(bot, bob, days=5.5)
    for person in (alice, bob):
        unlink_parent(person)

    await bot.start()
    await bot.server.until(lambda: has_parent(alice))
    await bot.settled()

    assert not has_parent(bob)


async def test_a_clock_that_was_set_back_keeps_nobody_from_it(
    bot: Bot, verifying: None, alice: User
) -> None:
    await settle_in(bot, alice)
    await bot.restart()
    await last_read(bot, alice, days=-400)
    unlink_parent(alice)

    await bot.start()

    await bot.server.until(lambda: has_parent(alice))


async def test_what_changes_meanwhile_is_no_reason_to_forget_what_was_to_be_seen(
    bot: Bot, verifying: None, alice: User
) -> None:
    """Alice left a chat, of which no event told, and archives the other while that one is read."""
    control = await settle_in_with_chats(bot, alice, 2)
    first, second = alice.chats
    await bot.stop()
    bot.database.unlink()
    reading = bot.server.inject(Hold(f"GET rooms/{first.room_id}/state$", after=True))
    first.state["m.room.member", alice.id]["content"]["membership"] = "leave"
    await bot.start()
    await reading.reached.wait()

    alice.write(control, "!archive C2")
    await bot.push()
    await bot.server.until(lambda: status(bot, second) is Status.ARCHIVED)
    reading.release()

    await bot.server.until(lambda: status(bot, first) is Status.ARCHIVED)
    assert status(bot, second) is Status.ARCHIVED


async def test_what_it_finds_and_cannot_write_is_written_later(
    bot: Bot, impatient: None, verifying: None, alice: User
) -> None:
    """The mirror is whole, so that no other look would see what the room lacks."""
    await settle_in(bot, alice)
    await bot.stop()
    bot.database.unlink()
    chat, whole = alice.chat, alice.chat.content(BINDING)
    lacking = {key: value for key, value in whole.items() if key != "platform"}
    put(alice, chat, (BINDING, ""), lacking)
    writing = f"PUT rooms/{chat.room_id}/state/{BINDING}"
    refused = Answer(writing, times=3, status=403, body=refusal("M_FORBIDDEN"))
    bot.server.inject(refused)

    await bot.start()

    await bot.server.until(lambda: chat.content(BINDING) == whole)
    assert refused.times == 0


async def test_what_was_read_while_the_space_could_not_be_is_read_again(
    bot: Bot, impatient: None, verifying: None, alice: User
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    bot.database.unlink()
    unlink_parent(alice)
    failing = bot.server.inject(
        Answer(f"GET rooms/{alice.space.room_id}/state$", times=None, skip=1)
    )
    await bot.start()
    reconciler = bot.plugin.services.reconciler
    await bot.server.until(lambda: reason(reconciler.last) == "verification")
    assert failing.reached.is_set()
    bot.server.lift(failing)

    await bot.server.until(lambda: has_parent(alice))


async def test_a_chat_that_cannot_be_read_has_no_other_of_its_owners_read_again(
    bot: Bot, impatient: None, verifying: None, alice: User
) -> None:
    await settle_in_with_chats(bot, alice, 4)
    sick, *well = alice.chats
    await bot.stop()
    bot.database.unlink()
    broken = bot.server.break_room(sick.room_id)
    bot.timing = attr.evolve(bot.timing, backoff=Backoff(first=0.002, longest=0.02))
    mark = len(bot.server.calls)

    await bot.start()
    await broken.reached.wait()
    await bot.server.until(lambda: reads(bot, mark, sick) > 20)

    assert [reads(bot, mark, chat) for chat in well] == [1, 1, 1]
    bot.server.heal()
    await bot.server.until(lambda: not bot.query("SELECT 1 FROM space WHERE verified_at = 0"))


async def test_many_chats_are_read_a_few_at_a_time_and_one_batch_after_the_other(
    bot: Bot, verifying: None, alice: User, bob: User
) -> None:
    await settle_in_with_chats(bot, alice, 6)
    await settle_in_with_chats(bot, bob, 3)
    await bot.stop()
    bot.database.unlink()
    bot.limits = attr.evolve(bot.limits, verified_at_once=5)
    chats = [*alice.chats, *bob.chats]
    for chat in chats:
        put(alice, chat, ("m.space.parent", chat.content(BINDING)["space_id"]), {})
    slow = [bot.server.inject(Hold(f"GET rooms/{chat.room_id}/state$")) for chat in chats]

    await bot.start()
    for _ in chats:
        await bot.server.until(lambda: any(one.reached.is_set() for one in slow))
        # However long the first ones take, no more are asked for.
        await asyncio.sleep(0.02)
        asked = [one for one in slow if one.reached.is_set()]
        assert len(asked) <= 2
        for one in asked:
            slow.remove(one)
            one.release()
        if not slow:
            break

    await bot.server.until(lambda: all(map(points_back, chats)))
    await bot.server.until(lambda: not bot.query("SELECT 1 FROM space WHERE verified_at = 0"))


async def test_what_changes_is_seen_while_what_is_verified_does_not_answer(
    bot: Bot, verifying: None, alice: User, bob: User
) -> None:
    await settle_in(bot, alice, bob)
    chats = {person.id: person.chat for person in (alice, bob)}
    await bot.stop()
    bot.database.unlink()
    hanging = bot.server.hang_room(alice.chat.room_id)
    await bot.start()
    await hanging.reached.wait()

    bob.put_state(bob.space, (CHILD, chats[bob.id].room_id), {})
    await bot.push()

    await bot.server.until(lambda: status(bot, chats[bob.id]) is Status.ARCHIVED)
    assert bot.query("SELECT matrix_user_id FROM space WHERE verified_at = 0")


def test_the_rooms_of_one_batch_are_bounded_however_many_one_owner_has() -> None:
    chats = {
        UserID(f"@user-{number}:test"): frozenset(
            RoomID(f"!{number}-{one}") for one in range(number)
        )
        for number in range(1, 120)
    }
    chats[UserID("@many:test")] = frozenset(RoomID(f"!many-{one}") for one in range(10_000))

    batches = list(in_batches(chats.items(), 50))

    for batch in batches:
        assert len(batch.owners | batch.rooms) <= 50
    for owner, rooms in chats.items():
        read = [batch.rooms & rooms for batch in batches if owner in batch.owners]
        assert sum(map(len, read)) == len(rooms)
        assert frozenset().union(*read) == rooms


def reads(bot: Bot, mark: int, room: Room) -> int:
    """How many times a room's whole state was asked for."""
    path = f"GET rooms/{room.room_id}/state"
    return sum(str(call) == path for call in bot.server.calls[mark:])


def points_back(chat: Room) -> bool:
    return bool(chat.content("m.space.parent", chat.content(BINDING)["space_id"]).get("via"))


def status(bot: Bot, chat: Room) -> Status | None:
    found = bot.plugin.services.routes.lookup(RoomID(chat.room_id))
    return found.status if found is not None else None


def reason(report: Report | None) -> str:
    """What a run was for."""
    return report.reason if report is not None else ""
