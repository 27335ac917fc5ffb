"""One room that cannot be read waits alone; and meanwhile, everybody else?

The same stories are told on the real stack in tests/e2e/test_sick_room.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from plugin.config.timing import Limits

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer, Hold, refusal
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import DATABASE, ask, open_group, settle_in
from ..fakes.users import User, heard, replies

READS = r"^GET rooms/[^/]*/(messages|state|members)(/|$)"


def break_for_good(bot: Bot, room: Room) -> None:
    bot.server.break_room(room.room_id)


def never_answer(bot: Bot, room: Room) -> None:
    bot.server.hang_room(room.room_id, requests=READS)


Trouble = Callable[[Bot, Room], None]
TROUBLE = pytest.mark.parametrize("get_into_trouble", [break_for_good, never_answer])


@TROUBLE
@DATABASE
@pytest.mark.usefixtures("platform")
async def test_a_chat_that_cannot_be_read_at_a_start_keeps_nobody_else_waiting(
    bot: Bot,
    alice: User,
    bob: User,
    get_into_trouble: Trouble,
    keep_database: bool,
) -> None:
    await settle_in(bot, alice, bob)
    await bot.stop()
    for number in range(3):
        alice.write(alice.chat, f"Question {number}")
    bob.write(bob.chat, "Anybody?")
    get_into_trouble(bot, alice.chat)
    if not keep_database:
        bot.database.unlink()

    await bot.start()
    await bot.server.until(lambda: heard(bob.chat) == ["Answer to Anybody?"])
    alice.write(alice.chat, "Question 3")
    bob.write(bob.chat, "Still there?")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat)[1:] == ["Answer to Still there?"])
    assert heard(alice.chat) == []

    bot.server.mend_room(alice.chat.room_id)
    await bot.server.until(lambda: len(heard(alice.chat)) == 4)
    assert heard(alice.chat) == [f"Answer to Question {number}" for number in range(4)]


@TROUBLE
async def test_a_chat_that_cannot_be_read_while_running_keeps_nobody_else_waiting(
    bot: Bot,
    platform: FakePlatform,
    alice: User,
    bob: User,
    get_into_trouble: Trouble,
) -> None:
    await settle_in(bot, alice, bob)
    get_into_trouble(bot, alice.chat)
    for number in range(130):
        alice.write(alice.chat, f"Note {number}", msgtype="m.notice")
    alice.write(alice.chat, "Question 0")
    bot.discard_next_sync()
    await bot.push()

    alice.write(alice.chat, "Question 1")
    bob.write(bob.chat, "Anybody?")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat) == ["Answer to Anybody?"])
    assert heard(alice.chat) == []

    bot.server.mend_room(alice.chat.room_id)
    answers = ["Answer to Question 0", "Answer to Question 1"]
    await bot.server.until(lambda: heard(alice.chat) == answers)


@DATABASE
async def test_a_room_that_is_nobodys_chat_or_control_room_is_not_paged(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, keep_database: bool
) -> None:
    await settle_in(bot, alice)
    group = await open_group(bot, alice, bob)
    await bot.stop()
    for number in range(130):
        bob.write(group, f"Among us {number}")
    alice.write(alice.chat, "Hello")
    if not keep_database:
        bot.database.unlink()
    mark = len(bot.server.calls)

    await bot.start()
    await bot.settled()

    assert heard(alice.chat)[-1] == "Answer to Hello"
    paged = [call for call in bot.server.calls[mark:] if f"{group.room_id}/messages" in str(call)]
    assert paged == []


async def test_more_than_a_sync_tells_of_a_control_room_is_read(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    await bot.stop()
    alice.write(control, "!new Herbs")
    for number in range(130):
        alice.write(control, f"Note {number}", msgtype="m.notice")

    await bot.start()
    await bot.settled()

    assert len(alice.chats) == 2


@TROUBLE
async def test_messages_that_could_not_be_read_are_read_by_the_next_run(
    bot: Bot,
    platform: FakePlatform,
    alice: User,
    bob: User,
    get_into_trouble: Trouble,
) -> None:
    """The sync token does not pass by messages that are not kept yet."""
    await settle_in(bot, alice, bob)
    await bot.stop()
    alice.write(alice.chat, "Question")
    get_into_trouble(bot, alice.chat)
    await bot.start()
    bob.write(bob.chat, "Anybody?")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat) == ["Answer to Anybody?"])

    await bot.stop()
    bot.server.mend_room(alice.chat.room_id)
    await bot.start()
    await bot.settled()

    assert heard(alice.chat) == ["Answer to Question"]
    assert heard(bob.chat) == ["Answer to Anybody?"]


async def test_nothing_is_left_on_maubots_client_after_a_stop(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)
    client = bot.client

    await bot.stop()

    assert [name for name in vars(client) if "spacekeeper" in name] == []
    handlers = [one for many in client.event_handlers.values() for one in many]
    assert [one for one in handlers if "plugin." in repr(one)] == []


async def test_somebody_new_is_served_while_a_room_cannot_be_read(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    never_answer(bot, alice.chat)
    await bot.stop()
    await bot.start()

    bob.invite_bot()
    await bot.push()
    await bot.server.until(lambda: bob.chats != [])
    bob.accept_all()
    bob.write(bob.chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat) == ["Answer to Hello"])


async def test_a_room_that_may_not_be_looked_into_any_more_is_served_again_when_it_may(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    """Nothing is concluded from a refusal but that what was written before cannot be read."""
    (control,) = await settle_in(bot, alice)
    await bot.stop()
    alice.write(control, "!new Herbs")
    refused = bot.server.inject(
        Answer("GET .*/members", None, status=403, body=refusal("M_FORBIDDEN"))
    )
    await bot.start()
    await bot.settled()
    bot.server.lift(refused)

    alice.write(control, "!new Spices")
    await bot.deliver()

    assert "Spices" in " ".join(heard(control))


@DATABASE
async def test_what_was_asked_before_the_bots_access_was_revoked_is_answered_when_it_is_back(
    bot: Bot, platform: FakePlatform, alice: User, keep_database: bool
) -> None:
    """That the bot is not known says nothing about the room, so nothing there is done with."""
    await settle_in(bot, alice)
    gate = platform.gate("Asked before")
    alice.write(alice.chat, "Asked before")
    await bot.push()
    await bot.server.until(lambda: platform.texts == ["Asked before"])
    await bot.stop()
    gate.set()
    alice.write(alice.chat, "Asked meanwhile")
    if not keep_database:
        bot.database.unlink()
    revoked = bot.server.inject(
        Answer("GET .*/messages", None, status=401, body=refusal("M_UNKNOWN_TOKEN"))
    )

    await bot.start()
    await bot.server.until(revoked.reached.is_set)
    assert heard(alice.chat) == []
    bot.server.lift(revoked)

    await bot.server.until(lambda: len(heard(alice.chat)) == 2)
    assert heard(alice.chat) == ["Answer to Asked before", "Answer to Asked meanwhile"]


async def test_a_direct_room_with_somebody_without_permission_is_not_paged(
    bot: Bot, alice: User
) -> None:
    mallory = User(bot.server.world, "mallory", "elsewhere")
    room = mallory.invite_bot()
    bot.server.world.join(BOT, room.room_id)
    await settle_in(bot, alice)
    await bot.stop()
    for number in range(300):
        mallory.write(room, f"{number}")
    mark = len(bot.server.calls)

    await bot.start()
    await bot.settled()
    await bot.deliver()

    asked = [str(call) for call in bot.server.calls[mark:]]
    assert [call for call in asked if call.startswith(f"GET rooms/{room.room_id}/messages")] == []
    assert heard(room) == []


@TROUBLE
async def test_what_is_written_without_end_where_nothing_can_be_read_is_kept_within_bounds(
    bot: Bot,
    platform: FakePlatform,
    alice: User,
    bob: User,
    get_into_trouble: Trouble,
) -> None:
    bot.limits = Limits(waiting=5, set_aside=10)
    await settle_in(bot, alice, bob)
    get_into_trouble(bot, alice.chat)
    for number in range(130):
        alice.write(alice.chat, f"Note {number}", msgtype="m.notice")
    bot.discard_next_sync()
    await bot.push()

    first = alice.write(alice.chat, "Question 0")
    alice.edit(first, "Question 0, as edited")
    for number in range(1, 41):
        alice.write(alice.chat, f"Question {number}")
        alice.edit(alice.chat.timeline[0], f"Nonsense {number}")
        await bot.push()
    await bot.server.until(lambda: len(heard(alice.chat)) == 1)
    assert "set aside" in heard(alice.chat)[0]
    bob.write(bob.chat, "Anybody?")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat) == ["Answer to Anybody?"])
    await bot.server.until(lambda: bot.query("SELECT count(*) FROM inbox") == [(10,)])

    bot.server.mend_room(alice.chat.room_id)
    await bot.server.until(lambda: len(heard(alice.chat)) > 1)
    await bot.settled()
    assert heard(alice.chat)[1] == "Answer to Question 0, as edited"
    assert await ask(bot, alice, alice.chat, "!retry") == "I'm asking again: 10 messages."
    assert platform.texts[-10:] == [f"Question {number}" for number in range(31, 41)]


@pytest.mark.usefixtures("platform")
async def test_no_command_in_a_room_that_cannot_be_read_yet_is_turned_away(
    bot: Bot, alice: User, bob: User
) -> None:
    """Nobody knows yet whether that room is a chat, or whose; what is asked there is done later,
    even if elsewhere it would be done at once."""
    (control, _) = await settle_in(bot, alice, bob)
    await bot.stop()
    bot.database.unlink()
    account_data = bot.server.world.account_data
    (index,) = (one for one in account_data if one[1].startswith("chat.spacekeeper.spaces"))
    del account_data[index]
    before = alice.write(control, "!status")
    break_for_good(bot, control)
    bot.give_up_soon()
    await bot.start()
    meanwhile = alice.write(control, "!chats")
    bob.write(bob.chat, "Anybody?")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat) == ["Answer to Anybody?"])
    # Time enough to be told that nobody knows.
    looks = f"GET rooms/{control.room_id}/state"
    await bot.server.until(lambda: [str(call) for call in bot.server.calls].count(looks) > 12)
    bot.server.mend_room(control.room_id)
    await bot.server.until(lambda: len(heard(control)) == 3)
    assert replies(control, before) == ["You have 1 chat (none archived). Everything is working."]
    assert "Your chats:" in replies(control, meanwhile)[0]


@TROUBLE
async def test_a_room_joined_meanwhile_that_cannot_be_read_makes_no_later_start_a_long_one(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, get_into_trouble: Trouble
) -> None:
    """Whoever waits for a greeting in it is found by the next start all the same."""
    await settle_in(bot, alice)
    await bot.deliver()
    await bot.stop()
    room = bob.invite_bot()
    bot.server.world.join(BOT, room.room_id)
    get_into_trouble(bot, room)
    bot.database.unlink()
    await bot.start()
    assert await answered(bot, alice) == ["Answer to Hello"]
    await bot.server.until(lambda: bot.query("SELECT token FROM instance") > [("",)])
    await bot.stop()
    mark = len(bot.server.calls)

    await bot.start()
    assert await answered(bot, alice) == ["Answer to Hello"] * 2
    assert "GET joined_rooms" not in [str(call) for call in bot.server.calls[mark:]]

    bot.server.mend_room(room.room_id)
    await bot.server.until(lambda: "Welcome" in " ".join(heard(room)))


async def test_whoever_is_being_served_when_the_token_is_saved_makes_no_later_start_a_long_one(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    """A sync from the token that is saved instead tells of their invitation again."""
    await settle_in(bot, alice)
    await bot.deliver()
    await bot.stop()
    alice.write(alice.chat, "Hello")
    never_answer(bot, alice.chat)
    making = bot.server.inject(Hold("createRoom", times=None))
    bot.database.unlink()

    await bot.start()
    bob.invite_bot()
    await bot.push()
    await bot.server.until(making.reached.is_set)

    await bot.server.until(lambda: bot.query("SELECT token FROM instance") > [("",)])


async def answered(bot: Bot, person: User) -> list[str]:
    """Let somebody write, and wait for the answer; what they were answered so far."""
    before = len(heard(person.chat))
    person.write(person.chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: len(heard(person.chat)) > before)
    return heard(person.chat)
