"""A homeserver of any size in memory, in the place of an aiohttp session.

Whatever the plugin does with an answer is done, from the JSON text on; only sockets and HTTP are
left out. An answer is made when it is asked for, from one template, and what that costs is
counted apart, in `own_seconds`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

from yarl import URL

from plugin.matrix.hint import HINT_TYPE, Hint, encode_hint
from plugin.topology.contents import child_content, parent_content
from plugin.topology.marks import Identity
from plugin.topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Binding,
    Marker,
)

from ..stack import INSTANCE
from ..synapse import Login

LOGIN = Login("@spacekeeper:example.org", "BENCH", "token", "")
ADDRESS = "http://homeserver.invalid"
# Stands for the Space's number in the template; a room's id is as long as in version 12.
HOLE = "########"
PAD = "x" * 30
CREATED = 1_700_000_000_000


def room_id(space: int | str, part: str) -> Any:
    """The id of a Space's room: `s000` is the Space itself, `c001` its first chat, `f000` its
    owner's control room."""
    number = space if isinstance(space, str) else f"{space:08d}"
    return f"!{number}{part}{PAD}"


class Answer:
    """What the plugin sees of an aiohttp response."""

    headers: Mapping[str, str] = {}

    def __init__(self, text: str, status: int = 200) -> None:
        self.status = status
        self._text = text

    async def text(self, errors: str = "strict") -> str:
        """The body."""
        return self._text


class Simulation:
    """Answers as a homeserver with so many Spaces would.

    Attributes:
        own_seconds: CPU time that went into making answers.
        requests: how many there were.
    """

    def __init__(self, spaces: int, chats: int, changed: int = 0) -> None:
        """
        Args:
            spaces: how many Spaces there are.
            chats: how many chats each has; beside them there is a control room for each.
            changed: in how many Spaces something changed since any token.
        """
        self.spaces, self.chats, self.changed = spaces, chats, changed
        self.own_seconds = 0.0
        self.requests = 0
        self._space_state = json.dumps(_space_state(chats))
        self._hint: str | None = None

    @asynccontextmanager
    async def request(self, method: str, url: URL, **more: Any) -> AsyncIterator[Answer]:
        """Answer one request, as `aiohttp.ClientSession.request` would."""
        begun = time.thread_time()
        answer = self._answer(method, url.raw_path, more)
        self.requests += 1
        self.own_seconds += time.thread_time() - begun
        # As with a network, everything else has its turn before an answer comes.
        await asyncio.sleep(0)
        yield answer

    def _answer(self, method: str, path: str, more: Mapping[str, Any]) -> Answer:
        if path.endswith("/state"):
            room = unquote(path.split("/")[-2])
            return Answer(self._state(room[9:13]).replace(HOLE, room[1:9]))
        if path.endswith("/joined_rooms"):
            return Answer(json.dumps({"joined_rooms": self._joined()}))
        if path.endswith("/sync"):
            return Answer(self._sync("since" in more["params"]))
        if path.endswith(HINT_TYPE):
            if method == "PUT":
                self._hint = more["data"]
            return Answer(self._hint or self._first_hint())
        if method == "PUT":
            return Answer("{}")
        return Answer('{"errcode": "M_NOT_FOUND", "error": "There is none."}', 404)

    def _state(self, part: str) -> str:
        if part == "s000":
            return self._space_state
        return json.dumps(_chat_state(int(part[1:])) if part[0] == "c" else _control_room_state())

    def _joined(self) -> list[str]:
        parts = ["s000", "f000", *(f"c{number:03d}" for number in range(1, self.chats + 1))]
        return [room_id(space, part) for space in range(self.spaces) for part in parts]

    def _first_hint(self) -> str:
        spaces = [room_id(space, "s000") for space in range(self.spaces)]
        foreign = [room_id(space, "f000") for space in range(self.spaces)]
        hint = Hint(frozenset(spaces), frozenset(foreign))
        return json.dumps(encode_hint({}, INSTANCE, hint))

    def _sync(self, incremental: bool) -> str:
        if not incremental or not self.changed:
            return '{"next_batch": "s1"}'
        reordered = next(one for one in _space_state(self.chats) if one["type"] == CHILD_TYPE)
        event = json.dumps(reordered)
        step = self.spaces // self.changed
        rooms = {
            room_id(space, "s000"): {
                "timeline": {"events": [json.loads(event.replace(HOLE, f"{space:08d}"))]}
            }
            for space in range(0, self.spaces, step)
        }
        return json.dumps({"next_batch": "s2", "rooms": {"join": rooms}})


BOT: Any = LOGIN.user_id
OWNER: Any = f"@person-{HOLE}:example.org"
SPACE: Any = room_id(HOLE, "s000")


def _space_state(chats: int) -> list[dict[str, Any]]:
    """A Space's full state as Synapse sends it, with a hole for its number."""
    identity = Identity(BOT, INSTANCE)
    links = [
        (CHILD_TYPE, room_id(HOLE, f"c{number:03d}"), child_content(_binding(number), identity))
        for number in range(1, chats + 1)
    ]
    marker = (MARKER_TYPE, "", Marker(OWNER).content(INSTANCE))
    return _events({"type": "m.space", "room_version": "12"}, [marker, *links])


def _chat_state(number: int) -> list[dict[str, Any]]:
    """A chat's full state, with a hole for its Space's number."""
    binding = (BINDING_TYPE, "", _binding(number).content(INSTANCE))
    parent = (PARENT_TYPE, SPACE, parent_content(BOT, OWNER))
    return _events({"room_version": "12"}, [binding, parent])


def _control_room_state() -> list[dict[str, Any]]:
    """A full state that the bot has no part in, with a hole for the owner's number."""
    return [{**event, "sender": OWNER} for event in _events({"room_version": "12"}, [])]


def _binding(number: int) -> Binding:
    conversation = f"00000000-0000-4000-8000-{HOLE}{number:04d}"
    return Binding("chat", f"C{number}", SPACE, OWNER, "echo", conversation)


def _events(
    creation: dict[str, Any], marks: list[tuple[str, str, dict[str, Any]]]
) -> list[dict[str, Any]]:
    contents = [
        ("m.room.create", "", creation),
        ("m.room.member", BOT, {"membership": "join", "displayname": "spacekeeper"}),
        ("m.room.member", OWNER, {"membership": "join", "displayname": f"person-{HOLE}"}),
        ("m.room.power_levels", "", {"users": {OWNER: 50}, "events_default": 100}),
        ("m.room.join_rules", "", {"join_rule": "invite"}),
        ("m.room.history_visibility", "", {"history_visibility": "shared"}),
        ("m.room.guest_access", "", {"guest_access": "can_join"}),
        ("m.room.name", "", {"name": f"person-{HOLE}'s room"}),
        *marks,
    ]
    return [
        {
            "type": kind,
            "room_id": SPACE,
            "sender": BOT,
            "content": content,
            "state_key": key,
            "origin_server_ts": CREATED + place,
            "unsigned": {"age": 86_400_000, "membership": "join"},
            "event_id": f"${HOLE}e{place:03d}{PAD}",
            "user_id": BOT,
            "age": 86_400_000,
        }
        for place, (kind, key, content) in enumerate(contents)
    ]
