"""Four people write in eight chats while the plugin is stopped, killed and started: nothing is
lost, nothing answered twice, nothing out of order. The count is printed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from dev.stack import INSTANCE, Stack
from plugin.config.timing import Limits

from .story import OnboardedUser, onboard
from .transcript import read_transcript, read_when_complete

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = ("joy", "kit", "lou", "mia")
BURST = 4
BEHIND = 70


async def write(onboarded: OnboardedUser, room_id: str, count: int) -> None:
    """Write so many messages, as fast as people's clients may."""
    for number in range(count):
        await onboarded.person.send(room_id, f"message {number}")
        await asyncio.sleep(random.random() * 0.1)  # noqa: S311 (varies the load, keeps no secret)


async def until_few_wait(chats: list[tuple[OnboardedUser, str]]) -> None:
    """Wait until nobody's next messages would be more than may wait, and so be set aside."""
    while True:
        waiting: Counter[str] = Counter()
        for onboarded, room_id in chats:
            transcript = await read_transcript(onboarded.person, room_id)
            waiting[onboarded.person.user_id] += len(transcript.lost)
        if max(waiting.values()) <= Limits().waiting - 2 * BURST:
            return
        await asyncio.sleep(0.3)


async def interrupt(stack: Stack, number: int) -> None:
    """End the plugin in one way or the other; every fourth time its database is gone, too."""
    if number % 2:
        await stack.maubot.stop()
    else:
        stack.maubot.kill()
    if number % 4 == 3:
        stack.maubot.delete_database(INSTANCE)


@pytest.mark.parametrize("restarts", [5, pytest.param(20, marks=pytest.mark.slow)])
async def test_restarts_lose_nothing_and_repeat_nothing(
    stack: Stack, restarts: int, capsys: pytest.CaptureFixture[str]
) -> None:
    users = [await onboard(stack, f"{name}-{restarts}", chats=2) for name in NAMES]
    chats = [(onboarded, room_id) for onboarded in users for room_id in onboarded.chats]
    for number in range(restarts):
        await until_few_wait(chats)
        writing = [asyncio.create_task(write(*chat, BURST)) for chat in chats]
        await asyncio.sleep(random.random() * 0.8)  # noqa: S311 (as above)
        await interrupt(stack, number)
        await asyncio.gather(*writing)
        if number == 0:
            await asyncio.gather(write(*chats[0], BEHIND))
        await stack.maubot.start()
        await asyncio.sleep(random.random())  # noqa: S311 (as above)

    read = [(onboarded.person, room_id) for onboarded, room_id in chats]
    await read_when_complete(read, within=120)
    for onboarded, room_id in chats:
        # Whatever was to be answered twice is so before this.
        await onboarded.person.send(room_id, "last")
    transcripts = await read_when_complete(read, within=60)
    asked = sum(len(one.asked) for one in transcripts)
    lost = [words for one in transcripts for words in one.lost]
    repeated = sum(one.repeated for one in transcripts)
    disordered = sum(not one.in_order for one in transcripts)
    with capsys.disabled():
        print(  # noqa: T201 (the count is what this test is for)
            f"\n{restarts} restarts, {asked} messages: {len(lost)} lost, {repeated} answered "
            f"twice, {disordered} of {len(chats)} chats out of order"
        )
    assert asked == len(chats) * (restarts * BURST + 1) + BEHIND
    assert (lost, repeated, disordered) == ([], 0, 0)
