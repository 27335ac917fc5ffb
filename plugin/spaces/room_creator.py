"""Makes one Space or one chat: the requests, and then the routes, the cache and the room index.

Whether it may be made, and what follows if the homeserver does not answer, is decided in
provision.py.
"""

from __future__ import annotations

import time

from mautrix.types import UserID

from ..config.active import CurrentConfig
from ..config.permissions import Level
from ..matrix.client import Matrix
from ..matrix.create_room import RoomSpec, chat_request, space_request
from ..reconciler.loop import Reconciler
from ..topology.contents import child_content
from ..topology.model import CHILD_TYPE, Binding, Chat, Space
from . import sentences
from .room_retry import RoomRefused


class RoomCreator:
    """Makes rooms for one instance."""

    def __init__(self, matrix: Matrix, reconciler: Reconciler, config: CurrentConfig) -> None:
        """
        Args:
            matrix: where rooms are made.
            reconciler: holds the routes and keeps each new room.
            config: the configuration in force: names and room version.
        """
        self.matrix = matrix
        self.reconciler = reconciler
        self.routes = reconciler.routes
        self.config = config
        self._default_version = ""

    async def make_space(self, owner: UserID) -> Space:
        """Make the owner's Space.

        Raises:
            NoAnswer: it may have been made.
            MatrixRequestError, RoomRefused: it was not.
        """
        self._require_permission(owner)
        displayname = await self.matrix.lookups.display_name(owner)
        name = self.config.settings.space_title(owner, displayname)
        spec = RoomSpec(owner, name, await self._room_version())
        room_id = await self.matrix.writer.create_room(space_request(spec, self.matrix.identity))
        space = Space(room_id, owner, int(time.time() * 1000))
        self.routes.put_space(space)
        await self.reconciler.save(owner)
        await self.matrix.account_data.add_space(room_id)
        return space

    async def make_chat(self, binding: Binding, title: str) -> Chat:
        """Make a chat and link it in its Space.

        Args:
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
        spec = RoomSpec(owner, name, await self._room_version())
        request = chat_request(spec, binding, self.matrix.identity)
        chat = Chat.bound(await self.matrix.writer.create_room(request), binding)
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

    async def _room_version(self) -> str:
        """The configured room version, or the homeserver's default, asked for once: a room's
        power levels depend on it, so every request names it."""
        if configured := self.config.settings.room_version:
            return configured
        if not self._default_version:
            self._default_version = await self.matrix.lookups.default_room_version()
        return self._default_version
