"""Wherever the plugin is killed while it shows an answer: one whole message in the end.

What the platform says after a kill is another answer, as a real one's would be; nothing of the one
before may be left of it.
"""

from __future__ import annotations

import asyncio

import pytest

from ..fakes.failpoints import Brake
from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Hold
from ..fakes.maubot import Bot
from ..fakes.stories import ask, come_back, settle_in
from ..fakes.streams import assert_whole, begin, is_live, lift_limit, see
from ..fakes.users import User, heard, said

SEND = "PUT .*/send/"
DATABASE = pytest.mark.parametrize("keep_database", [True, False], ids=["database", "none"])
CUT = pytest.mark.parametrize(
    "cut",
    [(after, keep) for after in (False, True) for keep in (False, True)],
    ids=["before, none", "before, database", "after, none", "after, database"],
)
WORDS = ("Once upon a time", " there was", " a bot")


@pytest.fixture(autouse=True)
async def _streaming(bot: Bot, platform: FakePlatform, alice: User) -> None:
    """Alice has a chat, in which answers are shown at once, under no limit."""
    bot.stream_at_once()
    await settle_in(bot, alice)
    lift_limit(bot)


@CUT
@pytest.mark.parametrize("shown", range(len(WORDS)))
async def test_a_kill_while_words_are_sent_leaves_one_message(
    bot: Bot,
    platform: FakePlatform,
    alice: User,
    cut: tuple[bool, bool],
    shown: int,
) -> None:
    after, keep_database = cut
    stream = await begin(bot, platform, alice)
    for number in range(shown):
        stream.say(WORDS[number])
        await see(bot, alice.chat, "".join(WORDS[: number + 1]))
    held = bot.server.inject(Hold(SEND, times=None, after=after))
    stream.say(WORDS[shown])
    await held.reached.wait()

    await bot.kill()
    bot.server.heal()
    platform.streams.clear()
    await come_back(bot, keep_database)

    assert_whole(alice.chat, "Answer to Hi")
    assert len(set(platform.keys)) == 1
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert_whole(alice.chat, "Answer to Hi")
    assert len(platform.keys) == 2


@CUT
@pytest.mark.parametrize("at", ["keeping", "sending"])
async def test_a_kill_at_the_end_leaves_one_whole_message(
    bot: Bot,
    platform: FakePlatform,
    alice: User,
    cut: tuple[bool, bool],
    at: str,
) -> None:
    after, keep_database = cut
    stream = await begin(bot, platform, alice)
    stream.say(*WORDS)
    await see(bot, alice.chat, "".join(WORDS))

    with pytest.MonkeyPatch.context() as patch:
        if at == "keeping":
            brake = Brake(0, after)
            brake.apply(patch)
            reached = brake.reached
        else:
            reached = bot.server.inject(Hold(SEND, times=None, after=after)).reached
        stream.end()
        await asyncio.wait_for(reached.wait(), 10)
        await bot.kill()
    bot.server.heal()
    platform.streams.clear()
    await come_back(bot, keep_database)

    # The answer was kept, or stands already; else it is asked for again.
    was_had = (at, after) == ("sending", True) or (
        keep_database and (at, after) != ("keeping", False)
    )
    assert_whole(alice.chat, "".join(WORDS) if was_had else "Answer to Hi")
    assert len(platform.keys) == (1 if was_had else 2)
    assert len(set(platform.keys)) == 1


@DATABASE
async def test_words_of_before_a_kill_stay_until_there_are_more(
    bot: Bot, platform: FakePlatform, alice: User, keep_database: bool
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, alice.chat, "Once upon a time")
    (message,) = said(alice.chat)

    await bot.kill()
    again = platform.stream("Hi")
    await come_back(bot, keep_database)
    lift_limit(bot)
    again.say("There once")
    await bot.settled()
    assert heard(alice.chat) == ["Once upon a time"]
    again.say(" was a bot")
    await see(bot, alice.chat, "There once was a bot")
    assert is_live(said(alice.chat)[0])
    again.say(".")
    again.end()
    await bot.settled()

    assert_whole(alice.chat, "There once was a bot.")
    assert said(alice.chat)[0]["event_id"] == message["event_id"]


@DATABASE
@pytest.mark.parametrize("shorter", [True, False])
async def test_a_long_answer_of_before_a_kill_leaves_nothing_of_itself(
    bot: Bot, platform: FakePlatform, alice: User, shorter: bool, keep_database: bool
) -> None:
    pieces = [str(number) * 11_000 for number in range(3)]
    stream = await begin(bot, platform, alice)
    stream.say("\n\n".join(pieces))
    await see(bot, alice.chat, *pieces)

    await bot.kill()
    platform.streams.clear()
    new = ["Short"] if shorter else [f"a{piece}" for piece in (*pieces, "the end")]
    platform.answers["Hi"] = "\n\n".join(new)
    await come_back(bot, keep_database)

    if shorter:
        assert_whole(alice.chat, "Short")
    else:
        assert_whole(alice.chat, *new[:2], f"{new[2]}\n\n{new[3]}")
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert len(platform.keys) == 2


async def test_a_question_taken_back_while_nobody_was_there_leaves_nothing_unfinished(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, alice.chat, "Once upon a time")

    await bot.kill()
    alice.take_back(alice.chat.messages(alice.id)[0])
    await come_back(bot)

    assert not any(map(is_live, said(alice.chat)))
    assert len(platform.keys) == 1


async def test_a_chat_archived_meanwhile_leaves_nothing_unfinished(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, alice.chat, "Once upon a time")

    await bot.kill()
    alice.put_state(alice.space, ("m.space.child", alice.chat.room_id), {})
    await come_back(bot)

    assert not any(map(is_live, said(alice.chat)))
    assert "archived" in heard(alice.chat)[-1]


async def test_a_stop_while_words_are_shown_is_no_end_of_them(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, alice.chat, "Once upon a time")

    await bot.stop()
    assert heard(alice.chat) == ["Once upon a time"]
    platform.streams.clear()
    await come_back(bot)

    assert_whole(alice.chat, "Answer to Hi")
    assert await ask(bot, alice, alice.chat, "Next") == "Answer to Next"
