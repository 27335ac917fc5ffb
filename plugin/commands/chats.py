"""The commands about somebody's chats and their Space: start, list, rename, archive, restore.

Each answers with what is different now. How a chat is made or changed is for spaces/;
whoever asks is served their own chats only.
"""

from __future__ import annotations

from functools import partial

from ..config.active import CurrentConfig
from ..errors import UserError
from ..matrix.links import link, plain, room_url
from ..spaces.edit import ChatEdits
from ..spaces.sentences import minutes
from ..topology.model import Chat, Status
from . import sentences
from .arguments import Request, parse_title
from .chat_names import ChatNames
from .which_chat import WhichChat


class ChatCommands:
    """Carries out what owners ask for."""

    def __init__(self, edits: ChatEdits, config: CurrentConfig) -> None:
        self.edits = edits
        self.provisioning = edits.provisioning
        self.matrix = edits.matrix
        self.routes = edits.routes
        self.config = config
        self.names = ChatNames(edits.matrix.lookups)
        self.which = WhichChat(edits.routes, self.names)

    async def new(self, request: Request) -> str:
        title = parse_title(request.words)
        owner, key = request.message.sender, request.message.event_id
        tell = partial(self._say_busy, request)
        chat = await self.provisioning.make_chat(owner, title, key, tell)
        return sentences.CHAT_READY.format(chat=await self._link(chat), handle=chat.chat_id)

    async def chats(self, request: Request) -> str:
        owner = request.message.sender
        chats = [chat for chat in self.routes.chats_of(owner) if chat.status is not Status.LOST]
        if not chats:
            return sentences.NO_CHATS
        names = await self.names.read(owner, chats)
        lines = [
            (
                sentences.ARCHIVED_CHAT_LINE
                if chat.status is Status.ARCHIVED
                else sentences.CHAT_LINE
            ).format(handle=chat.chat_id, chat=self._link_named(chat, name))
            for chat, name in zip(chats, names, strict=True)
        ]
        return "\n".join([sentences.YOUR_CHATS, "", *lines])

    async def rename(self, request: Request) -> str:
        owner, words = request.message.sender, request.words
        handle, title = [*words.split(maxsplit=1), "", ""][:2]
        chat = self.which.by_handle(owner, handle)
        if chat is None and request.chat is not None:
            chat, title = request.chat, words
        if chat is None:
            usage = sentences.RENAME_USAGE
            chat = await self.which.find(owner, handle, usage, Status.LIVE)
        title = parse_title(title)
        if not title:
            raise UserError(sentences.NO_TITLE)
        await self.edits.rename(chat, title)
        return sentences.RENAMED.format(handle=chat.chat_id, title=plain(title))

    async def archive(self, request: Request) -> str:
        chat, usage = request.chat, sentences.ARCHIVE_USAGE
        if chat is None or request.words:
            owner = request.message.sender
            chat = await self.which.find(owner, request.words, usage, Status.LIVE)
        handle = chat.chat_id
        if chat.status is Status.ARCHIVED:
            return sentences.IS_ARCHIVED.format(handle=handle)
        await self.edits.archive(chat)
        return sentences.ARCHIVED.format(handle=handle)

    async def restore(self, request: Request) -> str:
        owner, usage = request.message.sender, sentences.RESTORE_USAGE
        chat = await self.which.find(owner, request.words, usage, Status.ARCHIVED)
        if chat.status is Status.LOST:
            raise UserError(sentences.NOT_IN_ROOM.format(handle=chat.chat_id))
        invited = await self.edits.restore(chat)
        back = sentences.RESTORED_AND_INVITED if invited else sentences.RESTORED
        return back.format(chat=await self._link(chat), handle=chat.chat_id)

    async def space(self, request: Request) -> str:
        tell = partial(self._say_busy, request)
        rooms = await self.provisioning.ensure_rooms(request.message.sender, tell)
        invited = await self.provisioning.invite_back(rooms.space.room_id, rooms.space.owner)
        name = await self.matrix.lookups.room_name(rooms.space.room_id)
        url = room_url(rooms.space.room_id, self.config.bot, rooms.space.owner)
        where = sentences.INVITED_TO_SPACE if invited else sentences.IN_SPACE
        return where.format(space=link(name or sentences.YOUR_SPACE, url))

    async def _say_busy(self, request: Request, wait: float) -> None:
        text = sentences.ROOMS_LIMITED.format(minutes=minutes(wait))
        await self.matrix.sender.notice(request.message.room_id, text, request.message)

    async def _link(self, chat: Chat) -> str:
        (name,) = await self.names.read(chat.owner, [chat])
        return self._link_named(chat, name)

    def _link_named(self, chat: Chat, name: str | None) -> str:
        url = room_url(chat.room_id, self.config.bot, chat.owner)
        # One room that cannot be read is known by its handle.
        return link(name or chat.chat_id, url)
