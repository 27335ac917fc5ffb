"""What is asked in a thread is answered in it, whatever comes in between."""

from __future__ import annotations

from typing import Any

from ..fakes.fake_platform import FakePlatform
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Event, Room
from ..fakes.stories import WHEN, come_back, have_set_aside, meanwhile, settle_in
from ..fakes.users import User, heard, replies


def relations(room: Room) -> list[Any]:
    """How each message of the bot's is related to others."""
    return [one["content"].get("m.relates_to") for one in room.messages(BOT)]


def in_thread(root: Event, asked: Event) -> dict[str, Any]:
    return {
        "rel_type": "m.thread",
        "event_id": root["event_id"],
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": asked["event_id"]},
    }


@WHEN
async def test_an_answer_stays_in_its_thread(
    bot: Bot, platform: FakePlatform, alice: User, when: str
) -> None:
    await settle_in(bot, alice)
    root = alice.write(alice.chat, "First")
    await bot.deliver()

    async with meanwhile(bot, when):
        asked = alice.write_in_thread(root, "Second")
        aside = alice.write(alice.chat, "Third")

    assert relations(alice.chat) == [
        # It stands right below its question.
        None,
        in_thread(root, asked),
        {"m.in_reply_to": {"event_id": aside["event_id"]}},
    ]


async def test_so_does_one_that_was_kept_in_the_inbox_over_a_kill(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    root = alice.write(alice.chat, "First")
    await bot.deliver()
    platform.gate("Second")
    asked = alice.write_in_thread(root, "Second")
    await bot.push()
    await bot.server.until(lambda: "Second" in platform.texts)
    await bot.kill()
    platform.gates.clear()

    await come_back(bot)

    assert relations(alice.chat)[-1] == in_thread(root, asked)


async def test_notices_and_commands_stay_in_it_too(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    root = await have_set_aside(bot, platform, alice, "First")
    asked = alice.write_in_thread(root, "!status")

    await bot.deliver()

    assert relations(alice.chat)[-1] == in_thread(root, asked)


def write_from_elsewhere(person: User, root: str, text: str) -> Event:
    """Write in a thread as another homeserver may: nobody looks there whether there is one."""
    relation = {"rel_type": "m.thread", "event_id": root}
    content = {"msgtype": "m.text", "body": text, "m.relates_to": relation}
    return person.world.append(person.chat, person.id, content, "m.room.message")


async def test_a_thread_that_the_homeserver_takes_nothing_in_stops_no_chat(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    edit = alice.edit(alice.write(alice.chat, "First"), "First!")
    await bot.deliver()

    asked = write_from_elsewhere(alice, edit["event_id"], "Second")
    alice.write(alice.chat, "Third")
    await bot.push()
    await bot.server.until(lambda: heard(alice.chat)[-1] == "Answer to Third")

    (said,) = replies(alice.chat, asked)
    assert "Cannot start threads" in said
    await bot.settled()
    assert bot.query("SELECT count(*) FROM inbox") == [(0,)]


async def test_a_thread_that_no_event_can_begin_is_none(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)

    asked = write_from_elsewhere(alice, "$" + "x" * 65_000, "First")
    await bot.push()
    await bot.server.until(lambda: replies(alice.chat, asked) == ["Answer to First"])

    # In no thread, and right below its question.
    assert relations(alice.chat) == [None]
