"""Two hundred answers that were shown while they were written are read in as many pages as two
hundred that came whole, where the homeserver leaves edits out."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from dev.slow_server import SlowServer
from dev.stack import INSTANCE, Options, Stack
from dev.user_client import Event, UserClient

from .story import OnboardedUser, ask, onboard, reply_to
from .transcript import ANSWERS, LIVE

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

ANSWERED = 200
# What is written of an answer in a chat of the one kind, and of the other.
EDITS = {"whole": 0, "shown": 12}


@dataclass
class Life:
    """A chat in which much was asked before, and what its assistant is to be told of it."""

    room_id: str
    dialogue: list[tuple[str, str]]

    def pages(self, stack: Stack) -> int:
        """How many pages of it were read since the proxy was cleared."""
        path = rf"/rooms/({re.escape(self.room_id)}|{re.escape(quote(self.room_id))})/messages$"
        return stack.proxy.count("GET", path)


async def live(life: Life, person: UserClient, bot: UserClient, edits: int, like: Event) -> None:
    """Write what two hundred questions and their answers leave in a chat: of each answer its
    first words, `edits` edits with more of it, and the last one with all of it.

    Args:
        like: the content of an answer of the plugin's own.
    """
    for number in range(ANSWERED):
        question, answer = f"Question {number}", f"Answer number {number}, and all of it."
        asked = await person.send(life.room_id, question)
        whole = {**like, ANSWERS: asked, "body": answer}
        unfinished = {**whole, LIVE: True, "body": "Answer"}
        event_id = await bot.send(life.room_id, "", **(unfinished if edits else whole))
        relation = {"rel_type": "m.replace", "event_id": event_id}
        for left in reversed(range(edits)):
            new = unfinished if left else whole
            body, content = f"* {new['body']}", {"m.new_content": new, "m.relates_to": relation}
            await bot.send(life.room_id, "", **{**new, **content, "body": body})
        life.dialogue += [("user", question), ("assistant", answer)]


async def live_two_lives(stack: Stack, una: OnboardedUser) -> tuple[Life, Life]:
    """Two chats of one person with the same questions and answers: in the one the answers came
    whole, in the other they were shown while they were written."""
    lives = []
    for room_id in una.chats:
        question = await una.person.send(room_id, "first of all, in short")
        await reply_to(una.person, question)
        (like,) = [
            event["content"]
            for event in await una.person.messages(room_id)
            if event["content"].get(ANSWERS) == question
        ]
        said = [("user", "first of all, in short"), ("assistant", "Short.")]
        lives.append((Life(room_id, said), like))
    await stack.maubot.stop()
    bot = stack.as_bot()
    writing = zip(lives, EDITS.values(), strict=True)
    await asyncio.gather(
        *(live(life, una.person, bot, edits, like) for (life, like), edits in writing)
    )
    whole, shown = (life for life, _ in lives)
    return whole, shown


async def test_streamed_answers_are_read_in_no_more_pages_than_whole_ones() -> None:
    async with SlowServer.serve([""], pause=0.0) as server:
        options = Options(config=server.config, leaves_out_edits=True)
        async with Stack.start(options) as stack:
            una = await onboard(stack, "una", chats=2)
            whole, shown = lives = await live_two_lives(stack, una)

            async def read_by(text: str, answer: str) -> tuple[int, int]:
                """The pages of each chat that are read until an answer stands in both."""
                for life in lives:
                    assert answer in await ask(una.person, life.room_id, text, within=60)
                    if not text.startswith("!"):
                        assert server.dialogues[-1] == [*life.dialogue, ("user", text)]
                        life.dialogue += [("user", text), ("assistant", answer)]
                return whole.pages(stack), shown.pages(stack)

            read = {}
            for keep_database in (True, False):
                stack.proxy.clear()
                await stack.maubot.start()
                read["restart", keep_database] = await read_by("in short", "Short.")
                stack.proxy.clear()
                read["history", keep_database] = await read_by("again, in short", "Short.")
                stack.proxy.clear()
                read["retry", keep_database] = await read_by("!retry", "")
                await stack.maubot.stop()
                stack.maubot.delete_database(INSTANCE)
            assert all(0 < of_shown <= of_whole for of_whole, of_shown in read.values()), read
