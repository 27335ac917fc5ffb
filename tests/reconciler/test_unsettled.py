"""What the next start must read again, and what goes on while something fails."""

from __future__ import annotations

from mautrix.types import RoomID, UserID

from plugin.reconciler.loop import Reconciler
from plugin.topology.scope import Scope

from ..fakes.faults import Answer, Hold
from ..fakes.kill_points import rest
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in
from ..fakes.users import User

TO_BE_VERIFIED = "SELECT matrix_user_id FROM space WHERE verified_at = 0"


def reconciler(bot: Bot) -> Reconciler:
    return bot.plugin.services.reconciler


def scope_of(person: User) -> Scope:
    return Scope(frozenset({UserID(person.id)}))


async def test_nothing_is_unsettled_when_everything_was_read(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)
    await rest(bot)

    assert reconciler(bot).unsettled == Scope()


async def test_what_is_marked_is_unsettled_until_it_was_read(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)
    await rest(bot)
    hanging = bot.server.inject(Hold(f"GET rooms/{alice.space.room_id}/state$"))

    reconciler(bot).request(scope_of(alice))
    assert reconciler(bot).unsettled == scope_of(alice)
    await hanging.reached.wait()
    assert reconciler(bot).unsettled == scope_of(alice)

    hanging.release()
    await rest(bot)
    assert reconciler(bot).unsettled == Scope()


async def test_what_waits_for_another_try_is_unsettled(bot: Bot, alice: User, bob: User) -> None:
    await settle_in(bot, alice, bob)
    await rest(bot)
    space = RoomID(alice.space.room_id)
    broken = bot.server.break_room(space)

    reconciler(bot).request(scope_of(alice) | scope_of(bob))
    await broken.reached.wait()
    await bot.server.until(lambda: space in reconciler(bot).unsettled.rooms)
    await bot.server.until(lambda: UserID(bob.id) not in reconciler(bot).unsettled.owners)

    await rest(bot)
    assert reconciler(bot).unsettled == Scope()


async def test_a_chat_that_fails_delays_the_verification_of_no_other_owner(
    bot: Bot, alice: User, bob: User, verifying: None
) -> None:
    await settle_in(bot, alice, bob)
    await bot.stop()
    bot.database.unlink()
    reading = f"GET rooms/{alice.chat.room_id}/state$"
    failing = bot.server.inject(Answer(reading, times=None))
    await bot.start()
    await failing.reached.wait()

    await bot.server.until(lambda: bot.query(TO_BE_VERIFIED) == [(alice.id,)])
    assert await ask(bot, bob, bob.chat, "Hello") == "Hello"
    bot.server.lift(failing)
    await bot.server.until(lambda: bot.query(TO_BE_VERIFIED) == [])
