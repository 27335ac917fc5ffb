"""What people wrote in one room since a sync token: read whole, however much it is.

A sync gives up to a hundred messages of a room and says where it left off; the rest is paged.
Which rooms are worth that, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attr
from mautrix.types import EventID, RoomID, SyncToken

from ..message import IncomingMessage, parse_message
from .answer_status import AnswerStatus
from .message_edits import IsCommand, apply_edits, counting
from .room_pages import Stretch
from .stop_sign import StopSign, parse_stop_sign
from .timeline import Timeline


@attr.frozen
class Backlog:
    """What people wrote in a room.

    Attributes:
        messages: messages and edits, in the order of the room.
        redacted: the messages that were taken back.
        taken_back: those of these that were written since.
        stop_signs: the stop signs that were put on messages, in their order.
        sealed: the last of somebody's encrypted events that could not be decrypted.
    """

    messages: tuple[IncomingMessage, ...] = ()
    redacted: frozenset[EventID] = frozenset()
    taken_back: frozenset[EventID] = frozenset()
    stop_signs: tuple[StopSign, ...] = ()
    sealed: Mapping[str, Any] | None = None


def timeline_events(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events that a sync tells of a room, oldest first.

    Args:
        part: what the sync says of the room; read tolerantly.
    """
    timeline = part.get("timeline")
    events = timeline.get("events") if isinstance(timeline, dict) else None
    return [one for one in events if isinstance(one, dict)] if isinstance(events, list) else []


def is_limited(part: Mapping[str, Any]) -> bool:
    """Whether a sync left out older messages of a room.

    Args:
        part: what the sync says of the room.
    """
    timeline = part.get("timeline")
    return isinstance(timeline, dict) and bool(timeline.get("limited"))


async def read_backlog(
    room_id: RoomID, part: Mapping[str, Any], left_out: Stretch | None, timeline: Timeline
) -> Backlog:
    """The messages that a sync tells of a room, and those that it left out.

    Args:
        room_id: the room.
        part: what the sync says of it.
        left_out: whose messages to read of those that it left out, and after which token; None
            to leave all of them out.
        timeline: reads what was left out.

    Raises:
        NoAnswer: the homeserver did not answer; nothing may be concluded about what is missing.
        MatrixRequestError: the room may not be read any more.
    """
    events = timeline_events(part)
    before = part["timeline"].get("prev_batch") if is_limited(part) else None
    if left_out is not None and isinstance(before, str):
        stretch = attr.evolve(left_out, newest=SyncToken(before))
        events = await timeline.between(room_id, stretch) + events
    clear = [await timeline.pages.decrypted({**event, "room_id": room_id}) for event in events]
    sealed = [
        one
        for one in clear
        if one.get("type") == "m.room.encrypted" and one.get("sender") != timeline.bot
    ]
    messages = (parse_message(event) for event in clear)
    redacted = frozenset(one for event in events if (one := _redacted_by(event)) is not None)
    others = (event.get("event_id") for event in events if event.get("sender") != timeline.bot)
    written = {event_id for event_id in others if isinstance(event_id, str)}
    return Backlog(
        tuple(message for message in messages if message is not None),
        redacted,
        redacted & written,
        tuple(sign for event in clear if (sign := parse_stop_sign(event)) is not None),
        sealed[-1] if sealed else None,
    )


async def read_unanswered(
    asked: IncomingMessage, is_command: IsCommand, timeline: Timeline
) -> list[tuple[IncomingMessage, AnswerStatus]]:
    """The messages of one person that have no whole answer of the bot's and are not settled, among
    the hundred of that person and the bot before a message; oldest first, each as its last edit
    left it, with what stands of its answer.

    Args:
        asked: the message that they come before, of the same person.
        is_command: whether a text is a command.
        timeline: reads the room.

    Raises:
        NoAnswer, MatrixRequestError: the timeline could not be read.
    """
    events = await timeline.events_before(asked)
    messages = [one for event in events if (one := parse_message(event)) is not None]
    written = (one for one in messages if one.sender == asked.sender)
    theirs = apply_edits(counting(written, is_command))
    questions = [one.event_id for one in theirs]
    answers = await timeline.answers(asked.room_id, questions, (asked.sender,), edits=False)
    statuses = [(one, answers[one.event_id]) for one in theirs]
    return [(one, status) for one, status in statuses if not (status.whole or status.notices)]


def _redacted_by(event: dict[str, Any]) -> EventID | None:
    """The event that this one redacts; from room version 11 on its id is in the content."""
    if event.get("type") != "m.room.redaction":
        return None
    content = event.get("content")
    redacts = event.get("redacts") or (isinstance(content, dict) and content.get("redacts"))
    return EventID(redacts) if isinstance(redacts, str) else None
