"""All rooms of the fake homeserver, and what users do in them.

Deterministic: room ids are `!r1:test`, `!r2:test` (without a server from version 12 on), event
ids `$e1`, `$e2`, and the clock, which begins now, ticks one millisecond with each event.
"""

from __future__ import annotations

import time
from collections import defaultdict

from .rooms import (
    Content,
    Event,
    Refusal,
    Room,
    first_power_levels,
    forbidden,
    not_found,
    require_size,
)

# A message's type, or a state event's type and state key.
Kind = str | tuple[str, str]
VERSIONS = tuple(str(version) for version in range(1, 13))


class World:
    """The rooms, the people's names, and one log of everything that happened."""

    def __init__(self, server_name: str = "test") -> None:
        self.server_name = server_name
        self.default_version = "10"
        self.clock = int(time.time() * 1000)
        # By how many milliseconds what is sent was delayed on its way here.
        self.lag = 0
        self.oldest_token = 0
        self.rooms: dict[str, Room] = {}
        self.names: dict[str, str] = {}
        self.account_data: dict[tuple[str, str], Content] = {}
        self.log: list[Event] = []
        # The last edit of each message, by sender and event.
        self.edits: dict[tuple[str, str], Event] = {}
        self.rooms_of: dict[str, dict[str, str]] = defaultdict(dict)

    def room(self, room_id: str) -> Room:
        try:
            return self.rooms[room_id]
        except KeyError:
            raise forbidden(f"there is no {room_id} for you") from None

    def append(self, room: Room, sender: str, content: Content, kind: Kind) -> Event:
        """Let an event happen, whoever sends it and whatever the rules say.

        Args:
            room: where.
            sender: who.
            content: what.
            kind: as what.
        """
        event = self._draft(room, sender, content, kind)
        event_type, state_key = event["type"], event.get("state_key")
        if state_key is not None:
            room.state[event_type, state_key] = event
            if event_type == "m.room.member":
                self.rooms_of[state_key][room.room_id] = str(content.get("membership"))
        relation = content.get("m.relates_to")
        if isinstance(relation, dict) and relation.get("rel_type") == "m.replace":
            key = (sender, str(relation.get("event_id")))
            self.edits[key] = max(self.edits.get(key, event), event, key=_sent)
        room.timeline.append(event)
        self.log.append(event)
        return event

    def create(self, creator: str, body: Content) -> Room:
        """Make a room (client-server API, section 8.1)."""
        version = str(body.get("room_version") or self.default_version)
        if version not in VERSIONS:
            raise Refusal(400, "M_UNSUPPORTED_ROOM_VERSION", f"no room version {version} here")
        levels = first_power_levels(creator, version, body)
        suffix = "" if version == "12" else f":{self.server_name}"
        room = Room(f"!r{len(self.rooms) + 1}{suffix}", version, creator)
        create = {**body.get("creation_content", {}), "room_version": version}
        self.append(room, creator, create, ("m.room.create", ""))
        self._set_membership(room, creator, creator, "join")
        self.append(room, creator, levels, ("m.room.power_levels", ""))
        self.append(room, creator, {"join_rule": "invite"}, ("m.room.join_rules", ""))
        for state in body.get("initial_state", ()):
            room.require_power(creator, state["type"], "state_default")
            kind = (state["type"], state.get("state_key", ""))
            self.append(room, creator, state["content"], kind)
        if body.get("name"):
            self.append(room, creator, {"name": body["name"]}, ("m.room.name", ""))
        self.rooms[room.room_id] = room
        for user in body.get("invite", ()):
            self.invite(creator, room.room_id, user)
        return room

    def put_state(self, user: str, room_id: str, kind: tuple[str, str], content: Content) -> Event:
        """Send a state event; the same content again makes no new event, as with Synapse."""
        room = self.room(room_id)
        room.require_power(user, kind[0], "state_default")
        if kind[1].startswith("@") and kind[1] != user:
            raise forbidden("that state key is another user's")
        standing = room.state.get(kind)
        if standing and standing["sender"] == user and standing["content"] == content:
            return standing
        require_size(self._draft(room, user, content, kind))
        return self.append(room, user, content, kind)

    def send(self, user: str, room_id: str, event_type: str, content: Content) -> Event:
        room = self.room(room_id)
        room.require_power(user, event_type, "events_default")
        require_size(self._draft(room, user, content, event_type))
        room.require_thread(content)
        return self.append(room, user, content, event_type)

    def redact(self, user: str, event: Event) -> Event:
        """Take a message back (client-server API, section 11.24); returns the event that does."""
        room = self.room(event["room_id"])
        room.require_member(user)
        event["content"] = {}
        redaction = self.append(room, user, {"redacts": event["event_id"]}, "m.room.redaction")
        redaction["redacts"] = event["event_id"]
        event["unsigned"] = {"redacted_because": redaction}
        return redaction

    def bundled(self, event: Event) -> Event:
        """An event as reads tell it: with its last edit (client-server API, section 11.37)."""
        edit = self.edits.get((event["sender"], event["event_id"]), {})
        # One that was taken back is none.
        if not edit.get("content"):
            return event
        return {**event, "unsigned": {"m.relations": {"m.replace": edit}}}

    def upgrade(self, user: str, room_id: str) -> Room:
        """Replace a room, as clients do (client-server API, section 11.35); returns the new one.

        What people wrote into the old room's power levels goes along, its members are invited.
        """
        old = self.room(room_id)
        old.require_power(user, "m.room.tombstone", "state_default")
        create = {
            **old.content("m.room.create"),
            "predecessor": {"room_id": room_id, "event_id": old.timeline[-1]["event_id"]},
        }
        body = {"creation_content": create, "name": old.name, "room_version": old.version}
        new = self.create(user, {**body, "invite": sorted(old.members("join") - {user})})
        levels = {**old.content("m.room.power_levels")}
        self.append(new, user, levels, ("m.room.power_levels", ""))
        self.append(old, user, {"replacement_room": new.room_id}, ("m.room.tombstone", ""))
        return new

    def invite(self, user: str, room_id: str, invited: str) -> None:
        room = self.room(room_id)
        room.require_action(user, "invite")
        if room.membership(invited) in ("join", "ban"):
            raise forbidden(f"{invited} is already in the room, or banned from it")
        self._set_membership(room, user, invited, "invite")

    def join(self, user: str, room_id: str) -> None:
        room = self.room(room_id)
        if room.membership(user) == "join":
            return
        if room.membership(user) == "ban" or not (
            room.membership(user) == "invite" or self._may_walk_in(user, room)
        ):
            raise forbidden(f"{user} is not invited to {room_id}")
        self._set_membership(room, user, user, "join")

    def leave(self, user: str, room_id: str, reason: str = "") -> None:
        room = self.room(room_id)
        if room.membership(user) not in ("join", "invite"):
            raise forbidden(f"{user} is not in {room_id}")
        self._set_membership(room, user, user, "leave", reason)

    def remove(self, user: str, room_id: str, removed: str, membership: str = "leave") -> None:
        """Kick a user, or ban them with `membership="ban"`."""
        room = self.room(room_id)
        room.require_action(user, "kick")
        if room.power(user) <= room.power(removed):
            raise forbidden(f"{user} is not above {removed}")
        self._set_membership(room, user, removed, membership)

    def forget_tokens(self) -> None:
        """The homeserver knows none of the sync tokens any more that it gave out so far."""
        self.oldest_token = len(self.log) + 1

    def profile(self, user: str) -> Content:
        if user not in self.names:
            raise not_found(f"no profile of {user}")
        return {"displayname": self.names[user]}

    def _draft(self, room: Room, sender: str, content: Content, kind: Kind) -> Event:
        """The event that would come next."""
        number = len(self.log) + 1
        event: Event = {
            "type": kind if isinstance(kind, str) else kind[0],
            "room_id": room.room_id,
            "sender": sender,
            "content": content,
            "event_id": f"$e{number}",
            "origin_server_ts": self.clock + number - self.lag,
        }
        return event if isinstance(kind, str) else {**event, "state_key": kind[1]}

    def _may_walk_in(self, user: str, room: Room) -> bool:
        rules = room.content("m.room.join_rules")
        if rules.get("join_rule") == "public":
            return True
        if rules.get("join_rule") != "restricted" or int(room.version) < 8:
            return False
        return any(self.rooms_of[user].get(allow["room_id"]) == "join" for allow in rules["allow"])

    def _set_membership(
        self, room: Room, sender: str, user: str, membership: str, reason: str = ""
    ) -> None:
        content: Content = {"membership": membership, **({"reason": reason} if reason else {})}
        if membership in ("join", "invite") and user in self.names:
            content["displayname"] = self.names[user]
        self.append(room, sender, content, ("m.room.member", user))


def _sent(event: Event) -> tuple[int, str]:
    """Which of several edits is the last one (client-server API, section 11.37)."""
    return event["origin_server_ts"], event["event_id"]
