"""Several people with several chats on one stack, and whatever can get lost while it is down."""

from __future__ import annotations

import sqlite3
from typing import Any
from urllib.parse import quote

from dev.room_snapshot import BINDING, CHILD, MARKER, content_of
from dev.stack import INSTANCE, Stack

from .story import OnboardedUser, ask_everywhere, wait_for_log


class Deployment:
    """A stack with the people who live on it."""

    def __init__(self, stack: Stack, users: list[OnboardedUser]) -> None:
        self.stack = stack
        self.users = users
        self.bot = stack.as_bot()

    @property
    def chats(self) -> set[str]:
        """The rooms of all chats."""
        return {room_id for onboarded in self.users for room_id in onboarded.chats}

    async def stop(self) -> None:
        """End maubot; what passes the wire from now on belongs to the next start."""
        await self.stack.maubot.stop()
        self.stack.proxy.clear()

    async def start(self, *, verified: bool) -> dict[str, str]:
        """Start maubot again, and write in every chat at once; the answers by room.

        `verified`: return when each chat has been verified against its own room, as it is after
        a start without a usable database.
        """
        logged = len(self.stack.maubot.log())
        await self.stack.maubot.start()
        answers = await ask_everywhere(self.users, "still there?")
        if verified:
            await wait_for_log(self.stack, "(verification)", logged)
        return answers

    def damage(self, statements: str) -> None:
        """Change the plugin's database behind its back."""
        connection = sqlite3.connect(self.stack.maubot.database(INSTANCE))
        connection.executescript(statements)
        connection.close()

    def delete_database(self) -> None:
        """Delete it whole."""
        self.stack.maubot.delete_database(INSTANCE)

    async def delete_hint(self) -> None:
        """Delete what the bot noted in its account data."""
        path = f"user/{quote(self.bot.user_id)}/account_data/chat.spacekeeper.spaces.{INSTANCE}"
        await self.bot.call("PUT", path, {})

    async def unbind(self, room_id: str, space_id: str = "") -> None:
        """Empty a chat's binding; with its Space, the mirror there, too."""
        await self.bot.set_state(room_id, BINDING, {})
        if space_id:
            link = content_of(await self.bot.state(space_id), CHILD, room_id)
            bare = {key: value for key, value in link.items() if key != BINDING}
            await self.bot.set_state(space_id, CHILD, bare, room_id)

    async def lose_part(self, room_id: str, part: str) -> None:
        """Let a part of a chat's binding lack, in its room and in the mirror."""
        binding = content_of(await self.bot.state(room_id), BINDING)
        space_id = binding["space_id"]
        del binding[part]
        await self.bot.set_state(room_id, BINDING, binding)
        link = content_of(await self.bot.state(space_id), CHILD, room_id)
        await self.bot.set_state(space_id, CHILD, {**link, BINDING: binding}, room_id)

    async def marker(self, space_id: str) -> dict[str, Any]:
        """What says whose a Space is."""
        return content_of(await self.bot.state(space_id), MARKER)

    async def make_legacy(self) -> None:
        """Empty every binding and every mirror: chats from before there were bindings."""
        for onboarded in self.users:
            for room_id in onboarded.chats:
                await self.unbind(room_id, onboarded.space_id)
