"""What `/sync` answers: for the plugin's own calls, and for the fake of maubot's syncer.

Tokens count the events that happened; nothing waits for news (client-server API, section 6.4).
"""

from __future__ import annotations

from typing import Any

from .rooms import Content, Event, Refusal, Room
from .world import World

# Events of a room in one answer, where the filter says nothing else: maubot's asks for as many.
LIMIT = 50


def now(world: World) -> str:
    """The token that stands for everything that happened so far."""
    return f"s{len(world.log)}"


def sync(world: World, user: str, since: str | None, chosen: Content) -> Content:
    """Everything that `user` may know of and that happened after `since`.

    Args:
        world: where.
        user: who asks.
        since: the token of an earlier answer; None for an initial sync.
        chosen: the filter.
    """
    position = int(since[1:]) if since else 0
    if since and position < world.oldest_token:
        raise Refusal(400, "M_UNKNOWN", f"no token {since} here")
    news: dict[str, list[Event]] = {}
    for event in world.log[position:]:
        news.setdefault(event["room_id"], []).append(event)
    only = chosen.get("room", {}).get("rooms")
    joined, invited, left = {}, {}, {}
    for room_id, events in news.items():
        membership = world.rooms_of[user].get(room_id)
        room = world.rooms[room_id]
        if membership == "invite":
            if any(_is_membership(event, user) for event in events):
                invited[room_id] = {"invite_state": {"events": _stripped(room, user)}}
        elif membership == "join" and (only is None or room_id in only):
            joined[room_id] = _joined(room, events, since, chosen)
        elif membership in ("leave", "ban") and since:
            left[room_id] = {"timeline": {"events": _until_left(events, user)}}
    rooms = {"join": joined, "invite": invited, "leave": left}
    return {"next_batch": now(world), "rooms": rooms}


def _joined(room: Room, events: list[Event], since: str | None, chosen: Content) -> Content:
    state = [] if since else [dict(event) for event in room.state.values()]
    sent = [event for event in room.timeline if "state_key" not in event]
    parts: dict[str, Any] = chosen.get("room", {})
    timeline = _timeline(room, events if since else sent[-10:], parts.get("timeline", {}))
    if since and parts.get("state", {}).get("lazy_load_members"):
        state = _senders(room, timeline["events"])
    return {"state": {"events": _chosen(state, parts.get("state", {}))}, "timeline": timeline}


def _senders(room: Room, events: list[Event]) -> list[Event]:
    """The memberships of whoever sent these events, known or not: section 6.4.1 allows either."""
    senders = dict.fromkeys(event["sender"] for event in events)
    members = [room.state.get(("m.room.member", sender)) for sender in senders]
    return [dict(member) for member in members if member is not None and member not in events]


def _timeline(room: Room, events: list[Event], chosen: Content) -> Content:
    """The newest of some events; where that is not all of them, it says from where to page."""
    wanted = _chosen(events, chosen)
    shown = wanted[-chosen.get("limit", LIMIT) :]
    limited = len(shown) < len(wanted)
    first = shown[0] if shown else room.timeline[-1]
    before = [event["event_id"] for event in room.timeline].index(first["event_id"])
    return {"events": shown, "limited": limited, "prev_batch": f"t{before}"}


def _chosen(events: list[Event], chosen: Content) -> list[Event]:
    types = chosen.get("types")
    return [dict(event) for event in events if types is None or event["type"] in types]


def _stripped(room: Room, user: str) -> list[Event]:
    shown = [("m.room.create", ""), ("m.room.name", ""), ("m.room.member", user)]
    return [
        {key: room.state[kind][key] for key in ("type", "sender", "content", "state_key")}
        for kind in shown
        if kind in room.state
    ]


def _until_left(events: list[Event], user: str) -> list[Event]:
    for at in range(len(events), 0, -1):
        if _is_membership(events[at - 1], user):
            return [dict(event) for event in events[:at]]
    return []


def _is_membership(event: Event, user: str) -> bool:
    return event["type"] == "m.room.member" and event.get("state_key") == user
