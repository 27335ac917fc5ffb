"""One text message as a conversation's history needs it, parsed from a timeline event.

The timeline is read newest first, so an edit comes before the message that it replaces. Other
people's clients and servers wrote these events: what is malformed is no message, never an error.
"""

from __future__ import annotations

from typing import Any

import attr
from mautrix.types import EventID, UserID

from ..message import parse_message
from .sender import ANSWERS_KEY, LEFT_OUT_KEY


@attr.frozen
class TimelineMessage:
    """One text message.

    Attributes:
        event_id: its event.
        sender: who sent it.
        text: its text, with the last edit applied.
        answers: the message that it answers, if the bot sent it as an answer.
        says_left_out: it is the bot's notice that the history no longer has a place as a whole.
    """

    event_id: EventID
    sender: UserID
    text: str
    answers: EventID | None = None
    says_left_out: bool = False


def parse_timeline_event(
    event: dict[str, Any], edits: dict[str, str], bot: UserID
) -> TimelineMessage | None:
    """The text message in an event; None if it holds none, or an edit.

    Args:
        event: the event, decrypted, with its `room_id`.
        edits: the text of the newest edit of each message; an edit's text is added here, for the
            message that is read after it.
        bot: whose marks count; anybody may write them.
    """
    message = parse_message(event)
    if message is None:
        return None
    # Only what the bot sent says by its marks what it is.
    marks = event["content"] if message.sender == bot else {}
    if not message.is_text:
        if marks.get(LEFT_OUT_KEY) is not True:
            return None
        return TimelineMessage(message.event_id, message.sender, "", says_left_out=True)
    if message.replaces is not None:
        edits.setdefault(f"{message.sender} {message.replaces}", message.body)
        return None
    answers = marks.get(ANSWERS_KEY)
    return TimelineMessage(
        message.event_id,
        message.sender,
        edits.get(f"{message.sender} {message.event_id}", message.body),
        EventID(answers) if isinstance(answers, str) else None,
    )
