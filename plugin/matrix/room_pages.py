"""Pages through one room's messages, newest first, with an end to it.

The homeserver is asked for messages alone and, where it is known whose count, for theirs alone:
guests may write any amount. There may be thirty edits to an answer, and not every homeserver
leaves them out: so the first page is small, and those after it are large. What the messages say is
not known here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, cast

import asyncpg
import attr
from maubot.matrix import MaubotMatrixClient
from mautrix.api import Method, Path
from mautrix.errors import MatrixRequestError
from mautrix.types import JSON, EncryptedEvent, EventID, RoomID, SyncToken, UserID

from .api import NoAnswer, RetryingAPI, TooLarge

LOG = logging.getLogger(__name__)
# Events of the first page, and of each one after it: no homeserver is known to give more.
FIRST_PAGE, PAGE = 100, 1000
# Nothing that anybody waits for is further away than this.
MOST_PAGES = 30
# Nor behind so many characters, whatever stands in them: those who write need not be brief.
LARGEST = 32_000_000
TYPES = ("m.room.message", "m.room.redaction")
# MSC3874, not in the specification yet: with Synapse, whoever runs it turns it on. Others ignore
# it, or refuse it, and edits come along.
WITHOUT_EDITS = {"org.matrix.msc3874.not_rel_types": ["m.replace"]}
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
        pages: how many pages, at most.
        edits: they are wanted as events of their own. If not, the homeserver may leave them out;
            the last one is told with its message (client-server API, section 11.37).
        reactions: they are wanted, too.
    """

    senders: tuple[UserID, ...] = ()
    newest: SyncToken | None = None
    oldest: SyncToken | None = None
    pages: int = MOST_PAGES
    edits: bool = True
    reactions: bool = False


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
        self._is_strict = False

    async def events(self, room_id: RoomID, stretch: Stretch) -> AsyncIterator[dict[str, Any]]:
        """Messages and redactions, newest first, decrypted (client-server API, section 6.5.4).

        A homeserver need not filter: others may be among them.

        Raises:
            NoAnswer, MatrixRequestError: the room could not be read.
            TooLong: so much was read, and there is more.
        """
        token, size = stretch.newest, 0
        for page in range(stretch.pages):
            here = attr.evolve(stretch, newest=token)
            answer = await self._page(room_id, here, PAGE if page else FIRST_PAGE)
            chunk = answer.get("chunk") if isinstance(answer, dict) else None
            if not isinstance(answer, dict) or not isinstance(chunk, list):
                raise NoAnswer("the answer lists no messages")
            for number, event in enumerate(chunk, 1):
                size += len(repr(event))
                if isinstance(event, dict):
                    yield await self.decrypted({**event, "room_id": room_id})
                if number % FIRST_PAGE == 0:
                    # A large page is much to read at one go.
                    await asyncio.sleep(0)
            before, token = token, answer.get("end")
            # A page that ends where it began is the last one.
            if not token or token == before:
                return
            if size > LARGEST:
                break
        raise TooLong(f"more than {stretch.pages} pages, or {LARGEST} characters")

    async def _page(self, room_id: RoomID, stretch: Stretch, limit: int) -> Any:
        chosen = self._filter(stretch)
        query = {"dir": "b", "from": stretch.newest, "to": stretch.oldest, "limit": limit}
        query["filter"] = json.dumps(chosen)
        path = Path.v3.rooms[room_id].messages
        try:
            return await self.api.request(Method.GET, path, query_params=query)
        except TooLarge:
            if limit == FIRST_PAGE:
                raise
            # Whatever stands in them: fewer take less.
            return await self._page(room_id, stretch, FIRST_PAGE)
        except MatrixRequestError as error:
            if error.http_status != HTTPStatus.BAD_REQUEST or not chosen.keys() & WITHOUT_EDITS:
                raise
            # It may take no filter that it does not know.
            page = await self._page(room_id, attr.evolve(stretch, edits=True), limit)
            self._is_strict = True
            return page

    async def event(self, room_id: RoomID, event_id: EventID) -> dict[str, Any]:
        """One event, decrypted.

        Raises:
            NoAnswer, MatrixRequestError: it could not be read.
        """
        answer = await self.api.request(Method.GET, Path.v3.rooms[room_id].event[event_id])
        if not isinstance(answer, dict):
            raise NoAnswer("the answer is no event")
        return await self.decrypted({**answer, "room_id": room_id})

    def _filter(self, stretch: Stretch) -> dict[str, Any]:
        encrypted = ("m.room.encrypted",) if self.client.crypto else ()
        reactions = ("m.reaction",) if stretch.reactions else ()
        chosen: dict[str, Any] = {"types": [*TYPES, *encrypted, *reactions]}
        if stretch.senders:
            chosen["senders"] = list(stretch.senders)
        return chosen if stretch.edits or self._is_strict else {**chosen, **WITHOUT_EDITS}

    async def decrypted(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event decrypted, with the edit that the homeserver tells with it; or unchanged if it
        is not encrypted or cannot be decrypted.

        Args:
            event: the event, with its `room_id`.

        Raises:
            TRANSIENT: the store of encryption keys could not be read just now.
        """
        if event.get("type") != "m.room.encrypted" or not self.client.crypto:
            return event
        clear = await self._decrypt(event)
        unsigned = event.get("unsigned")
        relations = unsigned.get("m.relations") if isinstance(unsigned, dict) else None
        edit = relations.get("m.replace") if isinstance(relations, dict) else None
        if not isinstance(edit, dict):
            return clear
        edit = await self._decrypt({**edit, "room_id": event["room_id"]})
        return {**clear, "unsigned": {"m.relations": {"m.replace": edit}}}

    async def _decrypt(self, event: dict[str, Any]) -> dict[str, Any]:
        try:
            encrypted = EncryptedEvent.deserialize(cast(JSON, event))
            clear = await self.client.crypto.decrypt_megolm_event(encrypted)
        except TRANSIENT:
            raise
        except Exception as error:  # noqa: BLE001 (anybody may send anything, encrypted)
            LOG.debug("%s cannot be decrypted: %r", event.get("event_id"), error)
            return event
        return {**event, "type": str(clear.type), "content": clear.content.serialize()}
