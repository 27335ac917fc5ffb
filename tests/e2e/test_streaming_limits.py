"""Answers that are shown while they are written cost nobody's answer anything.

Under Synapse's own limit on messages the same is asked with and without streaming, and compared.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from dev.slow_server import SlowServer
from dev.stack import INSTANCE, Options, Stack
from dev.user_client import Event, UserClient

from .story import OnboardedUser, onboard, reply_to, show_that_nothing_is_limited
from .transcript import ANSWERS, EVERYTHING, LIVE, latest

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

SECONDS, WORDS_PER_SECOND = 60, 5
WORDS = [f"Word number {number}, " for number in range(SECONDS * WORDS_PER_SECOND)]
STREAMS = 5
# Seconds in which Synapse forgets what an account sent: ten messages, one in five seconds.
RECOVERY = 55.0


@dataclass
class Run:
    """What came of one run: the seconds until each long answer was whole, and the short one."""

    long: list[float]
    short: float


async def timed(person: UserClient, room_id: str, text: str) -> float:
    """Seconds until the answer to a message is whole."""
    begun_at = asyncio.get_running_loop().time()
    await reply_to(person, await person.send(room_id, text), within=4 * SECONDS)
    return asyncio.get_running_loop().time() - begun_at


async def run(streams: list[OnboardedUser], sixth: OnboardedUser) -> Run:
    """Five long answers at once, and a short one in their midst."""

    async def ask_shortly() -> float:
        await asyncio.sleep(SECONDS / 2)
        return await timed(sixth.person, sixth.chats[0], "short")

    asking = [timed(one.person, one.chats[0], "long") for one in streams]
    *long, short = await asyncio.gather(*asking, ask_shortly())
    return Run(long, short)


async def answers_of(user: OnboardedUser) -> list[Event]:
    """The messages of the bot's in somebody's chat, as their last edits left them."""
    events = latest(await user.person.messages(user.chats[0], EVERYTHING))
    return [one for one in events if ANSWERS in one.get("content", {})]


async def test_under_synapses_own_limit_no_end_comes_later_for_what_was_shown_before() -> None:
    async with SlowServer.serve(WORDS, 1 / WORDS_PER_SECOND) as server:
        options = Options(limits="default", config=server.config)
        async with Stack.start(options) as stack:
            # Synapse makes ten rooms at once, and then one a minute.
            names = ["anna", "ben", "cleo", "dirk", "eva", "finn"]
            users = [await onboard(stack, name, within=300) for name in names]
            *streams, sixth = users
            runs = []
            for enabled in ("false", "true"):
                config = f"{server.config}\nstreaming: {{enabled: {enabled}}}\n"
                await stack.maubot.change_instance(INSTANCE, config=config)
                await asyncio.sleep(RECOVERY)
                runs.append(await run(streams, sixth))
            without, shown = runs
            assert max(shown.long) <= 1.1 * max(without.long), (without, shown)
            # One that comes at once may wait for a place, as it may without.
            assert shown.short <= max(1.1 * without.short, 5.0), (without, shown)
            for user in streams:
                answers = await answers_of(user)
                assert [one["content"]["body"] for one in answers] == [server.answer] * 2
                assert not any(LIVE in one["content"] for one in answers)


async def test_with_the_limit_lifted_words_come_early_and_at_most_thirty_edits_follow() -> None:
    async with SlowServer.serve(WORDS, 1 / WORDS_PER_SECOND) as server:  # noqa: SIM117
        async with Stack.start(Options(config=server.config)) as stack:
            gina = await onboard(stack, "gina")
            (room_id,) = gina.chats
            await show_that_nothing_is_limited(gina)
            question = await gina.person.send(room_id, "long")

            def is_answer(event: Event) -> bool:
                return bool(event["content"].get(ANSWERS) == question)

            first = await gina.person.wait_for(is_answer)
            waited = asyncio.get_running_loop().time() - server.speeches[-1].begun_at
            assert LIVE in first["content"]
            # A second and a half, and what sending and seeing take.
            assert waited <= 2.5
            assert await reply_to(gina.person, question, within=2 * SECONDS) == server.answer
            events = await gina.person.messages(room_id, EVERYTHING)
            edits = [one for one in events if "m.new_content" in one["content"]]
            assert 5 <= len(edits) <= 30, waited
