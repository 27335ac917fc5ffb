"""Which reaction ends an answer: the one to one of its messages that is a stop sign.

Any other means nothing to the bot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attr
from mautrix.types import EventID, UserID

# Clients send it with a variation selector behind it, or without one.
SIGN = "\N{OCTAGONAL SIGN}"
VARIATION_SELECTOR = "\N{VARIATION SELECTOR-16}"


@attr.frozen
class StopSign:
    """Somebody's stop sign on a message."""

    sender: UserID
    event_id: EventID


def parse_stop_sign(event: Mapping[str, Any]) -> StopSign | None:
    """The stop sign that an event is (client-server API, section 11.9), or None if it is none.

    Args:
        event: the event; read tolerantly.
    """
    content, sender = event.get("content"), event.get("sender")
    relation = content.get("m.relates_to") if isinstance(content, dict) else None
    if event.get("type") != "m.reaction" or not isinstance(relation, dict):
        return None
    sign, event_id = relation.get("key"), relation.get("event_id")
    if relation.get("rel_type") != "m.annotation" or not isinstance(sign, str):
        return None
    if not isinstance(event_id, str) or not isinstance(sender, str):
        return None
    is_sign = sign.removesuffix(VARIATION_SELECTOR) == SIGN
    return StopSign(UserID(sender), EventID(event_id)) if is_sign else None
