"""What clients that others wrote show of an answer that was shown while it was written: in the
end, byte for byte what the assistant said, as one message."""

from __future__ import annotations

import asyncio

import pytest

from dev.clients import client
from dev.slow_server import SlowServer
from dev.stack import Stack

from .conftest import Configure
from .story import onboard, reply_to, show_that_nothing_is_limited
from .transcript import ANSWERS, EVERYTHING, LIVE

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

# Some 3,000 characters in some 20 seconds, with whatever a client might read as its own.
LINE = "Zeile {0} * _of_ **many**: äöü, 日本語, 👩‍👩‍👧, <b>&amp;</b>,  two  spaces.\n"
CODE = "\n```python\nprint({0})  # * no edit\n```\n\n| a | b |\n|---|---|\n| {0} | ~~c~~ |\n\n"
WORDS = [(CODE if number % 7 == 6 else LINE).format(number) for number in range(42)]
PAUSE = 20.0 / len(WORDS)


async def command_of(library: str) -> list[str]:
    """The command of the client with that library."""
    if library == "matrix-nio":
        return client.nio_command()
    if missing := client.what_is_missing():
        pytest.skip(missing)
    await asyncio.to_thread(client.install_js)
    return client.js_command()


@pytest.mark.parametrize("library", ["matrix-nio", "matrix-js-sdk"])
async def test_an_answer_ends_as_one_message_with_the_assistants_text(
    stack: Stack, configure: Configure, library: str
) -> None:
    command = await command_of(library)
    async with SlowServer.serve(WORDS, PAUSE) as server:
        await configure(server.config)
        pia = await onboard(stack, f"reads-with-{library}")
        (room_id,) = pia.chats
        await show_that_nothing_is_limited(pia)
        settings = {"room_id": room_id, "answers": ANSWERS, "live": LIVE}
        watching = client.watch(command, pia.person, stack.synapse.url, **settings)
        async with watching as watched:
            question = await pia.person.send(room_id, "hello")
            assert await reply_to(pia.person, question, within=60) == server.answer
            at_once = await watched.shown(within=30)
        watching = client.watch(command, pia.person, stack.synapse.url, **settings)
        async with watching as watched:
            later = await watched.shown(within=30)

        events = await pia.person.messages(room_id, EVERYTHING)
        (first,) = [
            event
            for event in events
            if ANSWERS in event["content"] and "m.new_content" not in event["content"]
        ]
        assert len(events) > 5 + 2
        for shown in (at_once, later):
            asked, answered = shown
            assert asked == {"event_id": question, "body": "hello"}
            assert answered["event_id"] == first["event_id"]
            assert answered["body"].encode() == server.answer.encode()
