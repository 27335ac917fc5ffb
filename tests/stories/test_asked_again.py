"""`!again`, and an edit of the last question: the answer is replaced, in the same messages."""

from __future__ import annotations

import asyncio

import attr
import pytest

from plugin.message import parse_message
from plugin.platforms.protocol import PlatformError

from ..fakes.fake_platform import FAKE_PLATFORM, FakePlatform
from ..fakes.faults import Answer, Hold
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import (
    ask,
    come_back,
    have_set_aside,
    meanwhile,
    settle_in,
    write_while_busy,
)
from ..fakes.streams import (
    ASKED_AGAIN,
    BREAKS_OFF,
    STOPPED,
    assert_whole,
    begin,
    edits,
    is_live,
    lift_limit,
    see,
)
from ..fakes.users import User, heard, replies, said

WHEN_KNOWN = pytest.mark.parametrize("when", ["live", "while down"])
DATABASE = pytest.mark.parametrize("keep_database", [True, False], ids=["database", "none"])


@pytest.fixture(autouse=True, params=[False, True], ids=["edits come", "edits left out"])
async def chat(
    bot: Bot, platform: FakePlatform, alice: User, request: pytest.FixtureRequest
) -> Room:
    """Alice's chat, in which answers are shown at once, under no limit. Edits come along with
    what is read of it, or are left out."""
    bot.server.endpoints.leaves_out_relations = request.param
    bot.stream_at_once()
    await settle_in(bot, alice)
    lift_limit(bot)
    return alice.chat


async def test_again_replaces_the_last_answer_and_says_so(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    platform.budget = 1000
    await ask(bot, alice, chat, "One")
    await ask(bot, alice, chat, "Two")
    before = said(chat)

    platform.answers["Two"] = "Another answer"
    again = alice.write(chat, "!again")
    await bot.deliver()

    assert_whole(chat, "Answer to One", f"Another answer{ASKED_AGAIN}")
    assert [one["event_id"] for one in said(chat)] == [one["event_id"] for one in before]
    assert platform.texts == ["One", "Two", "Two"]
    assert platform.keys[-1] == again["event_id"]
    assert [turn.text for turn in platform.histories[-1]] == ["One", "Answer to One"]
    await ask(bot, alice, chat, "Three")
    told = [turn.text for turn in platform.histories[-1]]
    assert told == ["One", "Answer to One", "Two", "Another answer"]


async def test_where_nothing_was_asked_there_is_nothing_to_ask_again(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    assert await ask(bot, alice, chat, "!again") == "There's no question here to ask again."


@DATABASE
async def test_what_was_asked_again_once_is_not_by_a_start(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, keep_database: bool
) -> None:
    await ask(bot, alice, chat, "One")
    alice.write(chat, "!again")
    await bot.deliver()
    question, _ = chat.messages(alice.id)
    alice.edit(question, "Uno")
    await bot.deliver()
    assert platform.texts == ["One", "One", "Uno"]

    await bot.restart(keep_database=keep_database)
    await bot.deliver()

    assert platform.texts == ["One", "One", "Uno"]
    assert_whole(chat, f"Answer to Uno{ASKED_AGAIN}")


async def test_an_edit_of_the_last_question_asks_again(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await ask(bot, alice, chat, "One")
    question = alice.write(chat, "Tow")
    await bot.deliver()
    edit = alice.edit(question, "Two")
    await bot.deliver()

    assert_whole(chat, "Answer to One", f"Answer to Two{ASKED_AGAIN}")
    assert platform.keys[-1] == edit["event_id"]


@pytest.mark.parametrize("then", ["waits", "is answered", "was answered", "came while down"])
async def test_of_two_edits_the_one_written_last_counts_although_the_other_comes_after_it(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, then: str
) -> None:
    platform.budget = 1000
    if then == "waits":
        gate = await write_while_busy(bot, platform, alice, "One")
        question = chat.messages(alice.id)[-1]
    elif then == "is answered":
        await begin(bot, platform, alice, "One")
        (question,) = chat.messages(alice.id)
    else:
        question = alice.write(chat, "One")
        await bot.deliver()
    if then == "came while down":
        await bot.stop()
    stream = platform.stream("Final")
    alice.edit(question, "Final")
    if then in ("waits", "is answered"):
        await bot.push()
        gate.set() if then == "waits" else None
        await asyncio.wait_for(stream.heard.wait(), 10)
    stream.say("Answer to Final")
    if then == "was answered":
        stream.end()
        await bot.deliver()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bot.server.world, "lag", 60_000)
        alice.edit(question, "Interim")
    stream.end()
    await (come_back(bot) if then == "came while down" else bot.deliver())

    assert platform.texts.count("Final") == 1
    assert "Interim" not in platform.texts
    assert heard(chat)[-1].removesuffix(ASKED_AGAIN) == "Answer to Final"
    await bot.restart(keep_database=False)
    await ask(bot, alice, chat, "Next")
    assert [turn.text for turn in platform.histories[-1]][-2:] == ["Final", "Answer to Final"]


async def test_an_edit_of_an_older_question_changes_history_only(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    platform.budget = 1000
    question = alice.write(chat, "One")
    await bot.deliver()
    await ask(bot, alice, chat, "Two")

    alice.edit(question, "Uno")
    await bot.deliver()
    await bot.restart(keep_database=False)
    await bot.deliver()

    assert_whole(chat, "Answer to One", "Answer to Two")
    await ask(bot, alice, chat, "Three")
    assert platform.texts == ["One", "Two", "Three"]
    assert [turn.text for turn in platform.histories[-1]][:2] == ["Uno", "Answer to One"]


async def test_an_edit_while_it_is_answered_takes_over_into_the_same_message(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    (shown,) = said(chat)
    (question,) = chat.messages(alice.id)

    edit = alice.edit(question, "Hello")
    await bot.deliver()

    assert_whole(chat, "Answer to Hello")
    assert said(chat)[0]["event_id"] == shown["event_id"]
    assert platform.keys == [question["event_id"], edit["event_id"]]
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert len(platform.keys) == 2


async def test_a_later_edit_replaces_one_that_waits_or_is_answered(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    question = alice.write(chat, "One")
    await bot.deliver()
    stream = platform.stream("Uno")
    alice.edit(question, "Uno")
    await bot.push()
    await stream.heard.wait()
    alice.edit(question, "Eins")
    await bot.deliver()

    assert_whole(chat, f"Answer to Eins{ASKED_AGAIN}")
    assert platform.texts == ["One", "Uno", "Eins"]


async def test_no_edit_of_a_command_or_into_one_asks_anything(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    question = alice.write(chat, "One")
    await bot.deliver()
    alice.edit(question, "!help")
    command = alice.write(chat, "!chats")
    await bot.deliver()
    alice.edit(command, "Two")
    await bot.deliver()

    assert platform.texts == ["One"]
    assert heard(chat)[0] == "Answer to One"


NOTHING_ASKED = "There's no question here to ask again."
NO_COMMAND = (
    "An edit gives me no command, so your message counts as you wrote it first. Please send the "
    "command as a message of its own."
)
INTO = pytest.mark.parametrize("command", ["!stop", "!help", "!archive", "!rename Other", "!chat"])


@INTO
async def test_an_edit_into_a_command_while_it_is_answered_lets_the_answer_go_on_and_says_so(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, command: str
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    edit = alice.edit(chat.messages(alice.id)[0], command)
    await bot.push()
    await bot.server.until(lambda: replies(chat, edit) == [NO_COMMAND])

    stream.say(", the end.")
    stream.end()
    await bot.settled()

    assert_whole(chat, "Once upon a time, the end.", NO_COMMAND)
    assert platform.texts == ["Hi"]
    assert chat.name == "Chat 1"
    assert await ask(bot, alice, chat, "Next") == "Answer to Next"


@INTO
async def test_an_edit_into_a_command_while_it_waits_lets_the_question_be_asked_as_it_was(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, command: str
) -> None:
    gate = await write_while_busy(bot, platform, alice, "Wait", "!rename This")
    _, question, rename = chat.messages(alice.id)
    edit = alice.edit(question, command)
    alice.edit(rename, "!rename That")
    await bot.push()
    gate.set()
    await bot.settled()

    assert platform.texts == ["Think", "Wait"]
    assert replies(chat, question) == ["Answer to Wait"]
    assert replies(chat, edit) == [NO_COMMAND]
    # A command that waits may be mended.
    assert chat.name == "That"
    alice.write(chat, "!again")
    await bot.deliver()
    assert platform.texts == ["Think", "Wait", "Wait"]


@DATABASE
@INTO
async def test_an_edit_into_a_command_while_nobody_is_there_asks_and_runs_nothing(
    bot: Bot, platform: FakePlatform, alice: User, command: str, keep_database: bool
) -> None:
    chat = alice.chat
    answered = alice.write(chat, "One")
    await bot.deliver()
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Answer to One", "Once upon a time")
    await bot.kill()
    platform.streams.clear()
    new = alice.write(chat, "New")
    for question in (answered, *chat.messages(alice.id)[1:]):
        alice.edit(question, command)
    await come_back(bot, keep_database)

    assert_whole(chat, "Answer to One", "Answer to Hi", "Answer to New")
    assert platform.texts == ["One", "Hi", "Hi", "New"]
    assert replies(chat, new) == ["Answer to New"]
    assert chat.name == "Chat 1"


@DATABASE
async def test_what_was_set_aside_and_edited_into_a_command_is_asked_by_retry_as_it_was(
    bot: Bot, platform: FakePlatform, alice: User, keep_database: bool
) -> None:
    question = await have_set_aside(bot, platform, alice, "Hello")
    alice.edit(question, "!archive")
    await bot.deliver()
    await bot.restart(keep_database=keep_database)

    alice.write(alice.chat, "!retry")
    await bot.deliver()

    assert "Answer to Hello" in replies(alice.chat, question)
    assert platform.texts == ["Hello", "Hello"]


@DATABASE
@pytest.mark.parametrize("how", ["again", "edit"])
async def test_a_kill_while_it_is_asked_again_leaves_one_whole_answer(
    bot: Bot, platform: FakePlatform, alice: User, how: str, keep_database: bool
) -> None:
    chat = alice.chat
    question = alice.write(chat, "One")
    await bot.deliver()
    stream = platform.stream("Uno" if how == "edit" else "One")
    asks = alice.edit(question, "Uno") if how == "edit" else alice.write(chat, "!again")
    await bot.push()
    stream.say("Something else")
    await see(bot, chat, "Something else")

    await bot.kill()
    platform.streams.clear()
    await come_back(bot, keep_database)

    answer = "Answer to Uno" if how == "edit" else "Answer to One"
    # Of an edited question of which there is no whole answer, nobody knows that there was one.
    says_so = keep_database or how == "again"
    assert_whole(chat, f"{answer}{ASKED_AGAIN if says_so else ''}")
    assert platform.keys[1:] == [asks["event_id"]] * 2
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert len(platform.keys) == 3


@DATABASE
@pytest.mark.parametrize("how", ["again", "edit"])
async def test_what_is_asked_again_while_nobody_is_there_is_answered_at_the_start(
    bot: Bot, platform: FakePlatform, alice: User, how: str, keep_database: bool
) -> None:
    chat = alice.chat
    question = alice.write(chat, "One")
    await bot.deliver()

    await bot.stop()
    if how == "edit":
        alice.edit(question, "Uno")
    else:
        alice.write(chat, "!again")
    await come_back(bot, keep_database)

    answer = "Answer to Uno" if how == "edit" else "Answer to One"
    assert_whole(chat, f"{answer}{ASKED_AGAIN}")


async def test_an_edit_of_what_is_answered_already_is_not_lost_in_a_kill(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await bot.configure(f"{FAKE_PLATFORM}streaming: {{enabled: false}}\n")
    hold = bot.server.inject(Hold("PUT .*/send/", times=None))
    question = alice.write(chat, "One")
    await bot.push()
    # The answer is had, and kept.
    await asyncio.wait_for(hold.reached.wait(), 10)
    await bot.kill()
    bot.server.heal()

    alice.edit(question, "Uno")
    await come_back(bot)

    assert_whole(chat, f"Answer to Uno{ASKED_AGAIN}")
    await bot.restart()
    await bot.deliver()
    assert platform.texts == ["One", "Uno"]


@DATABASE
@pytest.mark.parametrize(
    "begun",
    [(how, came) for how in ("again", "edit") for came in ("Something else", "")],
    ids=["again, shown", "again, not shown", "edit, shown", "edit, not shown"],
)
async def test_a_stop_while_nobody_is_there_keeps_what_stands(
    bot: Bot, platform: FakePlatform, alice: User, begun: tuple[str, str], keep_database: bool
) -> None:
    (how, came), chat = begun, alice.chat
    question = alice.write(chat, "One")
    await bot.deliver()
    stream = platform.stream("Uno" if how == "edit" else "One")
    if how == "edit":
        alice.edit(question, "Uno")
    else:
        alice.write(chat, "!again")
    await bot.push()
    await stream.heard.wait()
    if came:
        stream.say(came)
        await see(bot, chat, came)

    await bot.kill()
    platform.streams.clear()
    alice.write(chat, "!stop")
    await come_back(bot, keep_database)

    assert heard(chat) == [f"{came}{STOPPED}" if came else "Answer to One", "Stopped."]
    assert len(platform.keys) == 2
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert len(heard(chat)) == len(platform.keys) == 2


@DATABASE
@pytest.mark.parametrize(
    "sent",
    [(stopped, after) for stopped in (False, True) for after in (False, True)],
    ids=["whole, before", "whole, after", "stopped, before", "stopped, after"],
)
async def test_an_edit_while_nobody_is_there_counts_although_the_answer_was_just_being_sent(
    bot: Bot, platform: FakePlatform, alice: User, sent: tuple[bool, bool], keep_database: bool
) -> None:
    (stopped, after), chat = sent, alice.chat
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    (shown,) = said(chat)
    hold = bot.server.inject(Hold("PUT .*/send/", times=None, after=after))
    if stopped:
        alice.write(chat, "!stop")
        await bot.push()
    else:
        stream.end()
    await asyncio.wait_for(hold.reached.wait(), 10)
    await bot.kill()
    bot.server.heal()
    platform.streams.clear()

    question, *_ = chat.messages(alice.id)
    alice.edit(question, "Hello")
    await come_back(bot, keep_database)

    (answer,) = [one for one in said(chat) if one["content"]["msgtype"] == "m.text"]
    assert answer["event_id"] == shown["event_id"]
    # Of an edited question of which there is no whole answer, nobody knows that there was one.
    assert answer["content"]["body"].removesuffix(ASKED_AGAIN) == "Answer to Hello"
    assert platform.texts == ["Hi", "Hello"]
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert platform.texts == ["Hi", "Hello"]


@pytest.mark.parametrize("when", ["live", "while down", "while down, database gone"])
@pytest.mark.parametrize("command", ["!stop", "!cancel"])
async def test_an_edit_after_the_answer_was_ended_asks_into_the_same_message(
    bot: Bot, platform: FakePlatform, alice: User, command: str, when: str
) -> None:
    chat = alice.chat
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    (shown,) = said(chat)

    if when != "live":
        await bot.kill()
        platform.streams.clear()
    alice.write(chat, command)
    alice.edit(chat.messages(alice.id)[0], "Hello")
    await (bot.deliver() if when == "live" else come_back(bot, not when.endswith("gone")))

    (answer,) = [one for one in said(chat) if one["content"]["msgtype"] == "m.text"]
    assert answer["event_id"] == shown["event_id"]
    assert answer["content"]["body"].removesuffix(ASKED_AGAIN) == "Answer to Hello"
    assert not is_live(answer)
    assert platform.texts == ["Hi", "Hello"]
    assert len(heard(chat)) == 2
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert platform.texts == ["Hi", "Hello"]


async def test_stop_before_the_new_answer_leaves_the_old_one(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await ask(bot, alice, chat, "One")
    stream = platform.stream("One")
    alice.write(chat, "!again")
    await bot.push()
    await stream.heard.wait()

    await ask(bot, alice, chat, "!stop")
    assert heard(chat) == ["Answer to One", "Stopped."]

    stream = platform.stream("One")
    alice.write(chat, "!again")
    await bot.push()
    stream.say("Uno")
    await bot.server.until(lambda: heard(chat)[0] == "Uno")
    alice.write(chat, "!stop")
    await bot.deliver()

    assert heard(chat) == [f"Uno{STOPPED}", "Stopped.", "Stopped."]
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert len(platform.keys) == 3


@pytest.mark.parametrize("how", ["again", "edit"])
async def test_what_was_stopped_and_is_asked_again_does_not_end_as_stopped_after_a_kill(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, how: str
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    await ask(bot, alice, chat, "!stop")
    question = chat.messages(alice.id)[0]
    stream = platform.stream("Hi" if how == "again" else "Hello")
    alice.write(chat, "!again") if how == "again" else alice.edit(question, "Hello")
    await bot.push()
    stream.say("Another")
    await see(bot, chat, "Another", "Stopped.")
    await bot.kill()
    platform.streams.clear()
    shown = len(edits(chat))
    await come_back(bot)

    answer = f"Answer to {'Hi' if how == 'again' else 'Hello'}{ASKED_AGAIN}"
    assert_whole(chat, answer, "Stopped.")
    # Nor was that sent beside the new answer, after which it might have come.
    assert "Another" not in "".join(one["content"]["body"] for one in edits(chat)[shown:])


async def test_an_assistant_that_fails_to_answer_again_costs_nobody_the_old_answer(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await ask(bot, alice, chat, "One")
    platform.failures["One"] = PlatformError("The fake platform sleeps.", can_retry=False)
    alice.write(chat, "!again")
    await bot.deliver()
    answer, notice = heard(chat)
    assert answer == "Answer to One"
    assert "sleeps" in notice

    platform.failures.clear()
    alice.write(chat, "!retry")
    await bot.deliver()

    assert heard(chat)[0] == f"Answer to One{ASKED_AGAIN}"


async def test_words_of_which_nobody_knows_whether_they_stand_do_not_look_unfinished_for_ever(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await ask(bot, alice, chat, "One")
    stream = platform.stream("One")
    alice.write(chat, "!again")
    await bot.push()
    lost = bot.server.inject(Answer("PUT .*/send/", status=502, after=True))
    stream.say("Something else")
    await lost.reached.wait()
    stream.fail(PlatformError("The fake platform sleeps.", can_retry=False))
    await bot.settled()

    answer, notice = said(chat)
    assert answer["content"]["body"] == f"Something else{BREAKS_OFF}"
    assert not is_live(answer)
    assert "sleeps" in notice["content"]["body"]


async def test_a_shorter_answer_leaves_nothing_of_the_longer_one(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    pieces = [str(number) * 11_000 for number in range(3)]
    platform.answers["One"] = "\n\n".join(pieces)
    await ask(bot, alice, chat, "One")
    for answer in ("Short", "\n\n".join(pieces), "Short"):
        platform.answers["One"] = answer
        alice.write(chat, "!again")
        await bot.deliver()

    assert_whole(chat, f"Short{ASKED_AGAIN}")


async def test_stop_keeps_nothing_of_a_longer_answer_that_is_being_replaced(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    platform.answers["One"] = "\n\n".join(str(number) * 11_000 for number in range(3))
    await ask(bot, alice, chat, "One")
    stream = platform.stream("One")
    alice.write(chat, "!again")
    await bot.push()
    stream.say("Short")
    await bot.server.until(lambda: heard(chat)[0] == "Short")

    await ask(bot, alice, chat, "!stop")

    assert heard(chat) == [f"Short{STOPPED}", "Stopped."]


async def test_a_question_taken_back_while_it_is_answered_takes_its_answer_along(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    (question,) = chat.messages(alice.id)

    alice.take_back(question)
    await bot.deliver()

    assert heard(chat) == []
    assert await ask(bot, alice, chat, "Next") == "Answer to Next"
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert heard(chat) == ["Answer to Next"]


async def test_an_answer_taken_back_while_it_is_asked_again_leaves_room_for_the_new_one(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await ask(bot, alice, chat, "Hi")
    stream = platform.stream("Hi")
    alice.write(chat, "!again")
    await bot.push()
    await asyncio.wait_for(stream.heard.wait(), 10)

    alice.take_back(chat.messages(BOT)[0])
    await bot.push()
    stream.say("New words")
    stream.end()
    await bot.settled()

    assert_whole(chat, f"New words{ASKED_AGAIN}")
    await bot.restart(keep_database=False)
    assert len(platform.keys) == 2


@DATABASE
async def test_a_question_taken_back_while_nobody_is_there_takes_its_answer_along(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room, keep_database: bool
) -> None:
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")

    await bot.kill()
    alice.take_back(chat.messages(alice.id)[0])
    await come_back(bot, keep_database)

    assert heard(chat) == []
    assert len(platform.keys) == 1


async def test_a_question_taken_back_before_a_start_goes_on_with_it_takes_its_answer_along(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, chat: Room
) -> None:
    await settle_in(bot, bob)
    stream = await begin(bot, platform, alice)
    stream.say("Once upon a time")
    await see(bot, chat, "Once upon a time")
    await bot.kill()
    platform.streams.clear()
    bot.server.hang_room(chat.room_id, requests="^GET rooms/[^/]*/messages")
    await bot.start()
    bob.write(bob.chat, "And me?")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat) == ["Answer to And me?"])

    alice.take_back(chat.messages(alice.id)[0])
    await bot.push()
    bot.server.mend_room(chat.room_id)
    await bot.settled()

    assert heard(chat) == []
    assert platform.texts == ["Hi", "And me?"]


async def test_a_question_taken_back_takes_along_what_would_have_asked_it_again(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await ask(bot, alice, chat, "One")
    platform.asked.clear()
    gate = await write_while_busy(bot, platform, alice, "!again", "Two", "!again", "Three")
    _, think, _, two, *_ = chat.messages(alice.id)
    alice.take_back(think)
    alice.take_back(two)
    await bot.push()
    gate.set()
    await bot.settled()

    assert platform.texts == ["Think", "Three"]
    assert heard(chat) == ["Answer to One", NOTHING_ASKED, NOTHING_ASKED, "Answer to Three"]


async def test_what_asks_another_question_again_stays_when_one_is_taken_back(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    gate = await write_while_busy(bot, platform, alice, "!again", "Two", "!help", "!again")
    _, first, two, _, _ = chat.messages(alice.id)
    alice.take_back(first)
    await bot.push()
    gate.set()
    await bot.settled()

    assert platform.texts == ["Think", "Two", "Two"]
    assert replies(chat, two) == [f"Answer to Two{ASKED_AGAIN}"]


@WHEN_KNOWN
@pytest.mark.parametrize("how", ["again", "edit"])
async def test_what_could_not_be_asked_again_is_not_by_retry_once_the_question_was_taken_back(
    bot: Bot, platform: FakePlatform, alice: User, how: str, when: str
) -> None:
    chat = alice.chat
    await ask(bot, alice, chat, "Before")
    question = alice.write(chat, "One")
    await bot.deliver()
    text = "Uno" if how == "edit" else "One"
    platform.failures[text] = PlatformError("The fake platform sleeps.", can_retry=False)
    if how == "edit":
        alice.edit(question, "Uno")
    else:
        alice.write(chat, "!again")
    await bot.deliver()
    platform.failures.clear()

    async with meanwhile(bot, when):
        alice.take_back(question)

    alice.write(chat, "!retry")
    await bot.deliver()
    assert platform.texts == ["Before", "One", text]
    nothing = NOTHING_ASKED if how == "again" else "There's no unanswered message here."
    assert heard(chat)[-1] == nothing


@pytest.mark.parametrize("whose", ["hers", "somebody else's"])
async def test_an_edit_takes_the_place_of_an_earlier_one_that_waits_and_of_nobody_elses(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, whose: str
) -> None:
    # As many as wait.
    bot.limits = attr.evolve(bot.limits, waiting=2)
    await bot.restart()
    question, chat = alice.write(alice.chat, "One"), alice.chat
    await bot.deliver()
    renaming = bot.server.inject(Hold("PUT .*/state/m.room.name"))
    alice.write(chat, "!rename Other")
    alice.edit(question, "Uno")
    await bot.push()
    await asyncio.wait_for(renaming.reached.wait(), 10)

    if whose == "hers":
        alice.edit(question, "Eins")
        await bot.push()
    else:
        alice.let_in(bob, chat)
        forged = parse_message(bob.edit(question, "Eins"))
        assert forged is not None
        # As before it is known whose chat it is.
        bot.plugin.services.inbound.receive(forged)
    renaming.release()
    await bot.settled()

    answer = "Answer to Eins" if whose == "hers" else "Answer to Uno"
    assert f"{answer}{ASKED_AGAIN}" in heard(chat)
    assert len(platform.texts) == 2


async def test_an_edit_taken_back_is_no_question_taken_back(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    question = alice.write(chat, "One")
    await bot.deliver()
    gate = platform.gate("Uno")
    edit = alice.edit(question, "Uno")
    await bot.push()
    await bot.server.until(lambda: platform.texts == ["One", "Uno"])
    alice.write(chat, "!again")
    await bot.push()
    alice.take_back(edit)
    await bot.push()
    gate.set()
    await bot.settled()

    assert platform.texts == ["One", "Uno", "One"]
    assert_whole(chat, f"Answer to One{ASKED_AGAIN}")


@pytest.mark.parametrize("first", ["edit", "again"])
@pytest.mark.parametrize("then", ["a restart", "!retry"])
async def test_an_edit_while_it_is_asked_again_is_not_lost(
    bot: Bot, platform: FakePlatform, alice: User, first: str, then: str
) -> None:
    question, chat = alice.write(alice.chat, "One"), alice.chat
    await bot.deliver()
    asked = platform.stream("Uno" if first == "edit" else "One")
    alice.edit(question, "Uno") if first == "edit" else alice.write(chat, "!again")
    await bot.push()
    await asyncio.wait_for(asked.heard.wait(), 10)
    asked = platform.stream("Eins")
    alice.edit(question, "Eins")
    await bot.push()
    await asyncio.wait_for(asked.heard.wait(), 10)
    # Another sync, so that the last one is done with.
    await bot.push()

    platform.streams.clear()
    if then == "!retry":
        asked.fail(PlatformError("The fake platform sleeps.", can_retry=False))
        await bot.settled()
        alice.write(chat, "!retry")
        await bot.deliver()
    else:
        await bot.restart()
        await bot.deliver()

    assert heard(chat)[0] == f"Answer to Eins{ASKED_AGAIN}"
    asked_for = len(platform.texts)
    await bot.restart(keep_database=False)
    await bot.deliver()
    assert len(platform.texts) == asked_for


async def test_an_edit_of_what_was_answered_again_already_is_not_lost_in_a_kill(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    await bot.configure(f"{FAKE_PLATFORM}streaming: {{enabled: false}}\n")
    question = alice.write(chat, "One")
    await bot.deliver()
    sending = bot.server.inject(Hold("PUT .*/send/", times=None))
    alice.write(chat, "!again")
    await bot.push()
    await asyncio.wait_for(sending.reached.wait(), 10)
    alice.edit(question, "Eins")
    await bot.push()
    await bot.server.until(lambda: len(bot.query("SELECT event_id FROM inbox")) == 2)
    await bot.kill()
    bot.server.heal()
    await come_back(bot)

    assert platform.texts == ["One", "One", "Eins"]
    assert_whole(chat, f"Answer to Eins{ASKED_AGAIN}")


async def test_again_keeps_its_turn(
    bot: Bot, platform: FakePlatform, alice: User, chat: Room
) -> None:
    gate = await write_while_busy(bot, platform, alice, "!again", "Next")
    gate.set()
    await bot.settled()

    assert platform.texts == ["Think", "Think", "Next"]
    assert_whole(chat, f"Answer to Think{ASKED_AGAIN}", "Answer to Next")
    assert len(replies(chat, chat.messages(alice.id)[0])) == 1
