"""One text message as a conversation's history needs it, parsed from a timeline event.

The timeline is read newest first, so an edit comes before the message that it replaces. Other
people's clients and servers wrote these events: what is malformed is no message, never an error.
"""

from __future__ import annotations

from typing import Any

import attr
from mautrix.types import EventID, UserID

from ..message import parse_message
from ..topology.standing_answer import CUT_OFF_KEY, LIVE_KEY, words_in
from .marks import ANSWERS_KEY, LEFT_OUT_KEY
from .replacements import Replacements


@attr.frozen
class TimelineMessage:
    """One text message.

    Attributes:
        event_id: its event.
        sender: who sent it.
        text: its text, with the last edit applied, and without a remark of ours.
        answers: the message that it answers, if the bot sent it as an answer.
        is_partial: it is part of an answer that is still being written, or breaks off.
        says_left_out: it is the bot's notice that the history no longer has a place as a whole.
    """

    event_id: EventID
    sender: UserID
    text: str
    answers: EventID | None = None
    is_partial: bool = False
    says_left_out: bool = False


def parse_timeline_event(
    event: dict[str, Any], edits: Replacements, bot: UserID
) -> TimelineMessage | None:
    """The text message in an event; None if it holds none, or an edit.

    Args:
        event: the event, decrypted, with its `room_id`.
        edits: those that were read before; an edit is taken in there.
        bot: whose marks count; anybody may write them.
    """
    if edits.take(event):
        return None
    event = edits.apply(event)
    message = parse_message(event)
    if message is None:
        return None
    # Only what the bot sent says by its marks what it is.
    marks = event["content"] if message.sender == bot else {}
    if not message.is_text:
        if marks.get(LEFT_OUT_KEY) is not True:
            return None
        return TimelineMessage(message.event_id, message.sender, "", says_left_out=True)
    answers = marks.get(ANSWERS_KEY)
    text = words_in(marks) if message.sender == bot else message.body
    return TimelineMessage(
        message.event_id,
        message.sender,
        text,
        EventID(answers) if isinstance(answers, str) else None,
        is_partial=LIVE_KEY in marks or CUT_OFF_KEY in marks,
    )
