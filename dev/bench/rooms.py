"""The rooms of the simulated homeserver: made from templates, and kept once they were changed.

A million rooms would not fit into memory, and need not: what nobody changed is made whenever it
is asked for. Which request means what is for simulation.py to know.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from .templates import (
    BOT,
    HOLE,
    PAD,
    chat_state,
    control_room_state,
    room_id,
    space_state,
    state_event,
)

Event = dict[str, Any]
State = dict[tuple[str, str], Event]


class Rooms:
    """All rooms of the bot's."""

    def __init__(self, spaces: int, chats: int) -> None:
        """
        Args:
            spaces: how many Spaces there are.
            chats: how many chats each has; beside them there is a control room for each.
        """
        self.spaces, self.chats = spaces, chats
        self._space_state = json.dumps(space_state(chats))
        self._changed: dict[str, State] = {}
        self._created: list[str] = []
        self._listed = ""
        self._places = itertools.count(100)

    def state(self, room: str) -> str:
        """A room's full state, as JSON."""
        if room in self._changed:
            return json.dumps(list(self._changed[room].values()))
        return self._template(room[9:13]).replace(HOLE, room[1:9])

    def content(self, room: str, kind: str, key: str) -> dict[str, Any] | None:
        """The content of one state event, or None where there is none."""
        event = self._state_of(room).get((kind, key))
        return None if event is None else event["content"]

    def put(self, room: str, kind: str, key: str, content: dict[str, Any]) -> Event:
        """Change a room's state as the bot; gives the event."""
        event = state_event(kind, key, content, next(self._places))
        state = self._changed.setdefault(room, self._state_of(room))
        state[kind, key] = event = {**event, "room_id": room}
        return event

    def create(self, request: dict[str, Any]) -> str:
        """Make a room, as the body of createRoom says; gives its id."""
        room = f"!{len(self._created):08d}made{PAD}"
        self._created.append(room)
        self._changed[room] = {}
        version = {"room_version": request["room_version"], **request.get("creation_content", {})}
        self.put(room, "m.room.create", "", version)
        self.put(room, "m.room.member", BOT, {"membership": "join"})
        for user in request["invite"]:
            self.put(room, "m.room.member", user, {"membership": "invite"})
        self.put(room, "m.room.name", "", {"name": request["name"]})
        for event in request["initial_state"]:
            self.put(room, event["type"], event.get("state_key", ""), event["content"])
        return room

    def joined(self) -> str:
        """What lists the rooms that the bot is in, as JSON."""
        if not self._listed:
            parts = ["s000", "f000", *(f"c{number:03d}" for number in range(1, self.chats + 1))]
            # Of a million rooms in one step, it would hold the interpreter, and look as if the
            # plugin did.
            rooms = [f'"{room_id(space, part)}"' for space in range(self.spaces) for part in parts]
            self._listed = ",".join(rooms)
        created = "".join(f',"{room}"' for room in self._created)
        return f'{{"joined_rooms":[{self._listed}{created}]}}'

    def _state_of(self, room: str) -> State:
        if room in self._changed:
            return self._changed[room]
        return {
            (event["type"], event["state_key"]): {**event, "room_id": room}
            for event in json.loads(self.state(room))
        }

    def _template(self, part: str) -> str:
        if part == "s000":
            return self._space_state
        return json.dumps(chat_state(int(part[1:])) if part[0] == "c" else control_room_state())
