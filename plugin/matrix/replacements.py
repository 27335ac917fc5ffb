"""What stands in a message after its last edit, for whoever reads a timeline newest first.

An edit comes before the message that it replaces then; and a homeserver that leaves edits out
tells the last one with the message (client-server API, section 11.37). Only its own sender edits
a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mautrix.types import EventID, UserID

from ..message import is_time, parse_message
from ..topology.standing_answer import AGAIN_KEY, PROGRESS_KEYS, REMARK_KEY, AnswerEvent, words_in


class _Edit(NamedTuple):
    """One edit: of several the one counts that was sent last, however late another comes."""

    order: tuple[int, EventID]
    content: Mapping[str, Any]


class Replacements:
    """The edits that were read so far."""

    def __init__(self) -> None:
        self._newest: dict[tuple[UserID, EventID], _Edit] = {}

    def take(self, event: Mapping[str, Any]) -> bool:
        """Take in the next event of a timeline.

        Args:
            event: the event, decrypted, with its `room_id`.

        Returns:
            Whether it is an edit: then it is no message of its own.
        """
        edit = parse_message(event)
        if edit is None or edit.replaces is None:
            return edit is None and _is_edit(event)
        found = _Edit(edit.order, event["content"]["m.new_content"])
        before = self._newest.setdefault((edit.sender, edit.replaces), found)
        if found.order > before.order:
            self._newest[edit.sender, edit.replaces] = found
        return True

    def apply(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """A message as its last edit left it.

        Args:
            event: the message, decrypted, with its `room_id`; everything newer was taken in.
        """
        message = parse_message(event)
        if message is None:
            return dict(event)
        found = self._newest.get((message.sender, message.event_id))
        if (told := self.told_with(event)) is not None:
            content = told["content"]["m.new_content"]
        elif found is not None:
            content = found.content
        else:
            return dict(event)
        # What an edit's new content relates to is ignored (section 11.37.1).
        return {**event, "content": {k: v for k, v in content.items() if k != "m.relates_to"}}

    def told_with(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """The edit that the homeserver tells with a message. None if edits of it were read: those
        count.

        Args:
            event: as above.
        """
        message = parse_message(event)
        last = _bundled(event)
        if message is None or last is None:
            return None
        last = {**last, "room_id": message.room_id}
        edit, key = parse_message(last), (message.sender, message.event_id)
        if edit is None or (edit.sender, edit.replaces) != key or key in self._newest:
            return None
        return last


def read_answer_event(event: Mapping[str, Any]) -> AnswerEvent | None:
    """The part of an answer that stands in an event; None if there is none any more.

    Args:
        event: the bot's, as its last edit left it.
    """
    content = event.get("content")
    if not isinstance(content, dict) or not content:
        return None
    marks = frozenset(key for key in PROGRESS_KEYS if content.get(key) is True)
    remark, again = content.get(REMARK_KEY), content.get(AGAIN_KEY)
    again = again if isinstance(again, list) else []
    sent_at = event.get("origin_server_ts")
    return AnswerEvent(
        EventID(str(event.get("event_id"))),
        words_in(content),
        marks,
        remark if isinstance(remark, str) else "",
        tuple(EventID(one) for one in again if isinstance(one, str)),
        sent_at if is_time(sent_at) else 0,
    )


def _is_edit(event: Mapping[str, Any]) -> bool:
    content = event.get("content")
    relation = content.get("m.relates_to") if isinstance(content, dict) else None
    return isinstance(relation, dict) and relation.get("rel_type") == "m.replace"


def _bundled(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    unsigned = event.get("unsigned")
    relations = unsigned.get("m.relations") if isinstance(unsigned, dict) else None
    last = relations.get("m.replace") if isinstance(relations, dict) else None
    return last if isinstance(last, dict) else None
