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

from plugin.matrix.account_data import INDEX_TYPE, RoomIndex, encode_index, own_type
from plugin.topology.model import CHILD_TYPE

from ..stack import INSTANCE
from .rooms import Rooms
from .templates import HOLE, room_id, space_state

ADDRESS = "http://homeserver.invalid"
# Answers that grow with the number of Spaces.
INDEX = own_type(INDEX_TYPE, INSTANCE)
LARGE = ("/joined_rooms", INDEX)


class Content:
    """The body of an answer, as aiohttp has it."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def iter_any(self) -> AsyncIterator[bytes]:
        """All of it."""
        yield self._text.encode()


class Answer:
    """What the plugin sees of an aiohttp response."""

    headers: Mapping[str, str] = {}

    def __init__(self, text: str, status: int = 200) -> None:
        self.status = status
        self.content = Content(text)


NOT_FOUND = Answer('{"errcode": "M_NOT_FOUND", "error": "There is none."}', 404)


class Simulation:
    """Answers as a homeserver with so many Spaces would.

    Attributes:
        rooms: the rooms in it.
        own_seconds: CPU time that went into making answers.
        requests: how many there were.
        last_read: when the last read was answered, in seconds of `time.perf_counter`.
    """

    def __init__(self, spaces: int, chats: int, changed: int = 0) -> None:
        """
        Args:
            spaces: how many Spaces there are.
            chats: how many chats each has; beside them there is a control room for each.
            changed: in how many Spaces something changed since any token.
        """
        self.spaces, self.chats, self.changed = spaces, chats, changed
        self.rooms = Rooms(spaces, chats)
        self.own_seconds = 0.0
        self.requests = 0
        self.last_read = 0.0
        self._index: str | None = None

    @asynccontextmanager
    async def request(self, method: str, url: URL, **more: Any) -> AsyncIterator[Answer]:
        """Answer one request, as `aiohttp.ClientSession.request` would."""
        self.requests += 1
        if url.raw_path.endswith(LARGE):
            # What takes the simulation seconds must not count as time the plugin held the loop.
            answer = await asyncio.to_thread(self._timed_answer, method, url.raw_path, more)
        else:
            answer = self._timed_answer(method, url.raw_path, more)
        # As with a network, everything else has its turn before an answer comes.
        await asyncio.sleep(0)
        if method == "GET":
            self.last_read = time.perf_counter()
        yield answer

    def _timed_answer(self, method: str, path: str, more: Mapping[str, Any]) -> Answer:
        started = time.thread_time()
        answer = self._answer(method, path, more)
        self.own_seconds += time.thread_time() - started
        return answer

    def _answer(self, method: str, path: str, more: Mapping[str, Any]) -> Answer:
        parts = [unquote(part) for part in path.split("/")]
        if "/state" in path and method in ("GET", "PUT"):
            return self._answer_state(method, parts[parts.index("rooms") + 1 :], more)
        if path.endswith("/joined_rooms"):
            return Answer(self.rooms.joined())
        if path.endswith("/createRoom"):
            return _answer({"room_id": self.rooms.create(json.loads(more["data"]))})
        if path.endswith("/capabilities"):
            return _answer({"capabilities": {"m.room_versions": {"default": "12"}}})
        if path.endswith("/sync"):
            return Answer(self._sync("since" in more["params"]))
        if path.endswith(INDEX):
            if method == "PUT":
                self._index = more["data"]
            return Answer(self._index or self._first_index())
        if "/send/" in path:
            return _answer({"event_id": f"$sent-{self.requests}"})
        return Answer("{}") if method != "GET" else NOT_FOUND

    def _answer_state(self, method: str, parts: list[str], more: Mapping[str, Any]) -> Answer:
        room, kind, key = parts[0], "".join(parts[2:3]), "".join(parts[3:4])
        if not kind:
            return Answer(self.rooms.state(room))
        if method == "PUT":
            return _answer(
                {"event_id": self.rooms.put(room, kind, key, json.loads(more["data"]))["event_id"]}
            )
        content = self.rooms.content(room, kind, key)
        return NOT_FOUND if content is None else _answer(content)

    def _first_index(self) -> str:
        spaces = [room_id(space, "s000") for space in range(self.spaces)]
        foreign = [room_id(space, "f000") for space in range(self.spaces)]
        index = RoomIndex(frozenset(spaces), frozenset(foreign))
        return json.dumps(encode_index(index))

    def _sync(self, incremental: bool) -> str:
        if not incremental or not self.changed:
            return '{"next_batch": "s1"}'
        reordered = next(one for one in space_state(self.chats) if one["type"] == CHILD_TYPE)
        event = json.dumps(reordered)
        step = self.spaces // self.changed
        rooms = {
            room_id(space, "s000"): {
                "timeline": {"events": [json.loads(event.replace(HOLE, f"{space:08d}"))]}
            }
            for space in range(0, self.spaces, step)
        }
        return json.dumps({"next_batch": "s2", "rooms": {"join": rooms}})


def _answer(content: Mapping[str, Any]) -> Answer:
    return Answer(json.dumps(content))
