"""One room cannot be read: everybody else is served meanwhile, somebody new is onboarded, and
what was written in that room is answered in order once it can be read again."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import pytest
import pytest_asyncio

from dev.stack import Options, Stack

from .bystanders import Surroundings, expect_service, make_group, start, stop
from .network_faults import NetworkFaults, hold_syncs, reads_of, whole_state_of
from .scenario import eventually
from .sick_rooms import RECOVERY, Group, OwnedChat, SickRoom
from .story import ask, initial_syncs, onboard, reply_to, start_chat
from .transcript import replied_to

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIG = """
startup: {wait: 1}
permissions:
    local: user
    "@warden:localhost": admin
    "@mona:localhost": none
    "@nils:localhost": none
"""
SLOW = pytest.mark.slow
# Seconds in which somebody new is served although a room may be theirs for all that can be told.
UNSURE = 180.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def surroundings() -> AsyncIterator[Surroundings]:
    async with Stack.start(Options(config=CONFIG)) as stack:
        outsiders = (await stack.register_user("mona"), await stack.register_user("nils"))
        yield Surroundings(stack, outsiders, await make_group(stack, outsiders))


@pytest.fixture
def stack(surroundings: Surroundings) -> Stack:
    surroundings.stack.proxy.clear()
    return surroundings.stack


@pytest_asyncio.fixture(loop_scope="session")
async def faults(stack: Stack) -> AsyncIterator[NetworkFaults]:
    faults = NetworkFaults(stack.proxy)
    yield faults
    faults.clear()


class Case(NamedTuple):
    """Which room falls sick, how, with what database, and when."""

    room: str
    kind: str
    database: str
    when: str


ROOMS: dict[str, Callable[[Surroundings, str], Awaitable[SickRoom]]] = {
    "group": Group.make,
    "chat": OwnedChat.make,
}
KINDS = ("trouble", "hanging")
DATABASES = ("kept", "deleted")
TIMES = ("start", "running")
# Any two of the four are together in one of these, whatever they are.
QUICK = {
    Case("group", "trouble", "kept", "start"),
    Case("group", "hanging", "deleted", "start"),
    Case("group", "hanging", "kept", "running"),
    Case("chat", "hanging", "kept", "start"),
    Case("chat", "trouble", "deleted", "start"),
    Case("chat", "trouble", "deleted", "running"),
}
CASES = [
    pytest.param(case, id="-".join(case), marks=[] if case in QUICK else SLOW)
    for case in itertools.starmap(Case, itertools.product(ROOMS, KINDS, DATABASES, TIMES))
]


@pytest.mark.parametrize("case", CASES)
async def test_everybody_else_is_served_while_a_room_is_sick(
    surroundings: Surroundings, stack: Stack, faults: NetworkFaults, case: Case
) -> None:
    name = "-".join(case)
    room, bob = await asyncio.gather(
        ROOMS[case.room](surroundings, f"alice-{name}"), onboard(stack, f"bob-{name}")
    )
    if case.when == "start":
        await stop(stack, case.database)
        await room.write_many()
        faults.inject(case.kind, reads_of(room.room_id))
        await start(stack, bob)
    else:
        if case.database == "deleted":
            await stop(stack, case.database)
            await start(stack, bob)
        async with hold_syncs(stack.proxy) as held:
            await room.write_one()
            await asyncio.wait_for(held.wait(), 10)
            await room.write_many()
            faults.inject(case.kind, reads_of(room.room_id))

    await expect_service(stack, bob, f"carol-{name}")
    await room.write_while_sick()
    faults.clear()
    assert await ask(bob.person, bob.chats[0], "all well?") == "all well?"
    await room.expect_order()


@pytest.mark.parametrize(
    ("kind", "database"),
    [
        ("hanging", "kept"),
        pytest.param("hanging", "deleted", marks=SLOW),
        pytest.param("trouble", "kept", marks=SLOW),
        pytest.param("trouble", "deleted", marks=SLOW),
    ],
)
async def test_commands_in_a_sick_control_room_are_carried_out_once_it_is_well(
    stack: Stack, faults: NetworkFaults, kind: str, database: str
) -> None:
    """What needs no turn may be answered meanwhile, if the bot knows whose room it is; what needs
    one comes after everything before it. None is turned away, and none is carried out twice."""
    name = f"{kind}-{database}"
    dave, bob = await asyncio.gather(
        onboard(stack, f"dave-control-{name}"), onboard(stack, f"bob-control-{name}")
    )
    await stop(stack, database)
    status, new = [
        await dave.person.send(dave.control, said) for said in ("!status", "!new Herbs")
    ]
    faults.inject(kind, reads_of(dave.control))
    await start(stack, bob)
    await expect_service(stack, bob, f"carol-control-{name}")
    await eventually(faults.were_felt, "the control room was looked at")
    chats, rename = [
        await dave.person.send(dave.control, said) for said in ("!chats", "!rename Herbs Spices")
    ]
    faults.clear()
    assert "**Spices**" in await reply_to(dave.person, rename, RECOVERY)
    assert "You have" in await reply_to(dave.person, status)
    assert "is ready" in await reply_to(dave.person, new)
    assert "Your chats:" in await reply_to(dave.person, chats)
    replies = await replied_to(dave.person, dave.control)
    assert replies[-1] == rename
    assert sorted(replies) == sorted([status, new, chats, rename])
    assert len(await dave.person.invitations()) == 1


async def test_a_reconciliation_that_waits_for_a_room_keeps_nobody_waiting(
    stack: Stack, faults: NetworkFaults
) -> None:
    gus, bob, warden = await asyncio.gather(
        onboard(stack, "gus"), onboard(stack, "bob-reconcile"), onboard(stack, "warden")
    )
    faults.inject("hanging", whole_state_of(gus.chats[0]))
    asked = await warden.person.send(warden.control, "!admin reconcile")
    await eventually(faults.were_felt, "the reconciliation came to the chat")
    assert await ask(bob.person, await start_chat(bob), "a new one?") == "a new one?"
    await expect_service(stack, bob, "carol-reconcile")
    told = await reply_to(warden.person, asked, RECOVERY)
    assert "Rooms that I couldn't read: 1." in told


@pytest.mark.parametrize(
    ("kind", "unreadable", "within"),
    [
        ("hanging", whole_state_of, 10),
        pytest.param("trouble", whole_state_of, 10, marks=SLOW),
        # Whose room it is cannot be told at all: that may cost somebody new a wait, with an end.
        pytest.param("hanging", reads_of, UNSURE, marks=SLOW),
        pytest.param("trouble", reads_of, UNSURE, marks=SLOW),
    ],
)
async def test_a_room_that_can_never_be_read_makes_no_later_start_cold(
    surroundings: Surroundings,
    faults: NetworkFaults,
    kind: str,
    unreadable: Callable[[str], str],
    within: float,
) -> None:
    stack, name = surroundings.stack, f"{kind}-{unreadable.__name__}"
    bob = await onboard(stack, f"bob-{name}")
    await stop(stack, "deleted")
    # Nothing the bot ever noted tells it what this room is.
    room_id = await make_group(stack, surroundings.outsiders)
    faults.inject(kind, unreadable(room_id))
    await start(stack, bob)
    assert initial_syncs(stack.proxy) != []
    await expect_service(stack, bob, f"carol-{name}", within)
    assert faults.touched

    await stop(stack, "kept")
    await start(stack, bob)
    assert initial_syncs(stack.proxy) == []
    await expect_service(stack, bob, f"cora-{name}", within)
