"""One text message as a conversation's history needs it, parsed from a timeline event.

The timeline is read newest first, so an edit comes before the message that it replaces. Other
people's clients and servers wrote these events: what is malformed is no message, never an error.
"""

from __future__ import annotations

from typing import Any

import attr
from mautrix.types import EventID, UserID

from ..message import TEXT_TYPES
from .sender import ANSWERS_KEY


@attr.frozen
class TimelineMessage:
    """One text message.

    Attributes:
        event_id: its event.
        sender: who sent it.
        text: its text, with the last edit applied.
        answers: the message that it answers, if the bot sent it as an answer.
        later: it was sent after the event before which the timeline is read.
    """

    event_id: EventID
    sender: UserID
    text: str
    answers: EventID | None
    later: bool = False


def parse_timeline_event(event: dict[str, Any], edits: dict[str, str]) -> TimelineMessage | None:
    """The text message in an event; None if it holds none, or an edit.

    Args:
        event: the event, decrypted.
        edits: the text of the newest edit of each message; an edit's text is added here, for the
            message that is read after it.
    """
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
