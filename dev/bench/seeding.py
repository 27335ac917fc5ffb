"""Fills a real Synapse with Spaces and chats, as the plugin itself makes them.

Rooms are made with the plugin's own requests but without the plugin, which would spare the
homeserver. Each owner has a control room with the bot and is in the Space.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import quote

import aiohttp
import attr
from mautrix.types import RoomID, UserID

from plugin.matrix.create_room import RoomSpec, chat_request, space_request
from plugin.topology.contents import child_content
from plugin.topology.model import CHILD_TYPE, Binding, Identity

from ..stack import INSTANCE
from ..synapse import Login, Synapse
from ..user_client import UserClient

# Synapse makes rooms on one core: more at once would only wait for each other.
MAX_CONCURRENT = 4


@attr.frozen
class OwnerRooms:
    """One owner's Space and chats."""

    owner: UserClient
    space_id: str
    chats: tuple[str, ...]

    async def reorder(self, order: str) -> None:
        """Move the first chat within the Space, as its owner does in a client."""
        path = f"rooms/{quote(self.space_id)}/state/{CHILD_TYPE}/{quote(self.chats[0])}"
        content = await self.owner.call("GET", path)
        await self.owner.call("PUT", path, {**content, "order": order})


class Seeding:
    """Makes the rooms of one bot on one homeserver."""

    def __init__(self, session: aiohttp.ClientSession, synapse: Synapse, bot: Login) -> None:
        self.synapse = synapse
        self.session = session
        self.bot = UserClient(session, synapse.url, bot)
        self.identity = Identity(UserID(bot.user_id), INSTANCE)

    async def run(
        self, spaces: int, chats: int, report: Callable[[str], None]
    ) -> list[OwnerRooms]:
        """Make so many Spaces with so many chats each.

        Args:
            spaces: how many Spaces, each of an owner who is registered for it.
            chats: how many chats in each.
            report: called now and then with a line that says how far it got.
        """
        answer = await self.bot.call("GET", "capabilities")
        version = str(answer["capabilities"]["m.room_versions"]["default"])
        slots = asyncio.Semaphore(MAX_CONCURRENT)
        done = 0

        async def make(number: int) -> OwnerRooms:
            nonlocal done
            async with slots:
                rooms = await self._ensure_rooms(number, chats, version)
            done += 1
            if done % max(1, spaces // 5) == 0:
                report(f"{done} of {spaces} Spaces with {chats} chats each are made")
            return rooms

        return list(await asyncio.gather(*(make(number) for number in range(spaces))))

    async def _ensure_rooms(self, number: int, chats: int, version: str) -> OwnerRooms:
        login = await self.synapse.register(f"user-{number}")
        owner = UserClient(self.session, self.synapse.url, login)
        control = await owner.direct_chat(self.identity.bot)
        await self.bot.join(control)
        name = f"user-{number}'s chats"
        spec = RoomSpec(UserID(owner.user_id), name, version)
        space_id = await self.bot.create_room(**space_request(spec, self.identity))
        await owner.join(space_id)
        rooms = [await self._make_chat(spec, space_id, at) for at in range(1, chats + 1)]
        return OwnerRooms(owner, space_id, tuple(rooms))

    async def _make_chat(self, spec: RoomSpec, space_id: str, number: int) -> str:
        binding = Binding(
            chat_id=f"C{number}",
            space_id=RoomID(space_id),
            matrix_user_id=spec.owner,
            platform="echo",
            platform_chat_id=f"{spec.owner}-{number}",
        )
        spec = attr.evolve(spec, name=f"Chat {number}")
        room_id = await self.bot.create_room(**chat_request(spec, binding, self.identity))
        content = child_content(binding, self.identity)
        await self.bot.set_state(space_id, CHILD_TYPE, content, room_id)
        return room_id
