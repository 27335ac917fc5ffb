"""What people wrote since a sync token: read whole, however much it is.

A sync gives up to a hundred messages of a room and says where it left off; the rest is paged.
"""

from __future__ import annotations

import logging
from typing import Any

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import EventID, RoomID, SyncToken

from ..message import IncomingMessage, apply_edits, parse_message
from .sync import rooms_in
from .timeline import Timeline


@attr.frozen
class Backlog:
    """What people wrote, room by room in its order, and which messages they took back."""

    messages: list[IncomingMessage]
    withdrawn: frozenset[EventID]


async def read_backlog(
    sync: dict[str, Any], since: SyncToken, timeline: Timeline, log: logging.Logger
) -> Backlog:
    """The messages in a sync, and those it left out.

    Args:
        sync: the answer to a `/sync`.
        since: the token it was asked with.
        timeline: reads what was left out.
        log: told of a room that may not be read any more.

    Raises:
        NoAnswer: the homeserver did not answer; nothing may be concluded about what is missing.
    """
    messages: list[IncomingMessage] = []
    withdrawn: set[EventID] = set()
    for room_id, room in rooms_in(sync, "join"):
        part = room.get("timeline")
        part = part if isinstance(part, dict) else {}
        events = [event for event in part.get("events") or () if isinstance(event, dict)]
        if part.get("limited") and isinstance(part.get("prev_batch"), str):
            try:
                before = await timeline.between(room_id, SyncToken(part["prev_batch"]), since)
            except MatrixRequestError as error:
                log.warning("Older messages in %s cannot be read: %s", room_id, error)
                before = []
            events = before + events
        messages += await _messages_in(room_id, events, timeline)
        withdrawn.update(event_id for event in events if (event_id := _redacted_by(event)))
    return Backlog(messages, frozenset(withdrawn))


async def read_unanswered(
    room_id: RoomID, before: EventID, timeline: Timeline
) -> list[IncomingMessage]:
    """The messages that nothing of the bot's answers or settles, among the hundred events before
    an event; oldest first, each as its last edit left it.

    Raises:
        NoAnswer, MatrixRequestError: the timeline could not be read.
    """
    events = await timeline.events_before(room_id, before)
    messages = apply_edits(one for event in events if (one := parse_message(event)) is not None)
    answers = await timeline.answers(room_id, [one.event_id for one in messages])
    return [one for one in messages if not answers[one.event_id].messages]


async def _messages_in(
    room_id: RoomID, events: list[dict[str, Any]], timeline: Timeline
) -> list[IncomingMessage]:
    clear = [await timeline.decrypted({**event, "room_id": room_id}) for event in events]
    return [message for event in clear if (message := parse_message(event)) is not None]


def _redacted_by(event: dict[str, Any]) -> EventID | None:
    """The event that this one redacts; from room version 11 on its id is in the content."""
    if event.get("type") != "m.room.redaction":
        return None
    content = event.get("content")
    redacts = event.get("redacts") or (isinstance(content, dict) and content.get("redacts"))
    return EventID(redacts) if isinstance(redacts, str) else None
