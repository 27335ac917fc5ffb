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

from plugin.matrix.account_data import INDEX_TYPE, RoomIndex, encode_index
from plugin.topology.model import CHILD_TYPE

from ..stack import INSTANCE
from .templates import HOLE, chat_state, control_room_state, room_id, space_state

ADDRESS = "http://homeserver.invalid"
# Answers that grow with the number of Spaces.
LARGE = ("/joined_rooms", INDEX_TYPE)


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
        self._space_state = json.dumps(space_state(chats))
        self._hint: str | None = None

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
        yield answer

    def _timed_answer(self, method: str, path: str, more: Mapping[str, Any]) -> Answer:
        begun = time.thread_time()
        answer = self._answer(method, path, more)
        self.own_seconds += time.thread_time() - begun
        return answer

    def _answer(self, method: str, path: str, more: Mapping[str, Any]) -> Answer:
        if path.endswith("/state"):
            room = unquote(path.split("/")[-2])
            return Answer(self._state(room[9:13]).replace(HOLE, room[1:9]))
        if path.endswith("/joined_rooms"):
            return Answer(json.dumps({"joined_rooms": self._joined()}))
        if path.endswith("/sync"):
            return Answer(self._sync("since" in more["params"]))
        if path.endswith(INDEX_TYPE):
            if method == "PUT":
                self._hint = more["data"]
            return Answer(self._hint or self._first_hint())
        if method == "PUT":
            return Answer("{}")
        return Answer('{"errcode": "M_NOT_FOUND", "error": "There is none."}', 404)

    def _state(self, part: str) -> str:
        if part == "s000":
            return self._space_state
        return json.dumps(chat_state(int(part[1:])) if part[0] == "c" else control_room_state())

    def _joined(self) -> list[str]:
        parts = ["s000", "f000", *(f"c{number:03d}" for number in range(1, self.chats + 1))]
        return [room_id(space, part) for space in range(self.spaces) for part in parts]

    def _first_hint(self) -> str:
        spaces = [room_id(space, "s000") for space in range(self.spaces)]
        foreign = [room_id(space, "f000") for space in range(self.spaces)]
        hint = RoomIndex(frozenset(spaces), frozenset(foreign))
        return json.dumps(encode_index({}, INSTANCE, hint))

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
