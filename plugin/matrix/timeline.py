"""Reads rooms' timelines: what was written in a room before, and what the bot answered.

A conversation's history is kept nowhere else: it survives restarts and a deleted database. Which
of these messages a platform is given is not decided here.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator, Collection
from typing import Any, cast

import asyncpg
import attr
from maubot.matrix import MaubotMatrixClient
from mautrix.api import Method, Path
from mautrix.types import JSON, EncryptedEvent, EventID, RoomID, SyncToken

from .api import NoAnswer, RetryingAPI
from .sender import ANSWERS_KEY, CONTINUES_KEY, INSTANCE_KEY, SETTLES_KEY
from .timeline_message import TimelineMessage, parse_timeline_event

LOG = logging.getLogger(__name__)
PAGE = 100
# What maubot's store of encryption keys raises when it is away for a moment.
TRANSIENT = (OSError, sqlite3.OperationalError, asyncpg.PostgresConnectionError)


@attr.define
class AnswerStatus:
    """How much of the answer to a message was sent.

    Attributes:
        messages: how many of the bot's messages answer it, or say that it needs no answer.
        whole: the last message of the answer is among them.
    """

    messages: int = 0
    whole: bool = False


class Timeline:
    """Reads the timelines of rooms that the bot is in."""

    def __init__(self, client: MaubotMatrixClient, api: RetryingAPI, instance: str) -> None:
        """
        Args:
            client: maubot's client, used for decryption alone.
            api: the homeserver.
            instance: the key of the instance whose answers count as answers.
        """
        self.client = client
        self.bot = client.mxid
        self.api = api
        self.instance = instance

    async def before(self, room_id: RoomID, event_id: EventID) -> AsyncIterator[TimelineMessage]:
        """The text messages before an event, newest first, each with its last edit applied.

        The bot's answers that were sent after that event come first, marked `later`: they answer
        messages before it.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        edits: dict[str, str] = {}
        reached = False
        async for event in self._events(room_id):
            if event.get("event_id") == event_id:
                reached = True
            elif (message := parse_timeline_event(event, edits)) is not None:
                if reached:
                    yield message
                elif message.answers is not None and message.sender == self.bot:
                    yield attr.evolve(message, later=True)

    async def answers(
        self, room_id: RoomID, questions: Collection[EventID]
    ) -> dict[EventID, AnswerStatus]:
        """How much of the answer to each of these messages was sent.

        Args:
            room_id: the room.
            questions: messages in it.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        unseen: set[EventID] = set(questions)
        found = {one: AnswerStatus() for one in questions}
        async for event in self._events(room_id):
            if event.get("sender") == self.bot:
                for one in _settled_by(event, self.instance):
                    if one in found:
                        found[one].messages += 1
                        found[one].whole |= not event["content"].get(CONTINUES_KEY)
            # An answer comes after its question: past the oldest one there is none.
            unseen.discard(EventID(str(event.get("event_id"))))
            if not unseen:
                break
        return found

    async def events_before(self, room_id: RoomID, event_id: EventID) -> list[dict[str, Any]]:
        """The hundred events before an event, oldest first, decrypted.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        events: list[dict[str, Any]] = []
        reached = False
        async for event in self._events(room_id):
            if reached:
                events.append(event)
            if len(events) == PAGE:
                break
            reached = reached or event.get("event_id") == event_id
        return events[::-1]

    async def between(
        self, room_id: RoomID, newest: SyncToken, oldest: SyncToken
    ) -> list[dict[str, Any]]:
        """The events between two sync tokens, oldest first, decrypted.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        return [event async for event in self._events(room_id, newest, oldest)][::-1]

    async def _events(
        self, room_id: RoomID, start: SyncToken | None = None, end: SyncToken | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """The events of the room, newest first (client-server API, section 6.5.4)."""
        token = start
        while True:
            query = {"dir": "b", "limit": PAGE, "from": token, "to": end}
            path = Path.v3.rooms[room_id].messages
            answer = await self.api.request(Method.GET, path, query_params=query)
            chunk = answer.get("chunk") if isinstance(answer, dict) else None
            if not isinstance(answer, dict) or not isinstance(chunk, list):
                raise NoAnswer("the answer lists no messages")
            for event in chunk:
                if isinstance(event, dict):
                    yield await self.decrypted({**event, "room_id": room_id})
            token = answer.get("end")
            if not token:
                return

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


def _settled_by(event: dict[str, Any], instance: str) -> list[EventID]:
    """The messages that need no answer after this one, which the bot sent."""
    content = event.get("content")
    if not isinstance(content, dict) or content.get(INSTANCE_KEY) != instance:
        return []
    settles = content.get(SETTLES_KEY)
    named = [content.get(ANSWERS_KEY), *(settles if isinstance(settles, list) else ())]
    return [EventID(one) for one in named if isinstance(one, str)]
