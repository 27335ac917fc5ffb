"""The homeserver fails in every way it can, during starts and while people write: nothing is
created, left or changed, and everything is answered once it is well again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from dev.room_snapshot import Chat, take_snapshot
from dev.stack import INSTANCE, Options, Stack

from .network_faults import KINDS, NetworkFaults
from .scenario import eventually
from .story import OnboardedUser, membership_changes, onboard, state_writes
from .transcript import Transcript, read_when_complete

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Seconds: a second of the plugin's own, five of maubot's, and as much again for a busy machine.
CONFIG = "startup: {wait: 1}"
REACHABLE = 12.0
# mautrix asks again at ever longer intervals, of at most so many seconds.
LONGEST = 330.0


@dataclass
class Street:
    """Two people with two chats each; `before` is what stood in Matrix before the faults."""

    stack: Stack
    users: list[OnboardedUser]
    before: list[Chat]

    async def write(self, text: str) -> None:
        """Everybody writes in each of their chats."""
        for onboarded in self.users:
            for room_id in onboarded.chats:
                await onboarded.person.send(room_id, text)

    async def answers(self) -> list[Transcript]:
        """Every chat, once all is answered."""
        chats = [(one.person, room_id) for one in self.users for room_id in one.chats]
        return list(await read_when_complete(chats, LONGEST))

    async def expect_peace(self) -> None:
        """Everything was answered once, in order, and nothing else happened."""
        await self.write("and now?")
        for transcript in await self.answers():
            assert transcript.lost == []
            assert transcript.answered == transcript.asked
        instance = await self.stack.maubot.instance(INSTANCE)
        assert (instance["enabled"], instance["started"]) == (True, True)
        assert membership_changes(self.stack.proxy) == []
        assert state_writes(self.stack.proxy) == []
        assert await take_snapshot(self.stack.as_bot()) == self.before


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def street() -> AsyncIterator[Street]:
    async with Stack.start(Options(config=CONFIG)) as stack:
        users = [await onboard(stack, name, chats=2) for name in ("flo", "gus")]
        yield Street(stack, users, await take_snapshot(stack.as_bot()))
        stack.proxy.fault = None


async def start_cold(street: Street) -> None:
    """maubot starts without its database."""
    street.stack.maubot.delete_database(INSTANCE)
    await start_warm(street)


async def start_warm(street: Street) -> None:
    """maubot starts with its database; its web interface does not wait for the homeserver."""
    begun = time.monotonic()
    await street.stack.maubot.start()
    assert time.monotonic() - begun < REACHABLE


async def run_on(street: Street) -> None:
    """maubot ran all the time."""
    await street.stack.maubot.start()
    await street.write("everything well?")
    await street.answers()


Phase = Callable[[Street], Awaitable[None]]
PHASES = (start_cold, start_warm, run_on)
IN_TURN = "each-in-turn"
SLOW = pytest.mark.slow
CASES = [
    pytest.param(kind, phase, marks=[] if (kind, phase) == (IN_TURN, start_cold) else SLOW)
    for kind in (IN_TURN, *KINDS)
    for phase in PHASES
]


@pytest.mark.parametrize(("kind", "phase"), CASES)
async def test_nonsense_changes_nothing(street: Street, kind: str, phase: Phase) -> None:
    faults = NetworkFaults(street.stack.proxy)
    await street.stack.maubot.stop()
    if phase is run_on:
        await phase(street)
    street.stack.proxy.clear()
    if kind == IN_TURN:
        faults.inject_in_turn()
    else:
        faults.inject(kind)
    if phase is not run_on:
        await phase(street)
    # Written to a homeserver that is well, but for whom it answers.
    await street.write(f"{kind}: anybody there?")
    await eventually(faults.were_felt, "requests met the fault")
    if kind != IN_TURN:
        faults.clear()
    await street.expect_peace()
    faults.clear()


@SLOW
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("seconds", [30, 150])
async def test_an_outage_is_waited_for(street: Street, phase: Phase, seconds: float) -> None:
    await street.stack.maubot.stop()
    if phase is run_on:
        await phase(street)
    street.stack.proxy.clear()
    await street.stack.proxy.close()
    if phase is not run_on:
        await phase(street)
    await street.write("is it dark?")
    await asyncio.sleep(seconds)
    await street.stack.proxy.open()
    await street.expect_peace()
