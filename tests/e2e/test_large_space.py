"""A Space with many chats is found again whole, with the database and without."""

from __future__ import annotations

import asyncio

import pytest

from dev.room_snapshot import take_snapshot
from dev.stack import INSTANCE, Stack

from .scenario import eventually
from .story import OnboardedUser, ask_everywhere, membership_changes, onboard, state_writes

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

CHATS = 120
# More than that nobody may wait for at the same time.
BATCH = 10


async def settle(stack: Stack, name: str) -> OnboardedUser:
    """Somebody with a Space of so many chats, all of them joined."""
    onboarded = await onboard(stack, name)
    for number in range(2, CHATS + 1):
        await onboarded.person.send(onboarded.control, f"!new Subject {number}")
        if number % BATCH == 0:
            await _until_invited(onboarded, number - 1)
    onboarded.chats += sorted(await onboarded.person.invitations())
    for room_id in onboarded.chats[1:]:
        await onboarded.person.join(room_id)
    return onboarded


async def _until_invited(onboarded: OnboardedUser, chats: int) -> None:
    async def invited() -> bool:
        return len(await onboarded.person.invitations()) == chats

    await eventually(invited, f"an invitation to each of {chats} chats", 120)


@pytest.mark.parametrize("database", ["kept", "deleted"])
async def test_a_large_space_is_found_again(stack: Stack, database: str) -> None:
    quin = await settle(stack, f"quin-{database}")
    before = await take_snapshot(stack.as_bot())
    await stack.maubot.stop()
    if database == "deleted":
        stack.maubot.delete_database(INSTANCE)
    stack.proxy.clear()
    await stack.maubot.start()
    answers = await ask_everywhere([quin], "still there?", 60)
    assert answers == dict.fromkeys(quin.chats, "still there?")
    # A verification of each chat follows a start without a database.
    await asyncio.sleep(10 if database == "deleted" else 0)
    assert membership_changes(stack.proxy) == []
    assert state_writes(stack.proxy) == []
    assert await take_snapshot(stack.as_bot()) == before
