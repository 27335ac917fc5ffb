"""What owners do with the chats they have: archive, restore, rename.

A change goes into the routes before it goes into Matrix, so that a reconciliation that looked
before it cannot undo it, and out of them again if Matrix did not take it.
"""

from __future__ import annotations

import contextlib
from typing import Any

import attr
from mautrix.errors import MatrixRequestError

from .errors import UserError
from .matrix.api import NoAnswer
from .provisioning import Provisioning
from .topology.contents import child_content, parent_content, removed_child_content
from .topology.model import CHILD_TYPE, PARENT_TYPE, Chat, Status, Topology

CLOSED = (
    "The room of `{chat_id}` was closed for good, so I cannot bring it back. "
    "`!new` starts another chat."
)
REPLACED = (
    "The room of `{chat_id}` was replaced by another one that I am not in, so I cannot bring it "
    "back. Invite me there and write to me: the chat goes on in that room."
)


class Curation:
    """Changes one instance's chats."""

    def __init__(self, provisioning: Provisioning) -> None:
        self.provisioning = provisioning
        self.matrix = provisioning.matrix
        self.slot = provisioning.slot

    async def archive(self, chat: Chat) -> Chat:
        """Take a chat out of its Space; the room and its binding stay.

        Raises:
            NoAnswer, MatrixRequestError: the Space could not be changed; the chat is as before.
        """
        async with self.provisioning.insistence.lock(chat.owner):
            standing = child_content(chat.binding, self.matrix.identity)
            archived = attr.evolve(chat, status=Status.ARCHIVED)
            await self._change(chat, archived, removed_child_content(standing))
            # Some clients go by this alone. What fails here, the look that follows makes good.
            with contextlib.suppress(NoAnswer, MatrixRequestError):
                await self._put_parent(chat, {})
            return archived

    async def restore(self, chat: Chat) -> bool:
        """Put an archived chat back into its Space, and invite its owner if they left.

        Returns:
            Whether they are invited.

        Raises:
            UserError: its room is closed; a closed room is never a live chat.
            NoAnswer, MatrixRequestError: the Space could not be changed; the chat is as before.
        """
        async with self.provisioning.insistence.lock(chat.owner):
            await self._refuse_closed(chat)
            await self._put_parent(chat, parent_content(self.matrix.identity.bot, chat.owner))
            live = attr.evolve(chat, status=Status.LIVE)
            await self._change(chat, live, child_content(chat.binding, self.matrix.identity))
            return await self.provisioning.invite_back(chat.room_id, chat.owner)

    async def _put_parent(self, chat: Chat, content: dict[str, Any]) -> None:
        space_id = chat.binding.space_id
        await self.matrix.writer.put_state(chat.room_id, PARENT_TYPE, space_id, content)

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
        sentence = REPLACED if named and replacement not in joined else CLOSED
        raise UserError(sentence.format(chat_id=chat.binding.chat_id))

    async def _change(self, before: Chat, after: Chat, link: dict[str, Any]) -> None:
        # The route goes first: a reconciliation that looked before it will not undo this.
        self.slot.put_chat(after)
        try:
            await self.matrix.writer.put_state(
                before.binding.space_id, CHILD_TYPE, before.room_id, link
            )
        except (NoAnswer, MatrixRequestError):
            self.slot.put_chat(before)
            raise
        # Whoever looked while that was written saw what was there before.
        self.slot.put_chat(after)
        await self.provisioning.store.put(Topology(chats={after.room_id: after}))
