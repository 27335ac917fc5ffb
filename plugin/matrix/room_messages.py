"""Sends single messages as the bot, and takes them back; encrypted where the room is.

Of several with one key the homeserver keeps the first (client-server API, section 5.3), over
restarts too. What is in a message is decided elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from maubot.matrix import MaubotMatrixClient
from mautrix.api import Method, Path
from mautrix.types import EventID, EventType, RoomID

from .api import NoAnswer, RetryingAPI
from .encryption import RoomEncryption
from .lookups import GREETING_KEYS

Content = Mapping[str, Any]

# Rooms, and messages of each: one may be told twice, by the sync and by whoever sent or decrypted
# it, and not in the same order.
ROOMS, MESSAGES = 10_000, 8


class LastMessages:
    """The last messages of the rooms in which something was written lately, as far as this run of
    the plugin has seen.

    An answer that stands right below its question need not quote it. After a start nothing is
    known: then it does. Edits leave a message where it stands, so they do not count.
    """

    def __init__(self) -> None:
        self._rooms: dict[RoomID, deque[EventID]] = {}

    def note(self, room_id: RoomID, event_id: EventID) -> None:
        """Remember a message; one that is known already is not the newest."""
        messages = self._rooms.pop(room_id, None) or deque(maxlen=MESSAGES)
        if event_id not in messages:
            messages.append(event_id)
        self._rooms[room_id] = messages
        if len(self._rooms) > ROOMS:
            self._rooms.pop(next(iter(self._rooms)))

    def is_last(self, room_id: RoomID, event_id: EventID) -> bool:
        """Whether nothing was written in a room after a message, as far as is known."""
        messages = self._rooms.get(room_id)
        return messages is not None and messages[-1] == event_id


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

    async def send(
        self, room_id: RoomID, content: Content, key: str, least: int | None = None
    ) -> EventID | None:
        """Send a message, for however long the homeserver makes it wait.

        Args:
            room_id: the room.
            content: the message, in clear.
            key: names it in its room: a second one of that name is not sent.
            least: for a message that nobody needs: how many events must be left that the
                homeserver would accept. It does not wait.

        Returns:
            The event that stands under the key: an earlier one, if there was any. None if it
            could not be spared.

        Raises:
            NoAnswer, MatrixRequestError: it may have been sent; it was refused.
        """
        if least is not None and not self.api.can_spare(least):
            return None
        path, content = await self._seal(room_id, content, key)
        if least is None:
            answer = await self.api.request(Method.PUT, path, content)
        elif (answer := await self.api.try_request(Method.PUT, path, content, least)) is None:
            return None
        event_id = answer.get("event_id") if isinstance(answer, dict) else None
        if not isinstance(event_id, str):
            raise NoAnswer("the answer names no event")
        if content.get("m.relates_to", {}).get("rel_type") != "m.replace":
            self.last.note(room_id, EventID(event_id))
        return EventID(event_id)

    async def redact(self, room_id: RoomID, event_id: EventID) -> None:
        """Take a message back; doing so again does no harm.

        Raises:
            NoAnswer, MatrixRequestError: it may still stand.
        """
        key = f"{self.instance}-{event_id}-redact"
        await self.api.request(Method.PUT, Path.v3.rooms[room_id].redact[event_id][key], {})

    async def _seal(self, room_id: RoomID, content: Content, key: str) -> tuple[Any, Content]:
        """The event that a message becomes: where it is sent to, and its content."""
        event_type = "m.room.message"
        if self.client.crypto and await self.encryption.is_on(room_id):
            event_type = "m.room.encrypted"
            # As it is: mautrix's own types would write a mark of an edit into the text itself.
            clear: Any = dict(content)
            encrypted = await self.client.encrypt(room_id, EventType.ROOM_MESSAGE, clear)
            # Read by lookups that decrypt nothing.
            marks = {mark: content[mark] for mark in GREETING_KEYS if mark in content}
            content = {**encrypted.serialize(), **marks}
        return Path.v3.rooms[room_id].send[event_type][f"{self.instance}-{key}"], content
