"""Whatever people do to Spaces and chats in their clients, the plugin agrees with Matrix soon:
while it runs, and after it was away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from _pytest.mark import ParameterSet
from aiohttp import web

from dev.stack import Options, Stack

from .scenario import Scenario
from .story import OnboardedUser, accept_home, ask, membership_changes, onboard, state_writes
from .topology_changes import (
    BotGone,
    BotGoneFromSpace,
    Closing,
    Departure,
    DepartureFromSpace,
    Purge,
    Removal,
    Return,
    TopologyChange,
    TwinConversations,
    TwoSpaces,
    Upgrade,
    UpgradeOfSpace,
    UpgradeTwice,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIG = """
permissions:
    local: user
    "@warden:localhost": admin
"""
# The rest takes its time, and belongs to the slow tests.
QUICK = {Removal, Departure, BotGoneFromSpace, Upgrade, TwoSpaces, TwinConversations}
ANY_TIME: tuple[type[TopologyChange], ...] = (
    Removal,
    Return,
    Departure,
    DepartureFromSpace,
    BotGone,
    Purge,
    BotGoneFromSpace,
    Upgrade,
    UpgradeTwice,
    UpgradeOfSpace,
    Closing,
)
# Only another run of the plugin leaves these behind, so this one is stopped when it happens.
WHILE_DOWN: tuple[type[TopologyChange], ...] = (*ANY_TIME, TwoSpaces, TwinConversations)
DOWN = "test_it_is_seen_to_after_the_plugin_was_down"
VERSIONS = [
    pytest.param("", id="newest"),
    *(pytest.param(version, marks=pytest.mark.slow) for version in ("10", "11", "12")),
    pytest.param("old-synapse", marks=pytest.mark.slow),
]


def params(kinds: tuple[type[TopologyChange], ...]) -> list[ParameterSet]:
    """The kinds of change as parameters, slow unless quick."""
    slow = pytest.mark.slow
    return [pytest.param(kind, marks=[] if kind in QUICK else slow) for kind in kinds]


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=VERSIONS)
async def versioned_stack(request: pytest.FixtureRequest) -> AsyncIterator[Stack]:
    """A stack whose rooms are of one version; Synapse 1.98 makes those of version 10."""
    options = Options(config=CONFIG, room_version=request.param)
    if request.param == "old-synapse":
        options = Options(config=CONFIG, synapse="synapse-1-98")
    async with Stack.start(options) as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def administrator(versioned_stack: Stack) -> Scenario:
    """The server's administrator, who may administrate the plugin too, with a Space of theirs."""
    warden = await versioned_stack.register_user("warden", admin=True)
    control = await warden.direct_chat(versioned_stack.bot.user_id)
    space_id, chat = await accept_home(warden)
    await warden.wait_for_message(control, "Welcome")
    return Scenario(versioned_stack, OnboardedUser(warden, control, space_id, [chat]), warden)


async def set_up_scenario(
    versioned_stack: Stack, warden: Scenario, kind: type[TopologyChange], when: str
) -> Scenario:
    onboarded = await onboard(versioned_stack, f"{kind.__name__.lower()}-{when}", chats=2)
    return Scenario(versioned_stack, onboarded, warden.person)


@pytest.mark.parametrize("kind", params(ANY_TIME))
async def test_it_is_seen_to_while_the_plugin_runs(
    versioned_stack: Stack, administrator: Scenario, kind: type[TopologyChange]
) -> None:
    scenario = await set_up_scenario(versioned_stack, administrator, kind, "up")
    versioned_stack.proxy.clear()
    change = kind()
    await change.cause(scenario)
    await change.check(scenario)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def changed_while_down(
    request: pytest.FixtureRequest, versioned_stack: Stack, administrator: Scenario
) -> dict[type[TopologyChange], Scenario]:
    """Whatever is tested happened, to one person each, while the plugin was down; it is up."""
    few = asyncio.Semaphore(3)

    async def enter(kind: type[TopologyChange]) -> Scenario:
        async with few:
            return await set_up_scenario(versioned_stack, administrator, kind, "down")

    tests = [item for item in request.session.items if isinstance(item, pytest.Function)]
    chosen = {test.callspec.params["kind"] for test in tests if test.originalname == DOWN}
    kinds = [kind for kind in WHILE_DOWN if kind in chosen]
    scenarios = await asyncio.gather(*map(enter, kinds))
    changed_while_down = dict(zip(kinds, scenarios, strict=True))
    await versioned_stack.maubot.stop()
    for kind, scenario in changed_while_down.items():
        await kind().cause(scenario)
    versioned_stack.proxy.clear()
    await versioned_stack.maubot.start()
    return changed_while_down


@pytest.mark.parametrize("kind", params(WHILE_DOWN))
async def test_it_is_seen_to_after_the_plugin_was_down(
    changed_while_down: dict[type[TopologyChange], Scenario], kind: type[TopologyChange]
) -> None:
    await kind().check(changed_while_down[kind])


async def test_a_list_of_rooms_that_is_short_for_a_moment_is_not_believed(
    versioned_stack: Stack, administrator: Scenario
) -> None:
    told: list[str] = []

    async def forget_all_rooms(request: web.Request) -> web.StreamResponse | None:
        if told or not request.path.endswith("/joined_rooms"):
            return None
        told.append(request.path)
        return web.json_response({"joined_rooms": []})

    versioned_stack.proxy.clear()
    versioned_stack.proxy.fault = forget_all_rooms
    said = await administrator.say("!admin reconcile")
    versioned_stack.proxy.fault = None
    assert told
    assert "nothing to change" in said
    assert membership_changes(versioned_stack.proxy) == []
    assert state_writes(versioned_stack.proxy) == []
    assert await ask(administrator.person, administrator.first, "still there?") == "still there?"
