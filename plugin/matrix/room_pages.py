"""Pages through one room's messages, newest first, with an end to it.

The homeserver is asked for messages alone and, where it is known whose count, for theirs alone:
guests may write any amount. What the messages say is not known here.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from typing import Any, cast

import asyncpg
import attr
from maubot.matrix import MaubotMatrixClient
from mautrix.api import Method, Path
from mautrix.types import JSON, EncryptedEvent, RoomID, SyncToken, UserID

from .api import NoAnswer, RetryingAPI

LOG = logging.getLogger(__name__)
PAGE = 100
# Nothing that anybody waits for is further away than this.
MOST_PAGES = 100
# Nor behind so many characters, whatever stands in them: those who write need not be brief.
LARGEST = 32_000_000
TYPES = ("m.room.message", "m.room.redaction")
# What maubot's store of encryption keys raises when it is away for a moment.
TRANSIENT = (OSError, sqlite3.OperationalError, asyncpg.PostgresConnectionError)


class TooLong(Exception):
    """A timeline goes on beyond what is read of it."""


@attr.frozen
class Stretch:
    """Which messages of a room are read.

    Attributes:
        senders: whose; anybody's if there are none.
        newest: the sync token that the newest of them come before; None for the room's end.
        oldest: the one that the oldest come after; None for the room's beginning.
        pages: how many pages of a hundred, at most.
    """

    senders: tuple[UserID, ...] = ()
    newest: SyncToken | None = None
    oldest: SyncToken | None = None
    pages: int = MOST_PAGES


class RoomPages:
    """Reads rooms page by page."""

    def __init__(self, client: MaubotMatrixClient, api: RetryingAPI) -> None:
        """
        Args:
            client: maubot's client, used for decryption alone.
            api: the homeserver.
        """
        self.client = client
        self.api = api

    async def events(self, room_id: RoomID, stretch: Stretch) -> AsyncIterator[dict[str, Any]]:
        """Messages and redactions, newest first, decrypted (client-server API, section 6.5.4).

        A homeserver need not filter: others may be among them.

        Raises:
            NoAnswer, MatrixRequestError: the room could not be read.
            TooLong: so much was read, and there is more.
        """
        token, size = stretch.newest, 0
        chosen = json.dumps(self._filter(stretch))
        for _ in range(stretch.pages):
            query = {"dir": "b", "limit": PAGE, "from": token, "to": stretch.oldest}
            answer = await self.api.request(
                Method.GET,
                Path.v3.rooms[room_id].messages,
                query_params={**query, "filter": chosen},
            )
            chunk = answer.get("chunk") if isinstance(answer, dict) else None
            if not isinstance(answer, dict) or not isinstance(chunk, list):
                raise NoAnswer("the answer lists no messages")
            for event in chunk:
                if isinstance(event, dict):
                    yield await self.decrypted({**event, "room_id": room_id})
            before, token, size = token, answer.get("end"), size + len(repr(chunk))
            # A page that ends where it began is the last one.
            if not token or token == before:
                return
            if size > LARGEST:
                break
        raise TooLong(f"more than {stretch.pages} pages, or {LARGEST} characters")

    def _filter(self, stretch: Stretch) -> dict[str, Any]:
        encrypted = ("m.room.encrypted",) if self.client.crypto else ()
        chosen: dict[str, Any] = {"types": [*TYPES, *encrypted]}
        return {**chosen, "senders": list(stretch.senders)} if stretch.senders else chosen

    async def decrypted(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event decrypted, or unchanged if it is not encrypted or cannot be decrypted.

        Args:
            event: the event, with its `room_id`.

        Raises:
            TRANSIENT: the store of encryption keys could not be read just now.
        """
        if event.get("type") != "m.room.encrypted" or not self.client.crypto:
            return event
        try:
            encrypted = EncryptedEvent.deserialize(cast(JSON, event))
            clear = await self.client.crypto.decrypt_megolm_event(encrypted)
        except TRANSIENT:
            raise
        except Exception as error:  # noqa: BLE001 (anybody may send anything, encrypted)
            LOG.debug("%s cannot be decrypted: %r", event.get("event_id"), error)
            return event
        return {**event, "type": str(clear.type), "content": clear.content.serialize()}
