"""Each chat's own state is read within every week, however long the plugin runs."""

from __future__ import annotations

import time

import attr
from mautrix.types import UserID

from plugin.reconciler.verification import BATCH, in_batches

from ..fakes.leftovers import put
from ..fakes.maubot import Bot
from ..fakes.stories import settle_in
from ..fakes.users import BINDING, User, replies

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


def test_the_rooms_of_one_batch_are_bounded_but_for_one_owners() -> None:
    chats = {UserID(f"@user-{number}:test"): number for number in range(120)}

    batches = list(in_batches(chats.items()))

    assert frozenset().union(*(owners for owners, _ in batches)) == chats.keys()
    for owners, rooms in batches:
        assert rooms == sum(chats[owner] + 1 for owner in owners)
        assert rooms <= BATCH or len(owners) == 1
