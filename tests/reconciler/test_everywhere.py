"""A look at everything goes from owner to owner, and sees what one look at all rooms would."""

from __future__ import annotations

import attr
import pytest
from mautrix.types import RoomID

from plugin.config.timing import Limits
from plugin.topology.model import Status

from ..fakes.faults import Answer, refusal
from ..fakes.leftovers import lasting, make_legacy_chat, put
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import ask, settle_in
from ..fakes.users import BINDING, CHILD, User, bindings, links

INDEX = "chat.spacekeeper.spaces.spacekeeper"
RECONCILE = "!admin reconcile"
IN_ORDER = "All is in order; nothing to change."


@pytest.fixture
def unhurried(bot: Bot) -> None:
    """Let what could not be read be left alone for longer than a test takes."""
    bot.timing = attr.evolve(bot.timing, recheck=600.0)


@pytest.fixture
async def control(bot: Bot, alice: User, bob: User) -> Room:
    """Where Alice, who may do everything, says so; each person is a part of a look."""
    bot.text.text = "permissions: {local: user, '@alice:test': admin}\n"
    bot.limits = Limits(chats_in_a_part=1)
    mine, _ = await settle_in(bot, alice, bob)
    return mine


def status(bot: Bot, room: Room) -> Status | None:
    chat = bot.plugin.services.routes.lookup(RoomID(room.room_id))
    return chat and chat.status


def indexed(person: User) -> list[str]:
    """The foreign rooms in the room index."""
    foreign: list[str] = person.world.account_data[BOT, INDEX]["foreign"]
    return foreign


def unlink(person: User) -> None:
    """Let the mirror of the person's chat be missing."""
    put(person, person.space, (CHILD, person.chat.room_id), {"via": ["test"]})


async def test_everybodys_marks_are_put_right_and_told_of_together(
    bot: Bot, control: Room, alice: User, bob: User
) -> None:
    before = bindings(alice.world)
    unlink(alice)
    unlink(bob)

    reply = await ask(bot, alice, control, RECONCILE)

    assert reply.startswith("The plan was to relink 2 (2 events).")
    assert reply.endswith("2 events written, 0 failed.")
    assert bindings(alice.world) == before


async def test_a_chat_that_nobody_knew_is_read_and_told_of_once(
    bot: Bot, control: Room, alice: User, bob: User
) -> None:
    legacy = make_legacy_chat(bob, "From before")
    mark = len(bot.server.calls)

    reply = await ask(bot, alice, control, f"{RECONCILE} --dry-run")

    assert reply.startswith("A reconciliation would backfill 1 (")
    assert lasting(bot.server.changes(mark)) == []
    calls = [str(call) for call in bot.server.calls[mark:]]
    assert calls.count(f"GET rooms/{legacy.room_id}/state") == 1


async def test_a_chat_that_is_linked_nowhere_is_found(
    bot: Bot, control: Room, alice: User, bob: User
) -> None:
    content = {**bob.chat.content(BINDING), "chat_id": "C2", "platform_chat_id": "another"}
    stray = bob.world.create(BOT, {"name": "Stray", "invite": [bob.id]})
    put(bob, stray, (BINDING, ""), content)

    await ask(bot, alice, control, RECONCILE)

    assert status(bot, stray) is Status.LIVE
    assert stray.room_id in links(bob.space)


async def test_a_room_that_was_purged_is_lost_and_live_again_when_the_bot_is_back(
    bot: Bot, control: Room, alice: User, bob: User
) -> None:
    chat, rooms = bob.chat, bob.world.rooms_of[BOT]
    del rooms[chat.room_id]
    state = f"GET rooms/{chat.room_id}/state$"
    bot.server.inject(Answer(state, status=403, body=refusal("M_FORBIDDEN"), times=None))

    await ask(bot, alice, control, RECONCILE)
    assert (status(bot, chat), status(bot, alice.chat)) == (Status.LOST, Status.LIVE)

    rooms[chat.room_id] = "join"
    bot.server.heal()
    assert await ask(bot, alice, control, RECONCILE) == IN_ORDER
    assert status(bot, chat) is Status.LIVE


async def test_a_list_that_lacks_everything_is_not_believed(
    bot: Bot, control: Room, alice: User, bob: User
) -> None:
    mark = len(bot.server.calls)
    bot.server.inject(Answer("GET joined_rooms", status=200, body={"joined_rooms": []}))

    assert await ask(bot, alice, control, RECONCILE) == IN_ORDER

    assert [status(bot, person.chat) for person in (alice, bob)] == [Status.LIVE, Status.LIVE]
    # One for the rehearsal, which is not believed, its repetition, and the run's.
    assert [str(call) for call in bot.server.calls[mark:]].count("GET joined_rooms") == 3


@pytest.mark.usefixtures("impatient", "unhurried")
async def test_an_unread_room_that_the_bot_left_is_forgotten(
    bot: Bot, control: Room, alice: User, bob: User
) -> None:
    stray = bob.world.create(BOT, {"name": "Stray", "invite": [bob.id]})
    bot.server.inject(Answer(f"GET rooms/{stray.room_id}/state$", times=None))
    await ask(bot, alice, control, RECONCILE)
    assert bot.plugin.services.routes.unread == {stray.room_id}

    del bob.world.rooms_of[BOT][stray.room_id]
    await ask(bot, alice, control, RECONCILE)

    assert bot.plugin.services.routes.unread == frozenset()


async def test_a_foreign_room_that_the_bot_left_leaves_the_index(
    bot: Bot, control: Room, alice: User
) -> None:
    second = alice.invite_bot()
    await bot.deliver()
    await ask(bot, alice, control, RECONCILE)
    assert second.room_id in indexed(alice)

    del alice.world.rooms_of[BOT][second.room_id]
    await ask(bot, alice, control, RECONCILE)

    assert second.room_id not in indexed(alice)
    assert control.room_id in indexed(alice)


async def test_a_room_that_another_instance_gave_up_is_no_longer_elsewhere(
    bot: Bot, control: Room, alice: User, bob: User
) -> None:
    room = bob.world.create(BOT, {"name": "Elsewhere", "invite": [bob.id]})
    put(bob, room, (BINDING, ""), {**bob.chat.content(BINDING), "instance": "another"})
    await ask(bot, alice, control, RECONCILE)
    assert bot.plugin.services.routes.elsewhere == {room.room_id}

    put(bob, room, (BINDING, ""), {})
    await ask(bot, alice, control, RECONCILE)

    assert bot.plugin.services.routes.elsewhere == frozenset()
