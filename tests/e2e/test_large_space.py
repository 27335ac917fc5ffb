"""A Space with many chats is found again whole, with the database and without."""

from __future__ import annotations

import asyncio

import pytest

from dev.room_snapshot import take_picture
from dev.stack import INSTANCE, Stack

from .scenario import eventually
from .story import Resident, ask_everywhere, membership_changes, onboard, state_writes

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

CHATS = 120
# Of more than a hundred that wait, the rest would be set aside.
PORTION = 40


async def settle(stack: Stack, name: str) -> Resident:
    """Somebody with a Space of so many chats, all of them joined."""
    resident = await onboard(stack, name)
    for number in range(2, CHATS + 1):
        await resident.person.send(resident.control, f"!new Subject {number}")
        if number % PORTION == 0:
            await _until_invited(resident, number - 1)
    resident.chats += sorted(await resident.person.invitations())
    for room_id in resident.chats[1:]:
        await resident.person.join(room_id)
    return resident


async def _until_invited(resident: Resident, chats: int) -> None:
    async def invited() -> bool:
        return len(await resident.person.invitations()) == chats

    await eventually(invited, f"an invitation to each of {chats} chats", 120)


@pytest.mark.parametrize("database", ["kept", "deleted"])
async def test_a_large_space_is_found_again(stack: Stack, database: str) -> None:
    quin = await settle(stack, f"quin-{database}")
    before = await take_picture(stack.as_bot())
    await stack.maubot.stop()
    if database == "deleted":
        stack.maubot.delete_database(INSTANCE)
    stack.wire.clear()
    await stack.maubot.start()
    answers = await ask_everywhere([quin], "still there?", 60)
    assert answers == dict.fromkeys(quin.chats, "still there?")
    # A verification of each chat follows a start without a database.
    await asyncio.sleep(10 if database == "deleted" else 0)
    assert membership_changes(stack.wire) == []
    assert state_writes(stack.wire) == []
    assert await take_picture(stack.as_bot()) == before
