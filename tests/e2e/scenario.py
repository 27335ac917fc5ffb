"""One person on one stack to whom something happens, and how its outcome is waited for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from dev.room_snapshot import BINDING, CHILD, content_of
from dev.stack import Stack
from dev.user_client import UserClient

from .story import OnboardedUser, ask

# Seconds: two are promised, and a busy machine gets more.
TYPING_AFTER = 15.0


@dataclass
class Scenario:
    """A person with two chats, a server administrator, and whatever a story notes between its
    cause and its outcome."""

    stack: Stack
    onboarded: OnboardedUser
    administrator: UserClient
    noted: dict[str, Any] = field(default_factory=dict)

    @property
    def person(self) -> UserClient:
        """Whose Space it is."""
        return self.onboarded.person

    @property
    def bot(self) -> UserClient:
        """The bot's own account."""
        return self.stack.as_bot()

    @property
    def space(self) -> str:
        """The person's Space."""
        return self.onboarded.space_id

    @property
    def first(self) -> str:
        """The chat to which nothing happens."""
        return self.onboarded.chats[0]

    @property
    def second(self) -> str:
        """The chat to which it happens."""
        return self.onboarded.chats[1]

    async def binding(self, room_id: str) -> dict[str, Any]:
        """The binding that stands in a room, as the bot sees it."""
        return content_of(await self.bot.state(room_id), BINDING)

    async def link(self, space_id: str, room_id: str) -> dict[str, Any]:
        """How a Space links a room, as the bot sees it; empty where it does not."""
        return content_of(await self.bot.state(space_id), CHILD, room_id)

    async def upgrade(self, room_id: str) -> str:
        """Upgrade a room, as only the bot's account may; the room that takes over."""
        # To its own version: between some of them Synapse loses the power of the bot.
        create = content_of(await self.bot.state(room_id), "m.room.create")
        body = {"new_version": create["room_version"]}
        answer = await self.bot.call("POST", f"rooms/{room_id}/upgrade", body)
        return str(answer["replacement_room"])

    async def say(self, text: str) -> str:
        """Write in the control room; what the bot replies."""
        return await ask(self.person, self.onboarded.control, text)

    def rooms_made(self) -> int:
        """How many rooms were asked for on behalf of this person since the wire was cleared."""
        made = self.stack.proxy.find("POST", r"/createRoom$")
        return sum(self.person.user_id in json.loads(one.body).get("invite", []) for one in made)


async def eventually(
    look: Callable[[], Awaitable[bool]], what: str, within: float = TYPING_AFTER
) -> None:
    """Look again and again until it is so. Raises AssertionError with `what` after `within` s."""
    deadline = time.monotonic() + within
    while not await look():
        assert time.monotonic() < deadline, f"{what}: not within {within:g} s"
        await asyncio.sleep(0.2)


async def until_said(scenario: Scenario, command: str, text: str, *, gone: bool = False) -> None:
    """Wait until what the bot answers to a command has `text` in it, or, `gone`, has not."""

    async def look() -> bool:
        return (text in await scenario.say(command)) is not gone

    await eventually(look, f"{command} {'without' if gone else 'with'} {text!r}")
