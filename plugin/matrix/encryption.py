"""Whether a room is encrypted, where maubot can encrypt.

maubot's store knows what its syncs told, and those of the time before a start are lost on it: a
room that the store does not know may be encrypted all the same. What is not known is asked, and
while there is no answer nothing may be sent.
"""

from __future__ import annotations

from typing import Any, cast

import attr
from maubot.matrix import MaubotMatrixClient
from mautrix.api import Method, Path
from mautrix.errors import MNotFound
from mautrix.types import (
    JSON,
    EncryptionAlgorithm,
    RoomEncryptionStateEventContent,
    RoomID,
    SerializerError,
)

from .api import RetryingAPI


class RoomEncryption:
    """Knows of each room whether it is encrypted."""

    def __init__(self, client: MaubotMatrixClient, api: RetryingAPI) -> None:
        """
        Args:
            client: maubot's client, for its store.
            api: asks for what the store does not know.
        """
        self.client = client
        self.api = api
        self._not_encrypted: set[RoomID] = set()

    async def is_on(self, room_id: RoomID) -> bool:
        """Whether messages in a room must be encrypted.

        Raises:
            NoAnswer, MatrixRequestError: that is not known.
        """
        store = self.client.state_store
        assert store is not None
        if await store.is_encrypted(room_id):
            return True
        if room_id in self._not_encrypted:
            return False
        path = Path.v3.rooms[room_id].state["m.room.encryption"][""]
        try:
            content = await self.api.request(Method.GET, path)
        except MNotFound:
            self._not_encrypted.add(room_id)
            return False
        # Once on, it is never off (client-server API, "m.room.encryption"); the store needs to
        # know which members to share keys with.
        await store.set_encryption_info(room_id, _settings(content))
        return True

    def forget(self, room_id: RoomID | None = None) -> None:
        """Ask again whether a room is encrypted, or every room: it may have been turned on."""
        if room_id is None:
            self._not_encrypted.clear()
        else:
            self._not_encrypted.discard(room_id)


def _settings(content: Any) -> RoomEncryptionStateEventContent:
    """How often the event wants new keys; where it makes no sense, as often as is usual. There
    is one algorithm."""
    usual = RoomEncryptionStateEventContent(algorithm=EncryptionAlgorithm.MEGOLM_V1)
    found = cast(JSON, content if isinstance(content, dict) else {})
    try:
        said = RoomEncryptionStateEventContent.deserialize(found)
    except (SerializerError, TypeError, ValueError):
        return usual
    return attr.evolve(said, algorithm=usual.algorithm)
