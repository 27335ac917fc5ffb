"""What stands in Matrix: every chat of the bot's, as its own room and its Space's link have it.

Demo and end-to-end tests compare two of these, taken before and after something happened. It
reads raw state with the bot's own log-in and must not ask the plugin, which is what is tested.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from .user_client import Event, UserClient

BINDING = "chat.spacekeeper.room"
MARKER = "chat.spacekeeper.space"
CHILD = "m.space.child"


@dataclass(frozen=True)
class Chat:
    """One chat: its Space, its room, and the binding in the room and in the Space's link."""

    space_id: str
    space_name: str
    room_id: str
    binding: dict[str, Any]
    mirror: dict[str, Any]

    @property
    def owner(self) -> str:
        """Whose chat it is, as the room says."""
        return str(self.binding.get("matrix_user_id", ""))

    @property
    def chat_id(self) -> str:
        """The owner's handle for it, as the room says."""
        return str(self.binding.get("chat_id", ""))

    @property
    def platform_chat_id(self) -> str:
        """The platform's key of the conversation, as the room says."""
        return str(self.binding.get("platform_chat_id", ""))


async def take_snapshot(bot: UserClient) -> list[Chat]:
    """Every chat in every Space of `bot`'s, by owner and handle."""
    chats: list[Chat] = []
    for room_id in await bot.joined_rooms():
        state = await bot.state(room_id)
        if content_of(state, MARKER):
            chats += await _chats_in(bot, room_id, state)
    return sorted(chats, key=lambda chat: (chat.owner, chat.chat_id, chat.room_id))


async def _chats_in(bot: UserClient, space_id: str, state: list[Event]) -> list[Chat]:
    links = {event["state_key"]: event["content"] for event in state if event["type"] == CHILD}
    states = await asyncio.gather(*(bot.state(room_id) for room_id in links))
    name = str(content_of(state, "m.room.name").get("name", ""))
    return [
        Chat(space_id, name, room_id, content_of(its_state, BINDING), link.get(BINDING, {}))
        for (room_id, link), its_state in zip(links.items(), states, strict=True)
    ]


def content_of(state: list[Event], kind: str, key: str = "") -> dict[str, Any]:
    """The content of one state event; empty where there is none."""
    for event in state:
        if event["type"] == kind and event["state_key"] == key:
            content: dict[str, Any] = event["content"]
            return content
    return {}
