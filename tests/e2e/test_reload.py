"""A new package is uploaded while people write: one plugin goes on where the other ended."""

from __future__ import annotations

import asyncio

import pytest

from dev.room_snapshot import take_snapshot
from dev.stack import INSTANCE, Stack

from .story import OnboardedUser, ask, membership_changes, messages_of, onboard, state_writes

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOST = 60


async def write_until(onboarded: OnboardedUser, done: asyncio.Event) -> list[str]:
    """Write numbered messages in the first chat until `done`, but no more than may wait; give
    what was written."""
    written: list[str] = []
    # A hundred may wait; on a busy machine more would be written than is answered meanwhile.
    while not done.is_set() and len(written) < MOST:
        written.append(f"message {len(written)}")
        await onboarded.person.send(onboarded.chats[0], written[-1])
    return written


async def test_people_write_on_while_the_plugin_is_replaced(stack: Stack) -> None:
    cy = await onboard(stack, "cy")
    before = await take_snapshot(stack.as_bot())
    stack.proxy.clear()
    done = asyncio.Event()
    writing = asyncio.create_task(write_until(cy, done))
    for _ in range(3):
        await stack.upload()
    done.set()
    written = await writing

    # Each of two plugins would answer this; whoever is left of an older one, the next too.
    assert await ask(cy.person, cy.chats[0], "who is there?") == "who is there?"
    assert await ask(cy.person, cy.chats[0], "and now?") == "and now?"
    answers = await messages_of(cy.person, cy.chats[0], stack.bot.user_id)
    assert len(answers) == len(set(answers)), "a message was answered twice"
    during = [answer for answer in answers if answer in set(written)]
    assert during == [text for text in written if text in set(during)]
    instance = await stack.maubot.instance(INSTANCE)
    assert (instance["enabled"], instance["started"]) == (True, True)
    assert membership_changes(stack.proxy) == []
    assert state_writes(stack.proxy) == []
    assert await take_snapshot(stack.as_bot()) == before
