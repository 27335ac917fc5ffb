"""Something is asked for, or found, while looks at Matrix fail: it comes late, never twice, and
never wrong.
"""

from __future__ import annotations

import attr
import pytest
from mautrix.types import RoomID

from plugin.matrix.retry import Backoff
from plugin.topology.model import Chat, Status

from ..fakes.failpoints import refuse_writes
from ..fakes.faults import Answer, Drop, Hold, refusal
from ..fakes.kill_points import rest
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import (
    DATABASE,
    ask,
    assert_at_home,
    come_back,
    settle_in,
    settle_in_with_chats,
)
from ..fakes.users import BINDING, CHILD, MARKER, User, heard, links

PARENT = "m.space.parent"
TO_BE_VERIFIED = "SELECT space_id FROM space WHERE verified_at = 0"

pytestmark = pytest.mark.usefixtures("impatient")


def reading(room_id: str) -> str:
    """The request that reads this room."""
    return f"GET rooms/{room_id}/state$"


def next_room(person: User) -> str:
    """The id of the room that will be made next."""
    return f"!r{len(person.world.rooms) + 1}:test"


async def invite_in_vain(bot: Bot, person: User) -> Room:
    """Start, and let somebody invite the bot, whose join comes to nothing until all is healed."""
    await bot.start()
    await bot.settled()
    refused = bot.server.inject(Drop("POST rooms/.*/join", times=None))
    room = person.invite_bot()
    await bot.push()
    await refused.reached.wait()
    return room


async def test_a_space_that_nobody_could_look_for_is_not_made_again(bot: Bot, alice: User) -> None:
    await bot.start()
    await bot.settled()
    lost = bot.server.inject(Drop("createRoom", after=True))
    alice.invite_bot()
    await bot.push()
    await lost.reached.wait()
    blind = bot.server.inject(Answer("GET joined_rooms", times=2))
    await bot.deliver()
    await rest(bot)

    assert blind.reached.is_set()
    assert len(alice.spaces) == 1


async def test_a_chat_that_could_not_be_looked_at_is_not_made_again(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    bot.server.inject(Drop("createRoom", after=True))
    new_room = next_room(alice)
    bot.server.break_room(new_room)
    alice.write(control, "!new")
    await bot.deliver()

    bot.server.mend_room(new_room)
    await rest(bot)

    assert len(alice.chats) == 2


async def test_a_foreign_room_that_cannot_be_read_keeps_nobody_from_a_chat(
    bot: Bot, alice: User, bob: User
) -> None:
    bot.timing = attr.evolve(bot.timing, room_wait=0.1)
    (control,) = await settle_in(bot, alice)
    await bot.stop()
    theirs = User(alice.world, "carol", "elsewhere").invite_bot()
    User(alice.world, BOT[1:].partition(":")[0]).join(theirs)
    broken = bot.server.break_room(theirs.room_id)
    await bot.start()
    await bot.server.until(broken.reached.is_set)

    alice.write(control, "!new")
    room = bob.invite_bot()
    await bot.push()
    await bot.server.until(lambda: len(alice.chats) == 2)
    await bot.server.until(lambda: len(heard(room)) == 1)
    assert_at_home(bob, room)


async def test_a_foreign_room_that_tells_who_made_it_keeps_nobody_waiting(
    bot: Bot, bob: User
) -> None:
    bot.timing = attr.evolve(bot.timing, room_wait=3600.0)
    theirs = User(bob.world, "carol", "elsewhere").invite_bot()
    User(bob.world, BOT[1:].partition(":")[0]).join(theirs)
    bot.server.break_room(theirs.room_id, requests=reading(theirs.room_id))
    await bot.start()

    room = bob.invite_bot()
    await bot.push()
    await bot.server.until(lambda: len(heard(room)) == 1)
    assert_at_home(bob, room)


async def test_a_space_that_is_read_too_late_is_merged_with_the_new_one(
    bot: Bot, alice: User, bob: User
) -> None:
    bot.timing = attr.evolve(bot.timing, room_wait=0.05)
    await settle_in(bot, alice)
    older, chat = alice.space, alice.chat
    await bot.stop()
    bot.database.unlink()
    alice.world.account_data.clear()
    for room in (older, chat):
        bot.server.break_room(room.room_id)
    await bot.start()
    alice.invite_bot()
    invited = bob.invite_bot()
    await bot.push()
    await bot.server.until(lambda: len(heard(invited)) == 1)
    await bot.server.until(lambda: len(alice.chats) == 2)

    for room in (older, chat):
        bot.server.mend_room(room.room_id)
    await rest(bot)

    (newer,) = [space for space in alice.spaces if space is not older]
    assert newer.content(MARKER)["superseded_by"] == older.room_id
    assert set(links(older)) == {room.room_id for room in alice.chats}


@DATABASE
async def test_a_restart_that_cannot_look_at_a_chat_does_not_make_it_again(
    bot: Bot, alice: User, keep_database: bool
) -> None:
    (control,) = await settle_in(bot, alice)
    new_room = next_room(alice)
    made = bot.server.inject(Hold("createRoom", after=True))
    alice.write(control, "!new")
    await bot.push()
    await made.reached.wait()
    await bot.kill()
    bot.server.lift(made)
    bot.server.break_room(new_room)

    await come_back(bot, keep_database)
    bot.server.mend_room(new_room)
    await rest(bot)

    assert len(alice.chats) == 2


async def test_an_invitation_that_the_homeserver_does_not_let_accept_is_accepted_later(
    bot: Bot, alice: User
) -> None:
    bot.timing = attr.evolve(bot.timing, backoff=Backoff(first=0.002, longest=0.05))
    room = await invite_in_vain(bot, alice)

    bot.server.heal()
    await bot.settled()

    assert room.membership(BOT) == "join"
    assert len(alice.spaces) == 1


async def test_a_stop_leaves_an_invitation_to_the_next_start(bot: Bot, alice: User) -> None:
    room = await invite_in_vain(bot, alice)
    await bot.stop()
    bot.server.heal()

    await come_back(bot)

    assert room.membership(BOT) == "join"


async def test_a_start_that_is_killed_leaves_an_invitation_to_the_next_one(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    before = bot.query("SELECT token FROM instance")
    room = bob.invite_bot()
    making = bot.server.inject(Hold("createRoom", times=None))
    await bot.start()
    await making.reached.wait()
    await bot.server.until(lambda: bot.query("SELECT token FROM instance") != before)
    await bot.kill()
    bot.server.heal()

    await come_back(bot)

    assert_at_home(bob, room)


async def test_what_could_not_be_read_is_read_although_the_database_fails(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in_with_chats(bot, alice, 2)
    await settle_in(bot, bob)
    with pytest.MonkeyPatch.context() as patch:
        refuse_writes(patch)
        bot.server.break_room(alice.space.room_id)
        bob.leave(bob.chat)
        alice.put_state(alice.space, (CHILD, alice.chats[1].room_id), {})
        await bot.deliver()
        bot.server.mend_room(alice.space.room_id)

        taken_out = alice.chats[1].room_id
        await bot.server.until(lambda: status(bot, taken_out) is Status.ARCHIVED)


async def test_a_verification_that_fails_is_done_again(
    bot: Bot, alice: User, verifying: None
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    bot.database.unlink()
    mirror = alice.space.state[CHILD, alice.chat.room_id]["content"][BINDING]
    mirror["platform_chat_id"] = "an older one"
    failing = bot.server.inject(Answer(reading(alice.space.room_id), skip=1, times=None))
    await bot.start()
    await failing.reached.wait()
    await bot.settled()
    bot.server.lift(failing)

    conversation = alice.chat.content(BINDING)["platform_chat_id"]
    await bot.server.until(lambda: conversation_of(bot, alice.chat.room_id) == conversation)
    await bot.server.until(lambda: bot.query(TO_BE_VERIFIED) == [])


async def test_who_is_to_be_verified_outlives_a_database_that_fails_for_a_moment(
    bot: Bot, alice: User, bob: User
) -> None:
    await settle_in_with_chats(bot, alice, 2)
    await settle_in(bot, bob)
    await bot.restart(keep_database=False)
    to_be_verified = bot.query(TO_BE_VERIFIED)

    with pytest.MonkeyPatch.context() as patch:
        refuse_writes(patch)
        bob.leave(bob.chat)
        await bot.deliver()
    await rest(bot)

    assert bot.query(TO_BE_VERIFIED) == to_be_verified != []


async def test_what_changes_while_its_owner_gives_a_command_is_seen_all_the_same(
    bot: Bot, alice: User
) -> None:
    control = await settle_in_with_chats(bot, alice, 2)
    first, second = alice.chats
    alice.leave(first)
    await bot.deliver()
    await rest(bot)
    alice.join(first)
    looking = bot.server.inject(Hold(reading(first.room_id), after=True))
    await bot.push()
    await looking.reached.wait()
    alice.write(control, "!archive C2")
    await bot.push()
    await bot.server.until(lambda: status(bot, second.room_id) is Status.ARCHIVED)
    looking.release()
    await rest(bot)

    assert status(bot, first.room_id) is Status.LIVE
    assert await ask(bot, alice, first, "Hello") == "Hello"


async def test_a_chat_whose_parent_cannot_be_written_is_answered(
    bot: Bot, alice: User, verifying: None
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    bot.database.unlink()
    chat = alice.chat
    del chat.state[PARENT, alice.space.room_id]
    writing = f"PUT rooms/{chat.room_id}/state/{PARENT}"
    refused = bot.server.inject(
        Answer(writing, times=None, status=403, body=refusal("M_FORBIDDEN"))
    )
    await bot.start()
    await refused.reached.wait()

    assert await ask(bot, alice, chat, "Hello") == "Hello"


def route(bot: Bot, room_id: str) -> Chat | None:
    return bot.plugin.services.routes.lookup(RoomID(room_id))


def status(bot: Bot, room_id: str) -> Status | None:
    return chat.status if (chat := route(bot, room_id)) is not None else None


def conversation_of(bot: Bot, room_id: str) -> str | None:
    return chat.binding.platform_chat_id if (chat := route(bot, room_id)) is not None else None
