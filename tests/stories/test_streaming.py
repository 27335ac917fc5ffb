"""Answers that are shown while they are written: one message each, whole in the end."""

from __future__ import annotations

import asyncio

import attr
import pytest

from plugin.matrix.message_limit import BURST
from plugin.matrix.split import PIECE_BYTES
from plugin.platforms.protocol import PlatformError

from ..fakes.fake_platform import FAKE_PLATFORM, FakePlatform
from ..fakes.faults import Answer
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import DATABASE, ask, have_set_aside, settle_in, settle_in_with_chats
from ..fakes.streams import BREAKS_OFF, assert_whole, begin, edits, is_live, lift_limit, see
from ..fakes.users import User, heard, replies, said


@pytest.fixture
async def chat(bot: Bot, platform: FakePlatform, alice: User) -> Room:
    """Alice's chat, in which answers are shown at once, under no limit."""
    bot.stream_at_once()
    await settle_in(bot, alice)
    lift_limit(bot)
    return alice.chat


async def test_an_answer_is_shown_while_it_is_written_and_is_one_message_in_the_end(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    stream.say(" there was")
    await see(bot, chat, "Once upon a time there was")
    assert is_live(said(chat)[0])

    stream.say(" a bot.  ")
    stream.end()
    await bot.settled()

    assert_whole(chat, "Once upon a time there was a bot.")


@pytest.mark.parametrize("nothing", ["", " \n", "\0", "\0 \0"])
async def test_a_chunk_in_which_there_is_nothing_to_read_begins_no_message(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, nothing: str
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say(nothing)
    await bot.settled()
    assert heard(chat) == []

    stream.say("\0 Once\0 upon", nothing, " a time")
    await see(bot, chat, f"Once upon{nothing.replace(chr(0), '')} a time")
    stream.end()
    await bot.settled()

    (message,) = said(chat)
    assert not is_live(message)
    assert message["content"]["body"].split() == ["Once", "upon", "a", "time"]


async def test_an_edit_carries_the_text_once_and_pings_nobody(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("**So**")
    await see(bot, chat, "**So**")
    stream.say(" it goes, " * 100)
    stream.end()
    await bot.settled()

    (first, *_) = chat.messages(BOT)
    content = edits(chat)[-1]["content"]
    assert len(content["body"]) <= 200
    assert "formatted_body" not in content
    assert content["m.mentions"] == content["m.new_content"]["m.mentions"] == {}
    assert content["m.relates_to"] == {"rel_type": "m.replace", "event_id": first["event_id"]}
    assert "<strong>" in content["m.new_content"]["formatted_body"]
    assert "m.relates_to" not in content["m.new_content"]


async def test_an_open_code_block_is_shown_as_it_is_written(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Look: *here*\n\n```python\nx = 1 < 2")
    await bot.server.until(lambda: "x = 1 < 2" in "".join(heard(chat)))
    shown = said(chat)[0]["content"]["formatted_body"]
    assert "<em>here</em>" in shown
    assert "<pre>" not in shown
    assert "```python<br />x = 1 &lt; 2" in shown

    stream.say("\n```\n")
    stream.end()
    await bot.settled()

    assert "<pre>" in said(chat)[0]["content"]["formatted_body"]


async def test_what_is_said_at_once_is_one_event(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    lift_limit(bot)
    stream = await begin(bot, platform, alice)

    for word in ("This ", "is ", "a ", "sentence. ", "And another one, which is long enough."):
        stream.say(word)
    stream.end()
    await bot.settled()

    (answer,) = alice.chat.messages(BOT)
    assert not is_live(answer)


async def test_with_streaming_off_nothing_is_shown_before_the_end(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await bot.configure(f"{FAKE_PLATFORM}streaming: {{enabled: false}}\n")
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time. ")
    await bot.settled()
    assert heard(chat) == []

    stream.end()
    await bot.settled()

    assert heard(chat) == ["Once upon a time."]
    assert edits(chat) == []


async def test_a_long_answer_goes_on_in_a_further_message(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    first, second, third = (str(number) * (PIECE_BYTES - 100) for number in range(3))
    stream = await begin(bot, platform, alice)
    stream.say(first)
    await see(bot, chat, first)
    stream.say(f"\n\n{second}")
    await see(bot, chat, first, second)
    assert list(map(is_live, said(chat))) == [False, True]
    assert said(chat)[0]["content"]["chat.spacekeeper.continues"] is True

    stream.say(f"\n\n{third}")
    stream.end()
    await bot.settled()

    assert_whole(chat, first, second, third)
    continues = ["chat.spacekeeper.continues" in one["content"] for one in said(chat)]
    assert continues == [True, True, False]


async def test_what_breaks_off_stays_and_is_asked_again_into_the_same_message(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    platform.budget = 1000
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")

    stream.fail(PlatformError("The fake platform fell asleep.", can_retry=False))
    await bot.settled()

    text, notice = said(chat)
    assert text["content"]["body"] == f"Once upon a time{BREAKS_OFF}"
    assert not is_live(text)
    assert "fell asleep" in notice["content"]["body"]
    await ask(bot, alice, chat, "And now?")
    assert [turn.text for turn in platform.histories[-1]] == []

    platform.streams.clear()
    await ask(bot, alice, chat, "!retry")
    assert heard(chat)[0] == "Answer to Hi"
    assert said(chat)[0]["event_id"] == text["event_id"]
    assert not is_live(said(chat)[0])
    await ask(bot, alice, chat, "What did I say?")
    assert "Answer to Hi" in [turn.text for turn in platform.histories[-1]]


async def test_words_of_a_try_that_failed_stay_until_there_are_more_of_the_next(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    stream.fail(PlatformError("The fake platform fell asleep.", can_retry=True))
    stream.say("There once")
    await bot.settled()
    assert heard(chat) == ["Once upon a time"]

    stream.say(" was a bot.")
    await see(bot, chat, "There once was a bot.")
    stream.end()
    await bot.settled()

    assert_whole(chat, "There once was a bot.")


async def test_a_try_that_fails_with_its_first_words_shows_nothing(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    streaming = attr.evolve(bot.timing.streaming, moment=0.04)
    bot.timing = attr.evolve(bot.timing, streaming=streaming)
    await bot.restart()
    lift_limit(bot)
    stream = await begin(bot, platform, alice)

    stream.say("Once upon a time. ")
    stream.fail(PlatformError("The fake platform fell asleep.", can_retry=True))
    await bot.settled()

    assert chat.messages(BOT) == []
    stream.say("There once was a bot.")
    stream.end()
    await bot.settled()
    assert_whole(chat, "There once was a bot.")


async def test_cancel_leaves_what_came_and_says_that_it_breaks_off(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")

    alice.write(chat, "!cancel")
    await bot.deliver()

    assert not any(map(is_live, said(chat)))
    assert heard(chat)[0] == f"Once upon a time{BREAKS_OFF}"
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert len(heard(chat)) == 2


async def test_an_answer_quotes_its_question_only_where_something_stands_between(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, chat: Room
) -> None:
    alice.let_in(bob, chat)
    await ask(bot, alice, chat, "One")
    stream = await begin(bot, platform, alice, "Two")
    bob.write(chat, "I am here, too.")
    await bot.push()
    stream.say("Welcome")
    await see(bot, chat, "Answer to One", "Welcome")
    stream.end()
    await bot.settled()
    await bot.stop()
    after = alice.write(chat, "Three")
    await bot.start()
    await bot.settled()
    await bot.deliver()

    relations = [one["content"].get("m.relates_to") for one in said(chat)]
    two = chat.messages(alice.id)[1]
    assert relations == [
        None,
        {"m.in_reply_to": {"event_id": two["event_id"]}},
        {"m.in_reply_to": {"event_id": after["event_id"]}},
    ]


async def test_a_long_wait_ends_in_a_message_of_its_own_where_that_is_wanted(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    streaming = attr.evolve(bot.timing.streaming, notify_after=0.0)
    bot.timing = attr.evolve(bot.timing, streaming=streaming)
    await bot.restart()
    lift_limit(bot)
    await bot.configure(f"{FAKE_PLATFORM}streaming: {{notify: final}}\n")
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    (running,) = said(chat)

    stream.say(" there was a bot.")
    stream.end()
    await bot.settled()

    assert_whole(chat, "Once upon a time there was a bot.")
    assert said(chat)[0]["event_id"] != running["event_id"]
    assert chat.messages(BOT)[0]["content"] == {}
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert_whole(chat, "Once upon a time there was a bot.")


@pytest.mark.parametrize("pieces", [1, 2])
async def test_an_answer_taken_back_while_it_is_written_ends_and_is_gone(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, pieces: int
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time. " + "x" * PIECE_BYTES * (pieces - 1))
    await bot.server.until(lambda: len(said(chat)) == pieces)

    bot.server.world.redact(alice.id, chat.messages(BOT)[0])
    await bot.deliver()
    stream.say("And so on. " + "y" * PIECE_BYTES)
    stream.end()
    await bot.settled()

    assert heard(chat) == []
    assert await ask(bot, alice, chat, "Next") == "Answer to Next"
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert heard(chat) == ["Answer to Next"]
    assert platform.texts == ["Hi", "Next"]


async def test_what_broke_off_and_was_taken_back_is_answered_by_retry_where_it_is_seen(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    stream.fail(PlatformError("The fake platform fell asleep.", can_retry=False))
    await bot.settled()
    assert heard(chat)[0] == f"Once upon a time{BREAKS_OFF}"
    platform.streams.clear()

    bot.server.world.redact(alice.id, chat.messages(BOT)[0])
    alice.write(chat, "!retry")
    await bot.deliver()

    assert "Answer to Hi" in heard(chat)
    assert not any(map(is_live, said(chat)))


@pytest.mark.usefixtures("chat")
@DATABASE
async def test_an_answer_whose_beginning_was_taken_back_while_nobody_was_there_comes_whole(
    bot: Bot, platform: FakePlatform, alice: User, keep_database: bool
) -> None:
    chat = alice.chat
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    await bot.kill()
    platform.streams.clear()
    alice.world.redact(alice.id, chat.messages(BOT)[0])
    if not keep_database:
        bot.database.unlink()
    await bot.start()
    await bot.settled()
    await bot.deliver()

    assert_whole(chat, "Answer to Hi")


@pytest.mark.usefixtures("chat")
@DATABASE
@pytest.mark.parametrize("seconds", [90, 30])
async def test_a_long_wait_is_counted_from_the_first_words_also_over_a_kill(
    bot: Bot, platform: FakePlatform, alice: User, seconds: int, keep_database: bool
) -> None:
    chat = alice.chat
    await bot.configure(f"{FAKE_PLATFORM}streaming: {{notify: final}}\n")
    bot.server.world.lag = seconds * 1000
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    (running,) = said(chat)
    await bot.kill()
    bot.server.world.lag = 0

    stream = platform.stream("Hi")
    stream.say("Once upon a time there was", " a bot.")
    if not keep_database:
        bot.database.unlink()
    await bot.start()
    await see(bot, chat, "Once upon a time there was a bot.")
    stream.end()
    await bot.settled()

    assert_whole(chat, "Once upon a time there was a bot.")
    assert (said(chat)[0]["event_id"] != running["event_id"]) == (seconds > 60)


async def test_a_long_wait_for_a_question_that_is_edited_meanwhile_ends_in_one_message_too(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    streaming = attr.evolve(bot.timing.streaming, notify_after=0.0)
    bot.timing = attr.evolve(bot.timing, streaming=streaming)
    await bot.restart()
    lift_limit(bot)
    await bot.configure(f"{FAKE_PLATFORM}streaming: {{notify: final}}\n")
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    shown = ["Once upon a time"]
    await see(bot, chat, *shown)
    for text in ("Hello", "Good morning"):
        stream = platform.stream(text)
        alice.edit(chat.messages(alice.id)[0], text)
        await bot.push()
        stream.say(f"{text} to you")
        shown.append(f"{text} to you")
        await see(bot, chat, *shown)

    stream.say(", too")
    stream.end()
    await bot.settled()

    assert_whole(chat, "Good morning to you, too")


async def test_first_words_of_which_it_is_not_known_whether_they_stand_are_not_doubled(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    lost = bot.server.inject(Answer("PUT .*/send/", times=None, after=True, status=502))
    stream.say("Once upon a time")
    await lost.reached.wait()

    bot.server.lift(lost)
    stream.say(" there was a bot.")
    stream.end()
    await bot.settled()

    assert_whole(chat, "Once upon a time there was a bot.")


async def test_what_somebody_takes_back_while_it_is_written_is_said_again_after_a_kill(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")

    await bot.kill()
    alice.take_back(chat.messages(BOT)[0])
    platform.streams.clear()
    await bot.start()
    await bot.settled()
    await bot.deliver()

    assert_whole(chat, "Answer to Hi")


async def test_under_the_homeservers_limit_words_that_nobody_needs_refuse_nobody_an_answer(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    bot.stream_at_once()
    await settle_in(bot, alice, bob)
    await bot.restart()
    limit = bot.plugin.services.matrix.api.message_limit
    limit.per_second = 0.0
    bot.server.limit_messages(per_second=1e-9, burst=BURST)
    stream = await begin(bot, platform, alice)
    for number in range(50):
        stream.say(f"Word number {number}. ")
        await bot.settled()
    assert len(chat_messages := alice.chat.messages(BOT)) > 1
    assert len(chat_messages) <= BURST / 2

    # What is shown already goes on; what is asked from now on is answered in one event.
    await bot.configure(f"{FAKE_PLATFORM}streaming: {{enabled: false}}\n")
    for number in range(4):
        await ask(bot, bob, bob.chat, f"Short question {number}")
    stream.end()
    await bot.settled()

    assert bot.plugin.services.matrix.api.limited == 0
    assert_whole(alice.chat, "".join(f"Word number {number}. " for number in range(50)).strip())


async def test_where_everybody_is_being_answered_nobodys_end_waits_for_first_words(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    """As many answers as the homeserver takes at once: one word of them shown, and one of their
    ends would be refused."""
    bot.stream_at_once()
    control = await settle_in_with_chats(bot, alice, chats=BURST)
    await bot.restart()
    bot.plugin.services.matrix.api.message_limit.per_second = 0.0
    bot.server.limit_messages(per_second=1e-9, burst=BURST)
    streams = []
    for number, chat in enumerate(alice.chats):
        streams.append(platform.stream(f"Question {number}"))
        alice.write(chat, f"Question {number}")
    await bot.push()
    for stream in streams:
        await asyncio.wait_for(stream.heard.wait(), 10)
    for stream in streams:
        stream.say("Some words. ")
    await bot.settled()
    assert [heard(chat) for chat in alice.chats] == [[]] * BURST

    for stream in streams:
        stream.end()
    await bot.settled()

    assert bot.plugin.services.matrix.api.limited == 0
    assert [heard(chat) for chat in alice.chats] == [["Some words."]] * BURST
    assert heard(control) != []


# Of each read a small page, and a large one where edits come along.
@pytest.mark.parametrize("pages", [2, 1], ids=["edits come", "edits left out"])
async def test_a_long_life_of_streamed_answers_is_read_in_few_pages(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, pages: int
) -> None:
    """Edits are read with what they edit, and never counted as messages."""
    bot.server.endpoints.leaves_out_relations = pages == 1
    platform.budget = 100_000
    failed = await have_set_aside(bot, platform, alice, "Set aside")
    for number in range(24):
        stream = await begin(bot, platform, alice, f"Question {number}")
        for word in range(12):
            stream.say(f"{word} ")
            await bot.settled()
        stream.end()
        await bot.settled()
    assert len(edits(chat)) > 250
    await bot.restart(keep_database=False)

    def count_pages() -> int:
        return sum(call.path.endswith("/messages") for call in bot.server.calls)

    before = count_pages()
    assert "1 message" in await ask(bot, alice, chat, "!retry")
    assert replies(chat, failed)[-1] == "Answer to Set aside"
    # For what is unanswered, for what was answered of it, and for what was said before.
    assert count_pages() - before <= 3 * pages

    before = count_pages()
    await ask(bot, alice, chat, "What was said?")
    assert count_pages() - before <= pages
    assert len(platform.histories[-1]) == 2 * 25


async def test_a_homeserver_that_takes_no_filter_it_does_not_know_has_its_rooms_read(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    """Whatever was asked is answered, with what was said before."""
    platform.budget = 1_000
    await ask(bot, alice, chat, "One")
    await bot.stop()
    bot.server.endpoints.is_strict = True
    alice.write(chat, "Two")
    await bot.start()
    await bot.settled()
    await ask(bot, alice, chat, "Three")

    assert heard(chat) == ["Answer to One", "Answer to Two", "Answer to Three"]
    assert [turn.text for turn in platform.histories[-1]][::2] == ["One", "Two"]
