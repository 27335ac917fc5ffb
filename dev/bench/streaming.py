"""How soon an answer that is being written is seen, beside asking its platform directly.

A server says some 200 words in six seconds. Each question goes to it twice at the same time, once
through a chat and once straight, so that what else the machine does slows both down alike. What
is judged is what Spacekeeper adds, beside what one message costs on the same homeserver meanwhile.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import aiohttp
import attr

from plugin.config.timing import StreamTiming

from ..demo import accept
from ..room_snapshot import take_snapshot
from ..slow_server import SlowServer, Speech
from ..stack import INSTANCE, Options, Stack
from ..user_client import Event, UserClient
from .sends import sending

WORDS = [f"word {number}, " for number in range(200)]
PAUSE = 0.03
# More than the homeserver would accept under its default limits, in the time that this takes.
SHOWS_NO_LIMIT = 20
# Seconds after which an answer counts as lost.
TIMEOUT = 60.0
# By design nothing is shown for so long after a platform was asked: what is whole by then is one
# message. The answers of this benchmark have words enough by then.
HELD_BACK = StreamTiming().whole_within + StreamTiming().moment
LIVE, ANSWERS = "chat.spacekeeper.live", "chat.spacekeeper.answers"


@attr.frozen
class Seen:
    """When somebody saw an answer; times in seconds.

    Attributes:
        first: from the question to the first words.
        whole: from the question to the whole answer.
        after_first: from the first word that the server said to the first that was seen.
        after_last: from the last word that the server said to the whole answer.
        edits: how often the message was edited.
    """

    first: float
    whole: float
    after_first: float
    after_last: float
    edits: int = 0

    @property
    def added(self) -> float:
        """What of `after_first` is not the wait that is meant."""
        return self.after_first - HELD_BACK


@attr.frozen
class Streaming:
    """What was measured.

    Attributes:
        direct: the answers to those who asked the server itself.
        ours: the answers in a chat, of the same questions.
        sends: seconds from sending a message to seeing it, with the same homeserver, meanwhile.
    """

    direct: list[Seen]
    ours: list[Seen]
    sends: list[float]


async def measure_streaming(questions: int, report: Callable[[str], None]) -> Streaming:
    """Ask so many questions, one after another.

    Args:
        questions: how many.
        report: called at each step, with a line of text.
    """
    figures = Streaming([], [], [])
    async with (
        SlowServer.serve(WORDS, PAUSE) as server,
        Stack.start(Options(config=server.config)) as stack,
        aiohttp.ClientSession() as session,
    ):
        person, chat = await _bring_in(stack)
        report("a chat is bound to a server that streams")
        async with sending(stack, figures.sends):
            for number in range(questions):
                direct, ours = await asyncio.gather(
                    _ask_directly(server, session, f"direct-{number}"),
                    _ask_in_chat(server, person, chat),
                )
                figures.direct.append(direct)
                figures.ours.append(ours)
    report(f"{questions} answers were seen while they were written")
    return figures


async def _bring_in(stack: Stack) -> tuple[UserClient, str]:
    """Somebody with a chat, on a homeserver of which the plugin knows that it has no limit."""
    person = await stack.register_user("person")
    control = await person.direct_chat(stack.bot.user_id)
    for _ in ("the Space", "the chat"):
        await accept(person)
    await person.wait_for_message(control, "Welcome", TIMEOUT)
    (chat,) = await take_snapshot(stack.as_bot())
    # From here on nothing stands between maubot and the homeserver.
    await stack.maubot.change_instance(INSTANCE, started=False)
    await stack.maubot.put_client(stack.bot, stack.synapse.url)
    await stack.maubot.change_instance(INSTANCE, started=True)
    for _ in range(SHOWS_NO_LIMIT):
        await person.send(chat.room_id, "short")
        await person.wait_for_message(chat.room_id, within=TIMEOUT)
    return person, chat.room_id


async def _ask_in_chat(server: SlowServer, person: UserClient, chat: str) -> Seen:
    loop = asyncio.get_running_loop()
    asked_at = loop.time()
    question = await person.send(chat, "Tell me a long story.")

    def is_shown(event: Event) -> bool:
        return bool(event["content"].get(ANSWERS) == question)

    event = await person.wait_for(is_shown, TIMEOUT)
    first_at, edits = loop.time(), 0
    while LIVE in event["content"]:
        event = await person.wait_for(is_shown, TIMEOUT)
        edits += 1
    whole_at = loop.time()
    _check(server, event["content"]["m.new_content"]["body"])
    speech = next(one for one in reversed(server.speeches) if not _is_direct(one))
    return _seen(asked_at, first_at, whole_at, speech, edits)


async def _ask_directly(server: SlowServer, session: aiohttp.ClientSession, key: str) -> Seen:
    loop = asyncio.get_running_loop()
    asked_at, first_at, text = loop.time(), 0.0, ""
    message = {"role": "user", "content": "Tell me a long story."}
    async with session.post(
        f"{server.url}/chat/completions",
        json={"model": "slow", "stream": True, "messages": [message]},
        headers={"Idempotency-Key": key},
    ) as response:
        async for line in response.content:
            data = line.decode().strip().removeprefix("data: ")
            if data and data != "[DONE]":
                first_at = first_at or loop.time()
                text += json.loads(data)["choices"][0]["delta"]["content"]
    whole_at = loop.time()
    _check(server, text.strip())
    speech = next(one for one in server.speeches if one.key == key)
    return _seen(asked_at, first_at, whole_at, speech)


def _check(server: SlowServer, text: str) -> None:
    if text != server.answer:
        raise AssertionError(f"the answer came as {text!r}")


def _seen(
    asked_at: float, first_at: float, whole_at: float, speech: Speech, edits: int = 0
) -> Seen:
    return Seen(
        first=first_at - asked_at,
        whole=whole_at - asked_at,
        after_first=first_at - speech.begun_at,
        after_last=whole_at - speech.ended_at,
        edits=edits,
    )


def _is_direct(speech: Speech) -> bool:
    return speech.key.startswith("direct-")
