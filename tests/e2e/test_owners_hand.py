"""Answers that their reader stops or has asked again, on a real homeserver, and the plugin killed
meanwhile: each question has one answer in the end, which is whole or stopped, and nothing looks
as if more of it were to come."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pytest
import pytest_asyncio
from aiohttp import web

from dev.proxy import hang_up
from dev.slow_server import SlowServer
from dev.stack import Stack
from dev.user_client import UserClient

from .conftest import Configure
from .killable_stack import KillableStack, serve_stack
from .scenario import eventually
from .story import (
    OnboardedUser,
    ask,
    onboard,
    reply_to,
    show_that_nothing_is_limited,
    start_chat,
    wait_for_words,
)
from .transcript import EVERYTHING, LIVE, latest, read_transcript

pytestmark = pytest.mark.asyncio(loop_scope="session")

STOPPED_MARK, AGAIN = "chat.spacekeeper.stopped", "chat.spacekeeper.again"
STOPPED, ASKED_AGAIN = "\n\n*(Stopped.)*", "\n\n*(Asked again.)*"
WORDS = [f"Word number {number} of many. " for number in range(60)]
OTHER_WORDS = [f"Another word, number {number}. " for number in range(60)]
WHOLE, OTHER = "".join(WORDS).strip(), "".join(OTHER_WORDS).strip()
QUESTION, EDITED = "hello", "hello again"


async def edit(person: UserClient, room_id: str, event_id: str) -> str:
    """Let the question say something else."""
    relation = {"rel_type": "m.replace", "event_id": event_id}
    content = {"msgtype": "m.text", "body": EDITED}
    edited = {"m.new_content": content, "m.relates_to": relation}
    return await person.send(room_id, f"* {EDITED}", **edited)


async def expect_one_answer_each(person: UserClient, room_id: str, server: SlowServer) -> str:
    """Ask one thing more, and look at everything when that is answered: there were two questions,
    and each has one answer that is finished, of which the assistant knows its own words alone.

    Returns what people read as the answer to the first.
    """
    assert await ask(person, room_id, "in short", within=60) == "Short."

    async def is_finished() -> bool:
        events = latest(await person.messages(room_id, EVERYTHING))
        return not any(LIVE in event["content"] for event in events)

    await eventually(is_finished, "no live mark is left")
    transcript = await read_transcript(person, room_id)
    (question, asked), (last, _) = transcript.asked
    (answered, answer), short = transcript.answered
    assert (answered, short) == (question, (last, "Short."))
    words = answer.removesuffix(STOPPED).removesuffix(ASKED_AGAIN)
    dialogue = [("user", asked), ("assistant", words), ("user", "in short")]
    assert server.dialogues[-1] == dialogue
    return answer


def is_stopped(answer: str, of: str) -> bool:
    """Whether this is a beginning of `of`, and says that it was stopped."""
    words = answer.removesuffix(STOPPED)
    return words not in ("", answer, of) and of.startswith(words)


async def test_what_came_of_a_stopped_answer_stays_and_is_remembered(
    stack: Stack, configure: Configure
) -> None:
    async with SlowServer.serve(WORDS, pause=0.1) as server:
        await configure(server.config)
        kim = await onboard(stack, "stopping")
        await show_that_nothing_is_limited(kim)
        (room_id,) = kim.chats
        question = await kim.person.send(room_id, QUESTION)
        first = await wait_for_words(kim.person, question)
        assert LIVE in first["content"]

        assert await ask(kim.person, room_id, "!stop") == "Stopped."

        answer = await expect_one_answer_each(kim.person, room_id, server)
        assert is_stopped(answer, WHOLE)
        events = latest(await kim.person.messages(room_id, EVERYTHING))
        (stopped,) = [event for event in events if STOPPED_MARK in event["content"]]
        assert stopped["event_id"] == first["event_id"]


async def test_an_edit_of_the_last_question_replaces_its_answer(
    stack: Stack, configure: Configure
) -> None:
    async with SlowServer.serve(WORDS, pause=0.0) as server:
        await configure(server.config)
        lea = await onboard(stack, "editing")
        (room_id,) = lea.chats
        question = await lea.person.send(room_id, QUESTION)
        answer = await wait_for_words(lea.person, question)
        assert answer["content"]["body"] == WHOLE

        server.words = OTHER_WORDS
        await edit(lea.person, room_id, question)

        assert await reply_to(lea.person, question) == OTHER + ASKED_AGAIN
        assert await expect_one_answer_each(lea.person, room_id, server) == OTHER + ASKED_AGAIN
        assert server.dialogues[1] == [("user", EDITED)]
        events = latest(await lea.person.messages(room_id, EVERYTHING))
        (replaced,) = [event for event in events if AGAIN in event["content"]]
        assert replaced["event_id"] == answer["event_id"]


@dataclass(frozen=True)
class Moment:
    """When the plugin is killed: at a message about the answer, before or after the homeserver
    has it.

    Attributes:
        hand: what the reader does about the answer before that.
        marks: those that the message has.
        lacks: one that it must not have.
        number: the how manieth such message it is.
        arrives: the homeserver has it.
        is_final: the answer is known, so the assistant need not be asked again for it.
    """

    hand: str
    marks: frozenset[str]
    lacks: str = ""
    number: int = 1
    arrives: bool = True
    is_final: bool = False

    def is_met_by(self, content: Mapping[str, Any]) -> bool:
        """Whether it may be this message."""
        content = content.get("m.new_content", content)
        return self.marks <= content.keys() and self.lacks not in content


SHOWN = Moment("", frozenset({LIVE}))
THIRD_EDIT = Moment("", frozenset({LIVE}), number=3)
STOP_KEPT = Moment("!stop", frozenset({STOPPED_MARK}), arrives=False, is_final=True)
STOP_SENT = Moment("!stop", frozenset({STOPPED_MARK}), is_final=True)
AGAIN_BEGUN = Moment("!again", frozenset({AGAIN, LIVE}))
AGAIN_KEPT = Moment("!again", frozenset({AGAIN}), LIVE, arrives=False)
AGAIN_SENT = Moment("!again", frozenset({AGAIN}), LIVE, is_final=True)
EDIT_BEGUN = Moment("edit", frozenset({AGAIN, LIVE}))
EDIT_SENT = Moment("edit", frozenset({AGAIN}), LIVE, is_final=True)
# The moment, what the reader does while nobody is there, and what they read then; "stopped" is
# what came of the answer that was being written.
STORIES = {
    "shown": (SHOWN, "", {WHOLE}),
    "shown, stop": (SHOWN, "!stop", {"stopped"}),
    "shown, again": (SHOWN, "!again", {OTHER + ASKED_AGAIN}),
    "shown, edit": (SHOWN, "edit", {OTHER, OTHER + ASKED_AGAIN}),
    "third edit": (THIRD_EDIT, "", {WHOLE}),
    "stop kept": (STOP_KEPT, "", {"stopped"}),
    "stop kept, again": (STOP_KEPT, "!again", {OTHER + ASKED_AGAIN}),
    "stop sent": (STOP_SENT, "", {"stopped"}),
    "stop sent, edit": (STOP_SENT, "edit", {OTHER + ASKED_AGAIN}),
    "again begun": (AGAIN_BEGUN, "", {OTHER + ASKED_AGAIN}),
    "again begun, stop": (AGAIN_BEGUN, "!stop", {"stopped"}),
    "again begun, again": (AGAIN_BEGUN, "!again", {OTHER + ASKED_AGAIN}),
    "again begun, edit": (AGAIN_BEGUN, "edit", {OTHER + ASKED_AGAIN}),
    "again kept": (AGAIN_KEPT, "", {OTHER + ASKED_AGAIN}),
    "again kept, stop": (AGAIN_KEPT, "!stop", {OTHER + ASKED_AGAIN, "stopped"}),
    "again sent": (AGAIN_SENT, "", {OTHER + ASKED_AGAIN}),
    "again sent, again": (AGAIN_SENT, "!again", {OTHER + ASKED_AGAIN}),
    "edit begun": (EDIT_BEGUN, "", {OTHER, OTHER + ASKED_AGAIN}),
    "edit sent": (EDIT_SENT, "", {OTHER + ASKED_AGAIN}),
}


@dataclass
class HandStack(KillableStack):
    """A stack with a slow assistant and one person."""

    assistant: SlowServer
    onboarded: OnboardedUser

    def kill_at(self, moment: Moment) -> None:
        """Have the plugin killed when it comes to that."""
        met: list[str] = []

        async def fault(request: web.Request) -> web.StreamResponse | None:
            if request.method != "PUT" or "/send/m.room.message/" not in unquote(request.path):
                return None
            if not moment.is_met_by(json.loads(await request.read())):
                return None
            met.append(request.path)
            if len(met) < moment.number:
                return None
            if moment.arrives:
                await self.stack.proxy.forward(request)
            self.stack.maubot.kill()
            self.stack.proxy.fault = None
            return hang_up(request)

        self.stack.proxy.fault = fault

    async def do(self, hand: str, room_id: str, question: str) -> None:
        """What the reader does about the answer to a question."""
        if hand == "edit":
            await edit(self.onboarded.person, room_id, question)
        elif hand:
            await self.onboarded.person.send(room_id, hand)


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["sqlite", "postgres"])
async def hand_stack(request: pytest.FixtureRequest) -> AsyncIterator[HandStack]:
    async with (
        SlowServer.serve(WORDS, pause=0.0) as assistant,
        serve_stack(request.param, assistant.config) as (stack, server),
    ):
        yield HandStack(stack, server, assistant, await onboard(stack, "mia"))


@pytest.mark.slow
@pytest.mark.parametrize("database", ["kept", "deleted"])
@pytest.mark.parametrize("story", STORIES)
async def test_each_question_has_one_answer_wherever_the_plugin_is_killed(
    hand_stack: HandStack, story: str, database: str
) -> None:
    moment, meanwhile, expected = STORIES[story]
    assistant, person = hand_stack.assistant, hand_stack.onboarded.person
    assistant.words, assistant.pause = WORDS, 0.1
    assistant.keys.clear()
    room_id = await start_chat(hand_stack.onboarded)
    await show_that_nothing_is_limited(hand_stack.onboarded)
    asks_again = moment.hand in ("edit", "!again")
    if asks_again:
        assistant.pause = 0.0
    else:
        hand_stack.kill_at(moment)
    question = await person.send(room_id, QUESTION)
    if asks_again:
        await reply_to(person, question)
        assistant.words, assistant.pause = OTHER_WORDS, 0.1
        hand_stack.kill_at(moment)
    elif moment.hand:
        await wait_for_words(person, question)
    await hand_stack.do(moment.hand, room_id, question)
    await hand_stack.until_killed()

    assistant.pause = 0.0
    if meanwhile in ("edit", "!again"):
        assistant.words = OTHER_WORDS
    await hand_stack.do(meanwhile, room_id, question)
    if database == "deleted":
        await hand_stack.delete_database()
    await hand_stack.stack.maubot.start()

    answer = await expect_one_answer_each(person, room_id, assistant)
    stopped = is_stopped(answer, OTHER if asks_again else WHOLE)
    assert ("stopped" if stopped else answer) in expected
    if moment.is_final:
        assert len(set(assistant.keys)) == len(assistant.keys)
