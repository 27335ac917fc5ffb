"""What administrators see and do: look without touching, look again, and how things are."""

from __future__ import annotations

import pytest
from mautrix.types import RoomID

from ..fakes.faults import Answer, Drop
from ..fakes.leftovers import lasting, put
from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in, settle_in_with_chats
from ..fakes.users import CHILD, User, bindings, links

ADMIN = "permissions: {local: user, '@alice:test': admin}\n"
USAGE = "Usage: `!admin status` or `!admin reconcile [--dry-run] [@user:server]`."


@pytest.fixture
def admin(bot: Bot, alice: User) -> User:
    """Alice, who may do everything."""
    bot.text.text = ADMIN
    return alice


def unlink(person: User) -> None:
    """Let the mirror of the person's first chat be missing."""
    put(person, person.space, (CHILD, person.chats[0].room_id), {"via": ["test"]})


@pytest.mark.parametrize("words", ["status", "reconcile", "reconcile --dry-run", "", "nonsense"])
async def test_others_are_refused(bot: Bot, admin: User, bob: User, words: str) -> None:
    _, control = await settle_in(bot, admin, bob)
    mark = len(bot.server.calls)

    reply = await ask(bot, bob, control, f"!admin {words}".strip())

    assert reply == "Only this bot's administrators can use `!admin`."
    assert "GET joined_rooms" not in [str(call) for call in bot.server.calls[mark:]]


@pytest.mark.parametrize("words", ["", "stat", "reconcile alice", "reconcile --dry-run x y"])
async def test_what_makes_no_sense_gets_the_usage(bot: Bot, admin: User, words: str) -> None:
    (control,) = await settle_in(bot, admin)

    assert await ask(bot, admin, control, f"!admin {words}".strip()) == USAGE


async def test_only_administrators_are_told_that_there_is_more(
    bot: Bot, admin: User, bob: User
) -> None:
    mine, others = await settle_in(bot, admin, bob)

    assert "!admin" in await ask(bot, admin, mine, "!help")
    assert "!admin" not in await ask(bot, bob, others, "!help")


@pytest.mark.parametrize("whom", ["", " @bob:test"], ids=["everybody", "one"])
async def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    bot: Bot, admin: User, bob: User, whom: str
) -> None:
    control, _ = await settle_in(bot, admin, bob)
    unlink(bob)
    before, mark = links(bob.space), len(bot.server.calls)

    reply = await ask(bot, admin, control, f"!admin reconcile --dry-run{whom}")

    assert reply == "A reconciliation would relink 1 (1 events)."
    assert links(bob.space) == before
    assert lasting(bot.server.changes(mark)) == []


@pytest.mark.parametrize("whom", ["", " @bob:test"], ids=["everybody", "one"])
async def test_a_reconciliation_puts_right_what_is_wrong(
    bot: Bot, admin: User, bob: User, whom: str
) -> None:
    control, _ = await settle_in(bot, admin, bob)
    before = bindings(admin.world)
    unlink(bob)

    reply = await ask(bot, admin, control, f"!admin reconcile{whom}")

    assert reply.startswith("The plan was to relink 1 (1 events).")
    assert reply.endswith("1 events written, 0 failed.")
    assert bindings(admin.world) == before


async def test_where_nothing_is_wrong_nothing_is_done(bot: Bot, admin: User) -> None:
    (control,) = await settle_in(bot, admin)
    mark = len(bot.server.calls)

    reply = await ask(bot, admin, control, "!admin reconcile")

    assert reply == "All is in order; nothing to change."
    assert lasting(bot.server.changes(mark)) == []


async def test_one_persons_reconciliation_leaves_the_others_alone(
    bot: Bot, admin: User, bob: User
) -> None:
    control, _ = await settle_in(bot, admin, bob)
    unlink(admin)
    unlink(bob)

    await ask(bot, admin, control, "!admin reconcile @bob:test")

    assert len(links(bob.space)[bob.chat.room_id]) > 1
    assert links(admin.space) == {admin.chat.room_id: {"via": ["test"]}}


async def test_a_homeserver_that_does_not_answer_is_said_to_be_away(
    bot: Bot, admin: User, impatient: None
) -> None:
    (control,) = await settle_in(bot, admin)
    bot.server.inject(Drop("GET joined_rooms", times=8))

    command = admin.write(control, "!admin reconcile")
    await bot.deliver()

    answers = [
        event["content"]["body"]
        for event in control.timeline
        if event["content"].get("chat.spacekeeper.answers") == command["event_id"]
    ]
    assert len(answers) == 1
    assert links(admin.space) != {}


async def test_status_tells_of_the_last_run_the_requests_and_what_is_stale(
    bot: Bot, admin: User, impatient: None
) -> None:
    control = await settle_in_with_chats(bot, admin, 2)
    await bot.restart(keep_database=False)
    bot.server.inject(Answer("PUT .*/send/", status=429, body={"retry_after_ms": 1}))

    first = await ask(bot, admin, control, "!admin status")
    reply = await ask(bot, admin, control, "!admin status")

    assert first.startswith("1 Spaces, 2 chats, 0 stale, 0 rooms unread.")
    assert "Last reconciliation: run 1 (start)" in reply
    assert "ok 3" in reply
    assert "GET read" in reply
    assert reply.endswith("429 answers: 1.")


async def test_status_before_any_reconciliation(bot: Bot, admin: User) -> None:
    (control,) = await settle_in(bot, admin)
    # The first restart still looks at what happened just before it.
    await bot.restart()
    await bot.restart()

    reply = await ask(bot, admin, control, "!admin status")

    assert "No reconciliation was needed since the start." in reply


async def test_status_names_the_rooms_that_cannot_be_read(
    bot: Bot, admin: User, impatient: None
) -> None:
    (control,) = await settle_in(bot, admin)
    await bot.stop()
    bot.database.unlink()
    chat = admin.chat.room_id
    put(admin, admin.space, (CHILD, chat), {"via": ["test"]})
    bot.server.inject(Answer(f"GET rooms/{chat}/state$", times=None))
    await bot.start()
    await bot.deliver()

    reply = await ask(bot, admin, control, "!admin status")

    assert "1 rooms unread." in reply
    assert reply.endswith(f"Stale or unread: `{chat}`")


async def test_status_is_no_longer_than_can_be_read(bot: Bot, admin: User) -> None:
    (control,) = await settle_in(bot, admin)
    unread = frozenset(RoomID(f"!{number}:test") for number in range(500))
    bot.plugin.services.routes.unread |= unread

    reply = await ask(bot, admin, control, "!admin status")

    assert "500 rooms unread." in reply
    assert reply.count("Stale or unread:") == 50


@pytest.mark.parametrize("command", ["!admin reconcile", "!admin reconcile --dry-run"])
async def test_where_a_chat_cannot_be_read_not_all_is_said_to_be_in_order(
    bot: Bot, admin: User, impatient: None, command: str
) -> None:
    (control,) = await settle_in(bot, admin)
    bot.server.break_room(admin.chat.room_id)

    reply = await ask(bot, admin, control, command)

    assert "All is in order" not in reply
    assert "Rooms that I couldn't read: 1." in reply
    bot.server.mend_room(admin.chat.room_id)
    assert await ask(bot, admin, control, command) == "All is in order; nothing to change."
