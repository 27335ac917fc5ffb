"""Fills a real Synapse with Spaces and chats, as the plugin itself makes them.

Rooms are made with the plugin's own requests but without the plugin, which would take care not
to hurry the homeserver. Each owner has a control room with the bot and is in the Space.
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
AT_ONCE = 4


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

    async def run(self, spaces: int, chats: int, tell: Callable[[str], None]) -> list[OwnerRooms]:
        """Make so many Spaces with so many chats each.

        Args:
            spaces: how many Spaces, each of an owner who is registered for it.
            chats: how many chats in each.
            tell: hears how far it got, a line now and then.
        """
        answer = await self.bot.call("GET", "capabilities")
        version = str(answer["capabilities"]["m.room_versions"]["default"])
        places = asyncio.Semaphore(AT_ONCE)
        done = 0

        async def make(number: int) -> OwnerRooms:
            nonlocal done
            async with places:
                home = await self._ensure_rooms(number, chats, version)
            done += 1
            if done % max(1, spaces // 5) == 0:
                tell(f"{done} of {spaces} Spaces with {chats} chats each are made")
            return home

        return list(await asyncio.gather(*(make(number) for number in range(spaces))))

    async def _ensure_rooms(self, number: int, chats: int, version: str) -> OwnerRooms:
        login = await self.synapse.register(f"person-{number}")
        owner = UserClient(self.session, self.synapse.url, login)
        control = await owner.direct_chat(self.identity.bot)
        await self.bot.join(control)
        name = f"person-{number}'s chats"
        order = RoomSpec(UserID(owner.user_id), name, version)
        space_id = await self.bot.create_room(**space_request(order, self.identity))
        await owner.join(space_id)
        rooms = [await self._make_chat(order, space_id, at) for at in range(1, chats + 1)]
        return OwnerRooms(owner, space_id, tuple(rooms))

    async def _make_chat(self, order: RoomSpec, space_id: str, number: int) -> str:
        binding = Binding(
            room_type="chat",
            chat_id=f"C{number}",
            space_id=RoomID(space_id),
            matrix_user_id=order.owner,
            platform="echo",
            platform_chat_id=f"{order.owner}-{number}",
        )
        order = attr.evolve(order, name=f"Chat {number}")
        room_id = await self.bot.create_room(**chat_request(order, binding, self.identity))
        content = child_content(binding, self.identity)
        await self.bot.set_state(space_id, CHILD_TYPE, content, room_id)
        return room_id
