"""What was said in a room before: read from its timeline, newest first.

The timeline is the memory: it survives restarts and a deleted database. What of it concerns the
platform is for the reader of these lines to choose.
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
from mautrix.types import JSON, EncryptedEvent, EventID, RoomID, SyncToken, UserID

from .api import NoAnswer, RetryingAPI
from .sender import ANSWERS_KEY, CONTINUES_KEY, INSTANCE_KEY, SETTLES_KEY

LOG = logging.getLogger(__name__)
PAGE = 100
# What maubot's own store of keys raises when it is away for a moment.
PASSING = (OSError, sqlite3.OperationalError, asyncpg.PostgresConnectionError)
TEXT_TYPES = ("m.text", "m.emote")


@attr.frozen
class TimelineMessage:
    """One text message: by whom, and which message it answers if it is a platform's answer.

    `later` says that it stands after the message from which was looked back: an answer to an
    earlier one that came when this one was written already.
    """

    event_id: EventID
    sender: UserID
    text: str
    answers: EventID | None
    later: bool = False


@attr.define
class AnswerStatus:
    """What of an answer stands in a room.

    Attributes:
        messages: how many messages of the bot's answer the question, or settle it.
        whole: the last of them is there.
    """

    messages: int = 0
    whole: bool = False


class Timeline:
    """Reads what was said in rooms of the bot's."""

    def __init__(self, client: MaubotMatrixClient, api: RetryingAPI, instance: str) -> None:
        """
        Args:
            client: maubot's client, for its decryption alone.
            api: what the timeline is read with.
            instance: whose answers count as answers.
        """
        self.client = client
        self.bot = client.mxid
        self.api = api
        self.instance = instance

    async def before(self, room_id: RoomID, event_id: EventID) -> AsyncIterator[TimelineMessage]:
        """The text messages before an event, newest first, each as its last edit left it; first
        of all the answers that came after it, to messages before it.

        Raises:
            NoAnswer: the timeline could not be read.
            MatrixRequestError: it may not be read.
        """
        edits: dict[str, str] = {}
        reached = False
        async for event in self._events(room_id):
            if event.get("event_id") == event_id:
                reached = True
            elif (said := _text_of(event, edits)) is not None:
                if reached:
                    yield said
                elif said.answers is not None and said.sender == self.bot:
                    yield attr.evolve(said, later=True)

    async def answers(
        self, room_id: RoomID, questions: Collection[EventID]
    ) -> dict[EventID, AnswerStatus]:
        """What of the answer to each of these messages of a room stands there.

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
        """The hundred events before an event, oldest first, in clear text.

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
        """The events between two tokens, oldest first, in clear text.

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
        """An event in clear text, or as it is where it cannot be decrypted.

        Args:
            event: the event, with its `room_id`.
        """
        if event.get("type") != "m.room.encrypted" or not self.client.crypto:
            return event
        try:
            encrypted = EncryptedEvent.deserialize(cast(JSON, event))
            clear = await self.client.crypto.decrypt_megolm_event(encrypted)
        except PASSING:
            raise
        except Exception as error:  # noqa: BLE001 (anybody may send anything, sealed)
            LOG.debug("%s cannot be decrypted: %r", event.get("event_id"), error)
            return event
        return {**event, "type": str(clear.type), "content": clear.content.serialize()}


def _settled_by(event: dict[str, Any], instance: str) -> list[EventID]:
    """The messages that need no answer after this one of the bot's."""
    content = event.get("content")
    if not isinstance(content, dict) or content.get(INSTANCE_KEY) != instance:
        return []
    settles = content.get(SETTLES_KEY)
    named = [content.get(ANSWERS_KEY), *(settles if isinstance(settles, list) else ())]
    return [EventID(one) for one in named if isinstance(one, str)]


def _text_of(event: dict[str, Any], edits: dict[str, str]) -> TimelineMessage | None:
    content = event.get("content")
    if event.get("type") != "m.room.message" or not isinstance(content, dict):
        return None
    relation = content.get("m.relates_to")
    if isinstance(relation, dict) and relation.get("rel_type") == "m.replace":
        replacement = content.get("m.new_content")
        text = replacement.get("body") if isinstance(replacement, dict) else None
        if isinstance(text, str):
            edits.setdefault(f"{event.get('sender')} {relation.get('event_id')}", text)
        return None
    text, event_id, sender = content.get("body"), event.get("event_id"), event.get("sender")
    if content.get("msgtype") not in TEXT_TYPES or not isinstance(text, str):
        return None
    if not isinstance(event_id, str) or not isinstance(sender, str):
        return None
    answers = content.get(ANSWERS_KEY)
    return TimelineMessage(
        EventID(event_id),
        UserID(sender),
        edits.get(f"{sender} {event_id}", text),
        EventID(answers) if isinstance(answers, str) else None,
    )
