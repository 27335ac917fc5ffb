"""Sends single messages as the bot, and takes them back; encrypted where the room is.

Of several with one key the homeserver keeps the first (client-server API, section 5.3), over
restarts too. What is in a message is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maubot.matrix import MaubotMatrixClient
from mautrix.api import Method, Path
from mautrix.types import EventID, EventType, RoomID

from .api import NoAnswer, RetryingAPI
from .encryption import RoomEncryption
from .last_messages import LastMessages
from .lookups import GREETING_KEYS

Content = Mapping[str, Any]


class RoomMessages:
    """The bot's messages.

    Attributes:
        encryption: which rooms are encrypted.
        last: what was written last in each room.
    """

    def __init__(self, client: MaubotMatrixClient, api: RetryingAPI, instance: str) -> None:
        """
        Args:
            client: maubot's client, for its encryption alone.
            api: what the messages are sent with.
            instance: keeps its keys apart from another instance's on the same account.
        """
        self.client = client
        self.api = api
        self.instance = instance
        self.encryption = RoomEncryption(client, api)
        self.last = LastMessages()

    async def send(self, room_id: RoomID, content: Content, key: str) -> EventID:
        """Send a message, for however long the homeserver makes it wait.

        Args:
            room_id: the room.
            content: the message, in clear.
            key: names it in its room: a second one of that name is not sent.

        Returns:
            The event that stands under the key: an earlier one, if there was any.

        Raises:
            NoAnswer, MatrixRequestError: it may have been sent; it was refused.
        """
        event_type, content = await self._seal(room_id, content)
        path = self._path(room_id, event_type, key)
        return self._sent(room_id, content, await self.api.request(Method.PUT, path, content))

    async def try_send(
        self, room_id: RoomID, content: Content, key: str, least: int
    ) -> EventID | None:
        """Send a message that nobody needs, if it can be spared.

        Args:
            room_id: the room.
            content: the message, in clear.
            key: as for `send`.
            least: how many events must be left that the homeserver would accept.

        Returns:
            The event; None if it was not sent.

        Raises:
            NoAnswer, MatrixRequestError: as for `send`.
        """
        if not self.api.can_spare(least):
            return None
        event_type, content = await self._seal(room_id, content)
        path = self._path(room_id, event_type, key)
        answer = await self.api.try_request(Method.PUT, path, content, least)
        return None if answer is None else self._sent(room_id, content, answer)

    async def redact(self, room_id: RoomID, event_id: EventID) -> None:
        """Take a message back; doing so again does no harm.

        Raises:
            NoAnswer, MatrixRequestError: it may still stand.
        """
        key = f"{self.instance}-{event_id}-redact"
        await self.api.request(Method.PUT, Path.v3.rooms[room_id].redact[event_id][key], {})

    def _path(self, room_id: RoomID, event_type: str, key: str) -> Any:
        return Path.v3.rooms[room_id].send[event_type][f"{self.instance}-{key}"]

    def _sent(self, room_id: RoomID, content: Content, answer: Any) -> EventID:
        event_id = answer.get("event_id") if isinstance(answer, dict) else None
        if not isinstance(event_id, str):
            raise NoAnswer("the answer names no event")
        if content.get("m.relates_to", {}).get("rel_type") != "m.replace":
            self.last.note(room_id, EventID(event_id))
        return EventID(event_id)

    async def _seal(self, room_id: RoomID, content: Content) -> tuple[str, Content]:
        """The type and the content of the event that a message becomes."""
        if not self.client.crypto or not await self.encryption.is_on(room_id):
            return "m.room.message", content
        # As it is: mautrix's own types would write a mark of an edit into the text itself.
        clear: Any = dict(content)
        encrypted = (await self.client.encrypt(room_id, EventType.ROOM_MESSAGE, clear)).serialize()
        # Read by lookups that decrypt nothing.
        marks = {key: content[key] for key in GREETING_KEYS if key in content}
        return "m.room.encrypted", {**encrypted, **marks}
