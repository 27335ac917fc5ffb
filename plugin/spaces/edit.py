"""What owners do with the chats they have: archive, restore, rename.

A change goes into the routes before it goes into Matrix, so that a reconciliation that looked
before it cannot undo it, and out of them again if Matrix did not take it.
"""

from __future__ import annotations

from typing import Any

from mautrix.errors import MatrixRequestError

from ..errors import UserError
from ..matrix.api import NoAnswer
from ..topology.contents import child_content, parent_content, removed_child_content
from ..topology.model import CHILD_TYPE, PARENT_TYPE, Chat, Status
from . import sentences
from .provision import Provisioning


class ChatEdits:
    """Changes one instance's chats."""

    def __init__(self, provisioning: Provisioning) -> None:
        self.provisioning = provisioning
        self.matrix = provisioning.matrix
        self.reconciler = provisioning.reconciler
        self.routes = provisioning.routes
        self.owner_lock = provisioning.owner_lock

    async def archive(self, chat: Chat) -> None:
        """Take a chat out of its Space; the room and its binding stay.

        Raises:
            NoAnswer, MatrixRequestError: not all could be written; the chat is as before, until
                the next look at the Space.
        """
        async with self.owner_lock.lock(chat.owner):
            standing = child_content(chat.binding, self.matrix.identity)
            await self._change(chat, Status.ARCHIVED, removed_child_content(standing), {})

    async def restore(self, chat: Chat) -> bool:
        """Put an archived chat back into its Space, and invite its owner if they left.

        Returns:
            Whether they are invited.

        Raises:
            UserError: its room is closed; a closed room is never a live chat.
            NoAnswer, MatrixRequestError: as for `archive`.
        """
        async with self.owner_lock.lock(chat.owner):
            await self._refuse_closed(chat)
            identity = self.matrix.identity
            link = child_content(chat.binding, identity)
            await self._change(chat, Status.LIVE, link, parent_content(identity.bot, chat.owner))
            return await self.provisioning.invite_back(chat.room_id, chat.owner)

    async def rename(self, chat: Chat, title: str) -> None:
        """Name the chat's room.

        Raises:
            NoAnswer, MatrixRequestError: the name is as before.
        """
        name = {"name": title}
        await self.matrix.writer.put_state(chat.room_id, "m.room.name", "", name)

    async def _refuse_closed(self, chat: Chat) -> None:
        tombstone = await self.matrix.lookups.tombstone(chat.room_id)
        if tombstone is None:
            return
        replacement = tombstone.get("replacement_room")
        joined = await self.matrix.reader.joined_rooms()
        # Synapse takes no tombstone without this key, so that it may stand there empty.
        named = isinstance(replacement, str) and replacement.startswith("!")
        sentence = sentences.REPLACED if named and replacement not in joined else sentences.CLOSED
        raise UserError(sentence.format(handle=chat.chat_id))

    async def _change(
        self, before: Chat, status: Status, link: dict[str, Any], parent: dict[str, Any]
    ) -> None:
        # The route goes first: a reconciliation that looked before it will not undo this.
        after = before._replace(status=status)
        self.routes.put_chat(after)
        room_id, space_id = before.room_id, before.space_id
        try:
            # The Space has the say, so it comes first: what a look in between finds of the room
            # agrees with what it finds of the Space, or is made to.
            await self.matrix.writer.put_state(space_id, CHILD_TYPE, room_id, link)
            await self.matrix.writer.put_state(room_id, PARENT_TYPE, space_id, parent)
        except (NoAnswer, MatrixRequestError):
            self.routes.put_chat(before)
            raise
        # Whoever looked while that was written saw what was there before.
        self.routes.put_chat(after)
        await self.reconciler.save(after.owner)
