"""A homeserver that lets the bot do only so much at a time: whatever was asked for comes true."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dev.room_snapshot import take_snapshot
from dev.stack import Options, Stack
from dev.user_client import MatrixRefusal, UserClient

from .scenario import eventually
from .story import onboard

pytestmark = pytest.mark.asyncio(loop_scope="session")

WISHES = 15
# As many as one person may wait for.
CHATS_AT_ONCE = 10


async def send_patiently(person: UserClient, room_id: str, text: str) -> str:
    """Send a message as a client does: again, when the homeserver asks for patience."""
    while True:
        try:
            return await person.send(room_id, text)
        except MatrixRefusal as refusal:
            if refusal.errcode != "M_LIMIT_EXCEEDED":
                raise
            await asyncio.sleep(1)


async def messages_about(person: UserClient, room_id: str) -> list[dict[str, Any]]:
    """What the bot said in the room."""
    return [
        event["content"]
        for event in await person.messages(room_id, 200)
        if event["type"] == "m.room.message" and event["sender"] != person.user_id
    ]


@pytest.mark.parametrize(
    ("limits", "within"),
    [
        ("brief", 120),
        pytest.param("default", 1500, marks=pytest.mark.slow),
    ],
)
async def test_many_chats_at_once_all_come_true(limits: str, within: float) -> None:
    async with Stack.start(Options(limits=limits)) as stack:
        hal = await onboard(stack, "hal")
        person, control = hal.person, hal.control
        wishes: list[str] = []

        async def are_ready() -> int:
            said = [content.get("body", "") for content in await messages_about(person, control)]
            return sum("is ready" in body for body in said)

        async def is_all_said() -> bool:
            # No more may wait at the same time.
            while len(wishes) < min(WISHES, await are_ready() + CHATS_AT_ONCE):
                wishes.append(await send_patiently(person, control, f"!new Wish {len(wishes)}"))
            return await are_ready() >= WISHES

        await eventually(is_all_said, "every wish is answered", within)
        chats = await take_snapshot(stack.as_bot())
        assert [chat.chat_id for chat in sorted(chats, key=lambda one: int(one.chat_id[1:]))] == [
            f"C{number}" for number in range(1, WISHES + 2)
        ]
        assert len({chat.platform_chat_id for chat in chats}) == WISHES + 1
        # The control room, the Space and its chats: nothing was made twice.
        assert len(await stack.as_bot().joined_rooms()) == WISHES + 3
        said = await messages_about(person, control)
        answered = [content.get("chat.spacekeeper.answers") for content in said]
        assert [answered.count(wish) for wish in wishes] == [1] * WISHES
        assert any("only so many rooms at a time" in content["body"] for content in said)


@pytest.mark.parametrize(
    ("limits", "people", "within"),
    [
        ("brief", 10, 180),
        # Sixty rooms: ten at once, then one in 62 seconds.
        pytest.param("default", 30, 3900, marks=pytest.mark.slow),
    ],
)
async def test_many_people_at_once_are_all_onboarded_and_told(
    limits: str, people: int, within: float
) -> None:
    async with Stack.start(Options(limits=limits)) as stack:
        arrived = [await stack.register_user(f"person{number}") for number in range(people)]
        rooms = [await person.direct_chat(stack.bot.user_id) for person in arrived]

        async def said_to(number: int) -> list[str]:
            said = await messages_about(arrived[number], rooms[number])
            return [content.get("body", "") for content in said]

        async def is_everybody_welcome() -> bool:
            return all(["Welcome" in " ".join(await said_to(one)) for one in range(people)])

        await eventually(is_everybody_welcome, "everybody is welcomed", within)
        for number in range(people):
            *greetings, welcome = await said_to(number)
            assert welcome.startswith("Welcome")
            assert [text.partition("!")[0] for text in greetings] in ([], ["Hello"])
        waited = [number for number in range(people) if len(await said_to(number)) == 2]
        # Five or six are served at once, and those who come a moment later at the next minute.
        assert len(waited) >= people - 8
        chats = await take_snapshot(stack.as_bot())
        assert [chat.chat_id for chat in chats] == ["C1"] * people
        assert len({chat.platform_chat_id for chat in chats}) == people
        # The control room, the Space and the chat: nothing was made twice.
        assert len(await stack.as_bot().joined_rooms()) == 3 * people
