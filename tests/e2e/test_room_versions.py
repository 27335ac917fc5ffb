"""The same use of rooms of each version that a homeserver may make, or be told to make."""

from __future__ import annotations

import pytest

from dev.room_snapshot import content_of, take_snapshot
from dev.stack import INSTANCE, Stack

from .conftest import Configure
from .story import ask_everywhere, membership_changes, onboard, state_writes

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_spaces_and_chats_of_this_room_version_live_and_are_found_again(
    stack: Stack, configure: Configure, version: str
) -> None:
    await configure(f"room_version: '{version}'")
    pia = await onboard(stack, f"pia{version}", chats=2)
    for room_id in (pia.space_id, *pia.chats):
        create = content_of(await pia.person.state(room_id), "m.room.create")
        assert create["room_version"] == version
    before = await take_snapshot(stack.as_bot())

    await stack.maubot.stop()
    stack.maubot.delete_database(INSTANCE)
    stack.proxy.clear()
    await stack.maubot.start()
    answers = await ask_everywhere([pia], "still there?")
    assert answers == dict.fromkeys(pia.chats, "still there?")
    assert await take_snapshot(stack.as_bot()) == before
    assert membership_changes(stack.proxy) == []
    assert state_writes(stack.proxy) == []
