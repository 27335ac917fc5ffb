"""`!stop`, or a stop sign on the answer: no more of it comes, and what came is the answer."""

from __future__ import annotations

import asyncio

import attr
import pytest

from plugin.platforms.protocol import PlatformError

from ..fakes.failpoints import Brake
from ..fakes.fake_platform import FAKE_PLATFORM, FakePlatform
from ..fakes.faults import Hold
from ..fakes.maubot import Bot
from ..fakes.rooms import Room
from ..fakes.stories import ask, come_back, settle_in
from ..fakes.streams import (
    ASKED_AGAIN,
    STOPPED,
    assert_whole,
    begin,
    is_live,
    lift_limit,
    see,
)
from ..fakes.users import User, heard, replies, said

SIGN = "\N{OCTAGONAL SIGN}"
MESSAGES = "^GET rooms/[^/]*/messages"
DATABASE = pytest.mark.parametrize("keep_database", [True, False], ids=["database", "none"])


@pytest.fixture(autouse=True)
async def chat(bot: Bot, platform: FakePlatform, alice: User) -> Room:
    """Alice's chat, in which answers are shown at once, under no limit."""
    bot.stream_at_once()
    await settle_in(bot, alice)
    lift_limit(bot)
    return alice.chat


async def test_stop_keeps_what_came_and_the_assistant_remembers_it_without_our_remark(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    platform.budget = 1000
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")

    assert await ask(bot, alice, chat, "!stop") == "Stopped."

    assert heard(chat) == [f"Once upon a time{STOPPED}", "Stopped."]
    assert not any(map(is_live, said(chat)))
    assert said(chat)[0]["content"]["chat.spacekeeper.stopped"] is True
    await ask(bot, alice, chat, "And now?")
    told = [turn.text for turn in platform.histories[-1]]
    assert told == ["Hi", "Once upon a time"]
    assert await ask(bot, alice, chat, "!retry") == "There's no unanswered message here."


async def test_that_it_was_stopped_stands_below_the_code_in_which_it_was(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Like this:\n\n```python\nx = 1")
    await see(bot, chat, "Like this:\n\n```python\nx = 1")

    await ask(bot, alice, chat, "!stop")

    assert heard(chat)[0] == f"Like this:\n\n```python\nx = 1\n```{STOPPED}"
    assert said(chat)[0]["content"]["formatted_body"].endswith("<p><em>(Stopped.)</em></p>\n")


async def test_what_came_and_was_not_shown_yet_is_kept_too(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await bot.configure(f"{FAKE_PLATFORM}streaming: {{enabled: false}}\n")
    stream = await begin(bot, platform, alice)
    stream.say("Once upon", " a time")
    await bot.settled()

    alice.write(chat, "!stop")
    await bot.deliver()

    assert sorted(heard(chat)) == [f"Once upon a time{STOPPED}", "Stopped."]


@pytest.mark.parametrize("sign", [SIGN, f"{SIGN}\N{VARIATION SELECTOR-16}"])
async def test_a_stop_sign_on_the_answer_stops_it(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, sign: str
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")

    alice.react(said(chat)[0], sign)
    await bot.deliver()

    assert_whole(chat, f"Once upon a time{STOPPED}")
    assert await ask(bot, alice, chat, "Next") == "Answer to Next"


async def test_no_other_reaction_and_nobody_elses_stops_anything(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, chat: Room
) -> None:
    alice.let_in(bob, chat)
    await ask(bot, alice, chat, "Before")
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Answer to Before", "Once upon a time")
    earlier, running = said(chat)

    alice.react(running, "\N{THUMBS UP SIGN}")
    alice.react(earlier, SIGN)
    bob.react(running, SIGN)
    alice.world.send(alice.id, chat.room_id, "m.reaction", {"m.relates_to": {"key": SIGN}})
    await bot.deliver()
    stream.say(".")
    stream.end()
    await bot.settled()

    assert_whole(chat, "Answer to Before", "Once upon a time.")


async def test_with_nothing_come_yet_a_notice_says_so_and_the_question_is_done_with(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await begin(bot, platform, alice)
    alice.write(chat, "And this?")

    alice.write(chat, "!stop")
    await bot.deliver()

    (question, *_) = chat.messages(alice.id)
    assert replies(chat, question) == ["Stopped before there was an answer."]
    assert "Answer to And this?" in heard(chat)
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert platform.texts == ["Hi", "And this?"]
    assert await ask(bot, alice, chat, "!retry") == "There's no unanswered message here."


async def test_what_is_asked_again_and_stopped_before_a_word_gets_a_word_of_its_own(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    await ask(bot, alice, chat, "!stop")
    for _ in range(2):
        stream.heard.clear()
        alice.write(chat, "!again")
        await bot.push()
        await stream.heard.wait()
        await ask(bot, alice, chat, "!stop")

    question, *_ = chat.messages(alice.id)
    assert replies(chat, question) == ["Stopped before there was an answer."] * 3
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert len(platform.texts) == 3
    assert len(heard(chat)) == 6


async def test_stop_ends_the_wait_for_an_assistant_that_wants_to_be_left_alone(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.fail(PlatformError("The fake platform naps.", can_retry=True, retry_after=60.0))
    await bot.settled()

    alice.write(chat, "!stop")
    await bot.deliver()

    assert "Stopped before there was an answer." in heard(chat)
    assert await ask(bot, alice, chat, "Next") == "Answer to Next"


async def test_a_try_that_has_not_come_as_far_as_the_one_before_takes_nothing_away(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    stream.fail(PlatformError("The fake platform fell asleep.", can_retry=True))
    stream.say("There")
    await bot.settled()

    await ask(bot, alice, chat, "!stop")

    assert heard(chat)[0] == f"Once upon a time{STOPPED}"


async def test_an_assistant_that_fails_while_it_is_stopped_is_stopped(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    with pytest.MonkeyPatch.context() as patch:
        # Behind the one that keeps the command itself.
        brake = Brake(1, after=False)
        brake.apply(patch)
        alice.write(chat, "!stop")
        await bot.push()
        await asyncio.wait_for(brake.reached.wait(), 10)
        stream.fail(PlatformError("The fake platform fell asleep.", can_retry=False))
        await bot.server.until(lambda: heard(chat) != ["Once upon a time"])
        brake.released.set()
        await bot.settled()

    assert heard(chat) == [f"Once upon a time{STOPPED}", "Stopped."]


async def test_where_nothing_is_written_there_is_nothing_to_stop(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    for room in (control, alice.chat):
        assert await ask(bot, alice, room, "!stop") == "There's nothing to stop here."


async def test_stop_is_no_matter_of_how_much_waits(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    for number in range(bot.limits.waiting):
        alice.write(chat, f"Question {number}")
    alice.write(chat, "!stop")
    await bot.push()

    await bot.server.until(lambda: "Stopped." in heard(chat))


@DATABASE
@pytest.mark.parametrize(
    "at",
    [(step, after) for step in ("keeping", "sending") for after in (False, True)],
    ids=["before keeping", "after keeping", "before sending", "after sending"],
)
async def test_a_kill_at_the_stop_leaves_one_message_that_is_stopped(
    bot: Bot, platform: FakePlatform, alice: User, at: tuple[str, bool], keep_database: bool
) -> None:
    (step, after), chat = at, alice.chat
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")

    with pytest.MonkeyPatch.context() as patch:
        if step == "keeping":
            # Behind the one that keeps the command itself.
            brake = Brake(1, after)
            brake.apply(patch)
            reached = brake.reached
        else:
            reached = bot.server.inject(Hold("PUT .*/send/", times=None, after=after)).reached
        alice.write(chat, "!stop")
        await bot.push()
        await asyncio.wait_for(reached.wait(), 10)
        await bot.kill()
    bot.server.heal()
    platform.streams.clear()
    await come_back(bot, keep_database)

    answer, reply = sorted(heard(chat))
    assert answer == f"Once upon a time{STOPPED}"
    # Where the answer was sent first, and nothing else is known, it is stopped already.
    nothing_known = at == ("sending", True) and not keep_database
    assert reply == "Stopped." or (nothing_known and reply == "There's nothing to stop here.")
    assert not any(map(is_live, said(chat)))
    assert len(platform.keys) == 1
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert len(heard(chat)) == 2
    assert len(platform.keys) == 1


@DATABASE
async def test_what_somebody_stops_while_nobody_is_there_is_not_asked_again(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, keep_database: bool
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")

    await bot.kill()
    alice.write(chat, "!stop")
    await come_back(bot, keep_database)

    assert sorted(heard(chat)) == [f"Once upon a time{STOPPED}", "Stopped."]
    assert len(platform.keys) == 1


@DATABASE
@pytest.mark.parametrize("noise", [0, 130], ids=["at once", "among much else"])
async def test_a_stop_sign_while_nobody_is_there_stops_the_answer(
    bot: Bot, platform: FakePlatform, alice: User, noise: int, keep_database: bool
) -> None:
    chat = alice.chat
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")

    await bot.kill()
    platform.streams.clear()
    alice.react(said(chat)[0], f"{SIGN}\N{VARIATION SELECTOR-16}")
    for number in range(noise):
        alice.write(chat, f"Note {number}", msgtype="m.notice")
    await come_back(bot, keep_database)

    assert_whole(chat, f"Once upon a time{STOPPED}")
    assert len(platform.keys) == 1
    assert await ask(bot, alice, chat, "Next") == "Answer to Next"
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert_whole(chat, f"Once upon a time{STOPPED}", "Answer to Next")


@pytest.mark.parametrize("noise", [0, 130], ids=["thrown away", "limited too"])
async def test_a_stop_sign_in_a_sync_that_is_thrown_away_stops_the_answer(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, noise: int
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    alice.react(said(chat)[0], SIGN)
    for number in range(noise):
        alice.write(chat, f"Note {number}", msgtype="m.notice")
    bot.discard_next_sync()

    await bot.deliver()

    assert_whole(chat, f"Once upon a time{STOPPED}")


async def test_a_stop_sign_while_older_messages_are_read_stops_the_answer(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, chat: Room
) -> None:
    await settle_in(bot, bob)
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    await bot.kill()
    platform.streams.clear()
    bot.server.hang_room(chat.room_id, requests=MESSAGES)
    await bot.start()
    bob.write(bob.chat, "And me?")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat) == ["Answer to And me?"])

    alice.react(said(chat)[0], SIGN)
    await bot.push()
    bot.server.mend_room(chat.room_id)
    await bot.settled()

    assert_whole(chat, f"Once upon a time{STOPPED}")
    assert platform.texts == ["Hi", "And me?"]


async def test_stop_signs_of_guests_take_no_place_before_the_gate(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, chat: Room
) -> None:
    bot.limits = attr.evolve(bot.limits, waiting=2)
    await bot.restart()
    alice.let_in(bob, chat)
    await ask(bot, alice, chat, "Before")
    reading = bot.server.hang_room(chat.room_id, requests=MESSAGES)
    for number in range(130):
        alice.write(chat, f"Note {number}", msgtype="m.notice")
    await bot.push()
    await asyncio.wait_for(reading.reached.wait(), 10)

    for _ in range(2):
        bob.react(said(chat)[0], SIGN)
    alice.write(chat, "And now?")
    await bot.push()
    bot.server.mend_room(chat.room_id)
    await bot.settled()

    assert_whole(chat, "Answer to Before", "Answer to And now?")


async def test_a_stop_sign_on_what_is_being_written_waits_for_no_older_messages(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    reading = bot.server.hang_room(chat.room_id, requests=MESSAGES)
    for number in range(130):
        alice.write(chat, f"Note {number}", msgtype="m.notice")
    await bot.push()
    await asyncio.wait_for(reading.reached.wait(), 10)

    alice.react(said(chat)[0], SIGN)
    await bot.push()
    await see(bot, chat, f"Once upon a time{STOPPED}")

    bot.server.mend_room(chat.room_id)
    await bot.settled()


async def test_a_stop_sign_does_not_stop_what_was_asked_after_it(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    alice.react(said(chat)[0], SIGN)
    await bot.deliver()
    alice.write(chat, "!again")
    await bot.push()
    stream.say("There was")
    await see(bot, chat, "There was")

    # The next start reads the stop sign, too.
    await bot.kill()
    platform.streams.clear()
    await come_back(bot)

    assert_whole(chat, f"Answer to Hi{ASKED_AGAIN}")


async def test_no_other_reaction_and_nobody_elses_stops_anything_after_a_start(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, chat: Room
) -> None:
    alice.let_in(bob, chat)
    await ask(bot, alice, chat, "Before")
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Answer to Before", "Once upon a time")
    await bot.kill()
    platform.streams.clear()
    earlier, running = said(chat)
    alice.react(running, "\N{THUMBS UP SIGN}")
    alice.react(earlier, SIGN)
    bob.react(running, SIGN)
    relation = {"rel_type": "m.annotation", "event_id": running["event_id"], "key": [SIGN]}
    for garbled in ({"m.relates_to": relation}, {"m.relates_to": {"key": SIGN}}, {}):
        alice.world.send(alice.id, chat.room_id, "m.reaction", garbled)
    alice.world.redact(alice.id, alice.react(running, SIGN))
    await come_back(bot)

    assert_whole(chat, "Answer to Before", "Answer to Hi")


async def test_the_assistant_does_not_hear_that_its_answer_was_too_long(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    bot.limits = attr.evolve(bot.limits, answer=20)
    await bot.restart()
    platform.budget, platform.answers["Hi"] = 1000, "x" * 30

    assert "longer than what I can send" in await ask(bot, alice, chat, "Hi")
    await ask(bot, alice, chat, "Next")

    assert [turn.text for turn in platform.histories[-1]] == ["Hi", "x" * 20]
