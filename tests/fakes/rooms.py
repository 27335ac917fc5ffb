"""One room of the fake homeserver: its state, its timeline, and who may do what in it.

Enough of the Matrix rules to refuse what a real homeserver refuses. It must not know the plugin.
"""

from __future__ import annotations

import json
import math
from typing import Any

import attr

Event = dict[str, Any]
Content = dict[str, Any]

DEFAULT_EVENT_POWER = {
    "m.room.name": 50,
    "m.room.power_levels": 100,
    "m.room.history_visibility": 100,
    "m.room.tombstone": 100,
    "m.room.server_acl": 100,
    "m.room.encryption": 100,
}


# The largest event in bytes (client-server API, section 9.3), and about what a homeserver adds to
# one and counts too: hashes, signatures and the ids of the events before it.
LARGEST_EVENT = 65_536
ADDED_TO_EVENT = 1_000


class Refusal(Exception):
    """The homeserver says no, with a Matrix error (client-server API, section 2.1)."""

    def __init__(self, status: int, errcode: str, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"errcode": errcode, "error": message, **more}


def forbidden(message: str) -> Refusal:
    return Refusal(403, "M_FORBIDDEN", message)


def not_found(message: str) -> Refusal:
    return Refusal(404, "M_NOT_FOUND", message)


def require_size(event: Event) -> None:
    """Refuse an event that is too large for any homeserver to take."""
    text = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode(errors="surrogatepass")) + ADDED_TO_EVENT > LARGEST_EVENT:
        raise Refusal(413, "M_TOO_LARGE", "event too large")


@attr.define(eq=False)
class Room:
    """State by (type, state key), every event in the order of its coming, and what clients were
    told of who types."""

    room_id: str
    version: str
    creator: str
    state: dict[tuple[str, str], Event] = attr.field(factory=dict, repr=False)
    timeline: list[Event] = attr.field(factory=list, repr=False)
    typing: list[tuple[str, bool]] = attr.field(factory=list, repr=False)
    receipts: list[tuple[str, str]] = attr.field(factory=list, repr=False)

    @property
    def name(self) -> str:
        return str(self.content("m.room.name").get("name", ""))

    @property
    def is_space(self) -> bool:
        return self.content("m.room.create").get("type") == "m.space"

    def content(self, event_type: str, state_key: str = "") -> Content:
        """The content of a state event; empty where there is none."""
        event = self.state.get((event_type, state_key))
        content: Content = event["content"] if event else {}
        return content

    def membership(self, user: str) -> str:
        return str(self.content("m.room.member", user).get("membership", "leave"))

    def members(self, *memberships: str) -> set[str]:
        return {
            key
            for (event_type, key), event in self.state.items()
            if event_type == "m.room.member" and event["content"]["membership"] in memberships
        }

    def messages(self, sender: str | None = None) -> list[Event]:
        """The readable messages in the room, or one sender's."""
        return [
            event
            for event in self.timeline
            if event["type"] == "m.room.message" and sender in (None, event["sender"])
        ]

    def power(self, user: str) -> float:
        if user == self.creator and self.version == "12":
            return math.inf
        levels = self.content("m.room.power_levels")
        power: float = levels.get("users", {}).get(user, levels.get("users_default", 0))
        return power

    def require_member(self, user: str) -> None:
        if self.membership(user) != "join":
            raise forbidden(f"{user} is not in {self.room_id}")

    def require_power(self, user: str, event_type: str, default: str) -> None:
        """Refuse unless the user may send this event; `default` names the level of all others."""
        self.require_member(user)
        levels = self.content("m.room.power_levels")
        needed = levels.get("events", {}).get(event_type, levels.get(default, 0))
        if self.power(user) < needed:
            raise forbidden(f"{user} may not send {event_type} in {self.room_id}")

    def require_action(self, user: str, action: str) -> None:
        """Refuse unless the user may invite, kick or ban."""
        self.require_member(user)
        if self.power(user) < self.content("m.room.power_levels").get(action, 50):
            raise forbidden(f"{user} may not {action} in {self.room_id}")

    def require_thread(self, content: Content) -> None:
        """Refuse a thread that begins at what is related to something else, as Synapse does."""
        relation = content.get("m.relates_to", {})
        root = relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
        for event in self.timeline:
            related = event["content"].get("m.relates_to", {})
            if event["event_id"] == root and related.get("rel_type"):
                why = "Cannot start threads from an event with a relation"
                raise Refusal(400, "M_UNKNOWN", why)


def first_power_levels(creator: str, version: str, body: Content) -> Content:
    """The power levels a new room begins with (client-server API, section 8.1)."""
    override = body.get("power_level_content_override") or {}
    if version == "12" and creator in override.get("users", {}):
        raise Refusal(400, "M_UNKNOWN", f"Creator user {creator} must not be in content.users")
    users = {} if version == "12" else {creator: 100}
    if body.get("preset") == "trusted_private_chat":
        users.update(dict.fromkeys(body.get("invite", ()), 100))
    levels: Content = {
        "users": users,
        "users_default": 0,
        "events": dict(DEFAULT_EVENT_POWER),
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": 0,
    }
    return {**levels, **override}
