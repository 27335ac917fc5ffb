"""Which reaction ends an answer: the one to one of its messages that is a stop sign.

Any other means nothing to the bot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attr
from mautrix.types import EventID, RoomID, UserID

from ..message import is_time

# Clients send it with a variation selector behind it, or without one.
SIGN = "\N{OCTAGONAL SIGN}"
VARIATION_SELECTOR = "\N{VARIATION SELECTOR-16}"


@attr.frozen
class StopSign:
    """Somebody's stop sign on a message.

    Attributes:
        event_id: the message.
        sent_at: when it was put there, in milliseconds since the epoch, as its server says.
    """

    room_id: RoomID
    sender: UserID
    event_id: EventID
    sent_at: int


def parse_stop_sign(event: Mapping[str, Any]) -> StopSign | None:
    """The stop sign that an event is (client-server API, section 11.9), or None if it is none.

    Args:
        event: the event, with its `room_id`; read tolerantly.
    """
    content, sender = event.get("content"), event.get("sender")
    room_id, sent_at = event.get("room_id"), event.get("origin_server_ts")
    relation = content.get("m.relates_to") if isinstance(content, dict) else None
    if event.get("type") != "m.reaction" or not isinstance(relation, dict):
        return None
    sign, event_id = relation.get("key"), relation.get("event_id")
    if relation.get("rel_type") != "m.annotation" or not isinstance(sign, str):
        return None
    if not all(isinstance(one, str) for one in (room_id, sender, event_id)):
        return None
    if sign.removesuffix(VARIATION_SELECTOR) != SIGN:
        return None
    sent_at = sent_at if is_time(sent_at) else 0
    return StopSign(RoomID(str(room_id)), UserID(str(sender)), EventID(str(event_id)), sent_at)
