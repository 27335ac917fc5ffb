"""The commands about somebody's chats and their Space: start, list, rename, archive, restore.

Each answers with what is different now. How a chat is made or changed is for spaces/;
whoever asks is served their own chats only.
"""

from __future__ import annotations

import asyncio

from ..config.active import CurrentConfig
from ..errors import UserError
from ..matrix.links import link, plain, room_url
from ..spaces.edit import ChatEdits
from ..topology.model import Chat, Status
from .arguments import Request, parse_number, parse_title


class ChatCommands:
    """Carries out what owners ask for."""

    def __init__(self, edits: ChatEdits, config: CurrentConfig) -> None:
        self.edits = edits
        self.provisioning = edits.provisioning
        self.matrix = edits.matrix
        self.routes = edits.routes
        self.config = config

    async def new(self, request: Request) -> str:
        title = parse_title(request.words)
        room_id = request.message.room_id

        async def tell(wait: float) -> None:
            await self.matrix.sender.notice(room_id, busy(wait), request.message.event_id)

        owner, key = request.message.sender, request.message.event_id
        chat = await self.provisioning.make_chat(owner, title, key, tell)
        return f"{await self._link(chat)} is ready, as `{chat.chat_id}`. Write to me there."

    async def chats(self, request: Request) -> str:
        owner = request.message.sender
        chats = [chat for chat in self.routes.chats_of(owner) if chat.status is not Status.LOST]
        if not chats:
            return "You have no chats yet. `!new` starts one."
        links = await asyncio.gather(*(self._link(chat) for chat in chats))
        lines = [
            f"- `{chat.chat_id}` {name}"
            + (" (archived)" if chat.status is Status.ARCHIVED else "")
            for chat, name in zip(chats, links, strict=True)
        ]
        return "\n".join(["Your chats:", "", *lines])

    async def rename(self, request: Request) -> str:
        chat, title = request.chat, request.words
        if chat is None:
            handle, _, title = request.words.partition(" ")
            usage = "`!rename <chat> <title>`, for example `!rename C2 Holiday plans`"
            chat = self._find(request, handle, usage)
        title = parse_title(title)
        if not title:
            raise UserError("Which name shall it have? Usage: `!rename <title>`")
        await self.edits.rename(chat, title)
        return f"`{chat.chat_id}` is now called {plain(title)}."

    async def archive(self, request: Request) -> str:
        chat = request.chat
        if chat is None or request.words:
            usage = "`!archive` in a chat, or `!archive <chat>`, for example `!archive C2`"
            chat = self._find(request, request.words, usage)
        handle = chat.chat_id
        if chat.status is Status.ARCHIVED:
            return f"`{handle}` is archived already."
        await self.edits.archive(chat)
        return (
            f"`{handle}` is archived: it left your Space and I no longer answer in it. "
            f"`!restore {handle}` brings it back."
        )

    async def restore(self, request: Request) -> str:
        usage = "`!restore <chat>`, for example `!restore C2`; `!chats` lists them"
        chat = self._find(request, request.words, usage)
        if chat.status is Status.LOST:
            raise UserError(f"I am no longer in the room of `{chat.chat_id}`.")
        invited = await self.edits.restore(chat)
        back = f"{await self._link(chat)} is in your Space, as `{chat.chat_id}`."
        return f"{back} I invited you to it again." if invited else back

    async def space(self, request: Request) -> str:
        rooms = await self.provisioning.ensure_rooms(request.message.sender)
        invited = await self.provisioning.invite_back(rooms.space.room_id, rooms.space.owner)
        name = await self.matrix.lookups.state_value(
            rooms.space.room_id, "m.room.name", "name", ""
        )
        url = room_url(rooms.space.room_id, self.config.bot, rooms.space.owner)
        where = link(name or "your Space", url)
        return f"I invited you to {where} again." if invited else f"Your chats are in {where}."

    def _find(self, request: Request, words: str, usage: str) -> Chat:
        number = parse_number(words, usage)
        for chat in self.routes.chats_of(request.message.sender):
            if chat.number == number:
                return chat
        raise UserError(f"You have no chat `C{number}`. `!chats` lists the ones you have.")

    async def _link(self, chat: Chat) -> str:
        name = await self.matrix.lookups.state_value(chat.room_id, "m.room.name", "name", "")
        url = room_url(chat.room_id, self.config.bot, chat.owner)
        return link(name or chat.chat_id, url)


def busy(wait: float) -> str:
    """What somebody is told whose room has to wait, in seconds."""
    minutes = max(1, round(wait / 60))
    return (
        "The homeserver lets me make only so many rooms at a time. Yours will take about "
        f"{minutes} minute{'s' if minutes > 1 else ''}; I keep trying."
    )
