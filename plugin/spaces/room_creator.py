"""Makes one Space or one chat: the requests, and then the routes, the cache and the room index.

Whether it may be made, and what follows if the homeserver does not answer, is decided in
provision.py.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mautrix.types import RoomID, UserID

from ..config.active import CurrentConfig
from ..config.permissions import Level
from ..matrix.api import NoAnswer
from ..matrix.client import Matrix
from ..matrix.create_room import RoomSpec, chat_request, space_request
from ..reconciler.loop import Reconciler
from ..topology.contents import child_content
from ..topology.model import CHILD_TYPE, Binding, Chat, Space
from . import sentences
from .room_retry import RoomRefused
from .room_turns import RoomTurns
from .room_wish import RoomWish


class RoomCreator:
    """Makes rooms for one instance."""

    def __init__(
        self, matrix: Matrix, reconciler: Reconciler, turns: RoomTurns, config: CurrentConfig
    ) -> None:
        """
        Args:
            matrix: where rooms are made.
            reconciler: holds the routes and keeps each new room.
            turns: told of each room, and of the homeserver's limits.
            config: the configuration in force: names and room version.
        """
        self.matrix = matrix
        self.reconciler = reconciler
        self.routes = reconciler.routes
        self.turns = turns
        self.config = config
        self._default_version = ""

    async def make_space(self, wish: RoomWish) -> Space:
        """Make the Space of the wish's owner.

        Raises:
            NoAnswer: it may have been made.
            MatrixRequestError, RoomRefused: it was not.
        """
        owner = wish.owner
        self._require_permission(owner)
        displayname = await self.matrix.lookups.display_name(owner)
        name = self.config.settings.space_title(owner, displayname)
        spec = await self._spec(owner, name)
        room_id = await self._create(wish, space_request(spec, self.matrix.identity))
        space = Space(room_id, owner, int(time.time() * 1000))
        self.routes.put_space(space)
        await self.reconciler.save(owner)
        await self.matrix.account_data.add_space(room_id)
        return space

    async def make_chat(self, wish: RoomWish, binding: Binding, title: str) -> Chat:
        """Make a chat and link it in its Space.

        Args:
            wish: what it is made for.
            binding: what it shall go by.
            title: the room's name; empty for the configured one.

        Raises:
            NoAnswer: it may have been made, and perhaps linked.
            MatrixRequestError: it was not, or not linked.
            RoomRefused: it was not.
        """
        owner = binding.matrix_user_id
        self._require_permission(owner)
        name = title
        if not name:
            displayname = await self.matrix.lookups.display_name(owner)
            name = self.config.settings.chat_title(binding.number, owner, displayname)
        spec = await self._spec(owner, name)
        request = chat_request(spec, binding, self.matrix.identity)
        chat = Chat.bound(await self._create(wish, request), binding)
        # From here on the room is a chat: what its owner writes at once must find its way.
        self.routes.put_chat(chat)
        await self.reconciler.save(owner)
        link = child_content(binding, self.matrix.identity)
        await self.matrix.writer.put_state(binding.space_id, CHILD_TYPE, chat.room_id, link)
        return chat

    def _require_permission(self, owner: UserID) -> None:
        """There may be an hour between a wish and the moment at which the homeserver lets it be
        met: by then its owner may have lost the permission."""
        if self.config.level_of(owner) < Level.USER:
            raise RoomRefused(sentences.NO_ROOMS)

    async def _create(self, wish: RoomWish, request: Mapping[str, Any]) -> RoomID:
        try:
            room_id = await self.matrix.writer.create_room(request)
        except NoAnswer as error:
            if error.limited:
                self.turns.close(error.retry_after)
            raise
        else:
            self.turns.count(wish)
            return room_id
        finally:
            # What is left to do for this room keeps no other waiting.
            self.turns.give_back(wish)

    async def _spec(self, owner: UserID, name: str) -> RoomSpec:
        can_decrypt = self.matrix.sender.can_decrypt
        return RoomSpec(owner, name, await self._room_version(), can_decrypt)

    async def _room_version(self) -> str:
        """The configured room version, or the homeserver's default, asked for once: a room's
        power levels depend on it, so every request names it."""
        if configured := self.config.settings.room_version:
            return configured
        if not self._default_version:
            self._default_version = await self.matrix.lookups.default_room_version()
        return self._default_version
