"""The client-server API of the fake homeserver: from a request to what it does in the world."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attr

from .limits import RateLimit
from .rooms import Content, Event, Refusal, Room, not_found
from .sync import sync
from .world import VERSIONS, World

NOT_REL_TYPES = "org.matrix.msc3874.not_rel_types"


@attr.frozen
class Request:
    """One request as the endpoints see it.

    `parts` is the path from the API's version on, `rest` what follows the room id or the kind
    of endpoint.
    """

    method: str
    parts: tuple[str, ...]
    user: str
    query: Mapping[str, str]
    body: Content

    @property
    def in_room(self) -> bool:
        return self.parts[0] == "rooms" and len(self.parts) > 2

    @property
    def room_id(self) -> str:
        return self.parts[1]

    @property
    def rest(self) -> tuple[str, ...]:
        return self.parts[3:] if self.in_room else self.parts[1:]


class Endpoints:
    """Answers requests out of a world; remembers transaction ids for ever."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.transactions: dict[tuple[str, ...], str] = {}
        self.invitation_limit: RateLimit | None = None
        # Limits of what one user does; messages and state count together, as with Synapse.
        self.limits: dict[str, RateLimit] = {}
        # Whether it knows MSC3874, as Synapse does where it is turned on.
        self.leaves_out_relations = False
        # Whether it takes no filter with a key that the specification does not have.
        self.is_strict = False
        self.table: Mapping[tuple[str, str], Callable[[Request], Any]] = {
            ("POST", "createRoom"): self._create,
            ("GET", "joined_rooms"): self._joined_rooms,
            ("GET", "sync"): self._sync,
            ("GET", "user"): self._get_account_data,
            ("PUT", "user"): self._put_account_data,
            ("GET", "profile"): lambda one: self.world.profile(one.rest[0]),
            ("GET", "capabilities"): self._capabilities,
            ("POST", "join"): self._join,
        }
        self.room_table: Mapping[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "state"): self._get_state,
            ("PUT", "state"): self._put_state,
            ("PUT", "send"): self._send,
            ("PUT", "redact"): self._redact,
            ("GET", "event"): self._event,
            ("GET", "messages"): self._messages,
            ("GET", "members"): self._members,
            ("POST", "join"): self._join,
            ("POST", "leave"): self._leave,
            ("POST", "invite"): self._invite,
            ("POST", "kick"): self._kick,
            ("PUT", "typing"): self._typing,
            ("POST", "receipt"): self._receipt,
        }

    def answer(self, request: Request) -> Any:
        """Do what the request asks for and return the JSON to answer with; raises Refusal."""
        table, kind = (
            (self.room_table, request.parts[2])
            if request.in_room
            else (self.table, request.parts[0])
        )
        endpoint = table.get((request.method, kind))
        if endpoint is None:
            raise Refusal(404, "M_UNRECOGNIZED", f"{request.method} {request.parts} is unknown")
        return endpoint(request)

    def _count(self, what: str, user: str) -> None:
        if (limit := self.limits.get(what)) is not None:
            limit.count(user)

    def _create(self, one: Request) -> Content:
        self._count("rooms", one.user)
        return {"room_id": self.world.create(one.user, one.body).room_id}

    def _joined_rooms(self, one: Request) -> Content:
        rooms = self.world.rooms_of[one.user]
        return {"joined_rooms": [room for room, what in rooms.items() if what == "join"]}

    def _sync(self, one: Request) -> Content:
        chosen = json.loads(one.query.get("filter", "{}"))
        return sync(self.world, one.user, one.query.get("since"), chosen)

    def _get_account_data(self, one: Request) -> Content:
        try:
            return self.world.account_data[one.user, one.rest[2]]
        except KeyError:
            raise not_found("no such account data") from None

    def _put_account_data(self, one: Request) -> Content:
        self.world.account_data[one.user, one.rest[2]] = one.body
        return {}

    def _capabilities(self, one: Request) -> Content:
        versions = {
            "default": self.world.default_version,
            "available": dict.fromkeys(VERSIONS, "stable"),
        }
        return {"capabilities": {"m.room_versions": versions}}

    def _get_state(self, one: Request) -> Any:
        room = self.world.room(one.room_id)
        room.require_member(one.user)
        if not one.rest:
            return list(room.state.values())
        kind = (one.rest[0], one.rest[1] if len(one.rest) > 1 else "")
        if kind not in room.state:
            raise not_found(f"no {kind} in {one.room_id}")
        event = room.state[kind]
        return event if one.query.get("format") == "event" else event["content"]

    def _put_state(self, one: Request) -> Content:
        self._count("messages", one.user)
        kind = (one.rest[0], one.rest[1] if len(one.rest) > 1 else "")
        return _id_of(self.world.put_state(one.user, one.room_id, kind, one.body))

    def _send(self, one: Request) -> Content:
        key = (one.user, one.room_id, *one.rest)
        if key not in self.transactions:
            self._count("messages", one.user)
            event = self.world.send(one.user, one.room_id, one.rest[0], one.body)
            self.transactions[key] = event["event_id"]
        return {"event_id": self.transactions[key]}

    def _redact(self, one: Request) -> Content:
        key = (one.user, one.room_id, *one.rest)
        if key not in self.transactions:
            self._count("messages", one.user)
            redaction = self.world.redact(one.user, self._find(one))
            self.transactions[key] = redaction["event_id"]
        return {"event_id": self.transactions[key]}

    def _event(self, one: Request) -> Event:
        self.world.room(one.room_id).require_member(one.user)
        return self.world.bundled(self._find(one))

    def _find(self, one: Request) -> Event:
        for event in self.world.room(one.room_id).timeline:
            if event["event_id"] == one.rest[0]:
                return event
        raise not_found(f"no event {one.rest[0]}")

    def _messages(self, one: Request) -> Content:
        """Backwards only; a token of a room's is the number of events that come before it."""
        room = self.world.room(one.room_id)
        room.require_member(one.user)
        chosen = json.loads(one.query.get("filter", "{}"))
        if self.is_strict and NOT_REL_TYPES in chosen:
            raise Refusal(400, "M_BAD_JSON", f"unknown field {NOT_REL_TYPES}")
        at = self._position(room, one.query.get("from", f"t{len(room.timeline)}"))
        end = self._position(room, one.query.get("to", "t0"))
        limit = int(one.query.get("limit", 10))
        chunk: list[Event] = []
        while at > end and len(chunk) < limit:
            at -= 1
            event = room.timeline[at]
            wanted = event["sender"] in chosen.get("senders", [event["sender"]]) and (
                event["type"] in chosen.get("types", [event["type"]])
            )
            relation = event["content"].get("m.relates_to")
            kind = relation.get("rel_type") if isinstance(relation, dict) else None
            left_out = self.leaves_out_relations and kind in chosen.get(NOT_REL_TYPES, ())
            if wanted and not left_out:
                chunk.append(self.world.bundled(event))
        return {"chunk": chunk, "start": "t0", **({"end": f"t{at}"} if at > end else {})}

    def _position(self, room: Room, token: str) -> int:
        """How many events of a room come before a token, which may be one of a sync's."""
        if token.startswith("t"):
            return int(token[1:])
        earlier = {event["event_id"] for event in self.world.log[: int(token[1:])]}
        return sum(event["event_id"] in earlier for event in room.timeline)

    def _members(self, one: Request) -> Content:
        room = self.world.room(one.room_id)
        room.require_member(one.user)
        left_out = one.query.get("not_membership")
        members = [event for kind, event in room.state.items() if kind[0] == "m.room.member"]
        chunk = [one for one in members if one["content"].get("membership") != left_out]
        return {"chunk": chunk}

    def _join(self, one: Request) -> Content:
        self._count("joins", one.user)
        self.world.join(one.user, one.room_id)
        return {"room_id": one.room_id}

    def _leave(self, one: Request) -> Content:
        self.world.leave(one.user, one.room_id, **one.body)
        return {}

    def _invite(self, one: Request) -> Content:
        if self.invitation_limit is not None:
            self.invitation_limit.count(one.body["user_id"])
        self.world.invite(one.user, one.room_id, one.body["user_id"])
        return {}

    def _kick(self, one: Request) -> Content:
        self.world.remove(one.user, one.room_id, one.body["user_id"])
        return {}

    def _typing(self, one: Request) -> Content:
        # Only what changes is passed on, as with Synapse: a renewal is no news.
        typing, news = self.world.room(one.room_id).typing, (one.user, one.body["typing"])
        last = [what for who, what in typing if who == one.user][-1:]
        if (last or [False]) != [news[1]]:
            typing.append(news)
        return {}

    def _receipt(self, one: Request) -> Content:
        self.world.room(one.room_id).receipts.append((one.user, one.rest[1]))
        return {}


def _id_of(event: Event) -> Content:
    return {"event_id": event["event_id"]}
