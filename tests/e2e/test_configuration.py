"""The configuration is changed in maubot: at once, and never for the worse."""

from __future__ import annotations

import pytest

from dev.room_snapshot import content_of
from dev.stack import INSTANCE, Stack

from .conftest import Configure
from .story import OnboardedUser, ask, onboard, start_chat

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def name_of_new_chat(onboarded: OnboardedUser) -> str:
    """What the next chat without a title is called."""
    state = await onboarded.person.state(await start_chat(onboarded))
    return str(content_of(state, "m.room.name")["name"])


async def test_a_saved_configuration_takes_effect_at_once_and_without_a_walk(
    stack: Stack, configure: Configure
) -> None:
    neighbour, vic = await onboard(stack, "una-next-door"), await onboard(stack, "vic")
    logged = len(stack.maubot.log())
    stack.proxy.clear()
    await configure('names: {chat: "Thread {number}"}')
    assert await name_of_new_chat(vic) == "Thread 2"
    assert "(start)" not in stack.maubot.log()[logged:]
    assert stack.proxy.count("GET", f"{neighbour.space_id}/state$") == 0


NAMES = 'names: {chat: "Thread {number}"}\n'


@pytest.mark.parametrize(
    ("mistake", "key"),
    [
        ("defualt_platform: echo", "defualt_platform"),
        ("startup: {wait: soon}", "startup.wait"),
        ("default_platform: gpt", "default_platform"),
        ("platforms: {echo: {type: ecco}}", "platforms.echo"),
        ("names: [", "the configuration"),
    ],
    ids=["unknown-key", "wrong-type", "unknown-platform", "unknown-type", "no-yaml"],
)
async def test_a_mistake_costs_itself_alone_and_status_names_the_key_to_administrators(
    stack: Stack, configure: Configure, mistake: str, key: str
) -> None:
    wes = await onboard(stack, f"wes-{key.lower()}".replace("the configuration", "all"))
    await configure(NAMES)
    await configure(f'{NAMES}room_version: "10"\n{mistake}')
    assert await name_of_new_chat(wes) == "Thread 2"
    status = await ask(wes.person, wes.control, "!status")
    assert "The configuration has mistakes" in status
    assert key in status


async def test_a_bad_configuration_at_the_start_stops_neither_recovery_nor_the_chats(
    stack: Stack, configure: Configure
) -> None:
    xia = await onboard(stack, "xia")
    await configure(NAMES + "defualt_platform: echo")
    await stack.maubot.stop()
    stack.maubot.delete_database(INSTANCE)
    await stack.maubot.start()
    instance = await stack.maubot.instance(INSTANCE)
    assert (instance["enabled"], instance["started"]) == (True, True)
    assert await ask(xia.person, xia.chats[0], "still there?") == "still there?"
    assert "defualt_platform" in await ask(xia.person, xia.control, "!status")
