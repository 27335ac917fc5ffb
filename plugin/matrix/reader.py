"""Looks at Matrix: joined rooms, room state, invitations, and what the bot once noted.

State is read raw and decoded event by event; mautrix's own `get_state` fails whole on one bad
event. A look that failed is an outcome, never an empty answer. Nothing is written here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import attr
from mautrix.api import Method, Path
from mautrix.errors import MatrixRequestError, MForbidden, MNotFound, MUnrecognized
from mautrix.types import RoomID, SyncToken

from ..topology.decode import decode_room
from ..topology.model import Identity
from ..topology.scope import TOPOLOGY_TYPES
from ..topology.snapshot import Room, Snapshot
from .account_data import (
    CURSOR_TYPE,
    INDEX_TYPE,
    RoomIndex,
    decode_cursor,
    decode_index,
    encode_cursor,
    encode_index,
    own_type,
    part_of,
)
from .api import NoAnswer, RetryingAPI
from .sync import Invitation, invitations_in

# A look at every chat goes on behind the conversations, so it takes few places of its own.
MAX_CONCURRENT = 8
MAX_CONCURRENT_FULL = 2
# Times the usual patience that is had with a room that was silent again and again: a large Space
# may take long, and waits alone.
MOST_PATIENCE = 16
MESSAGE_TYPES = ("m.room.message", "m.room.encrypted", "m.room.redaction")


class Reader:
    """Reads the homeserver as the bot sees it."""

    def __init__(self, api: RetryingAPI, identity: Identity, straggler: float) -> None:
        """
        Args:
            api: the homeserver.
            identity: the bot and the instance in whose name rooms are read.
            straggler: seconds without any answer after which a look gives up the rooms that it
                waits for.
        """
        self.api = api
        self.identity = identity
        self.straggler = straggler
        self._noted: RoomIndex | None = None
        # How many looks in a row gave a room up; it is gone from here as soon as it answers.
        self._silent: Counter[RoomID] = Counter()

    async def observe(self, likely_spaces: Iterable[RoomID], full: bool) -> Snapshot:
        """Look at the joined rooms, and read every room that is likely to be a Space.

        Args:
            likely_spaces: rooms that the cache holds to be Spaces.
            thorough: the look shall go on to each chat's own state.

        Raises:
            NoAnswer: not even the joined rooms could be listed.
        """
        joined, index = await asyncio.gather(self.joined_rooms(), self.read_index())
        snapshot = Snapshot(
            bot=self.identity.bot,
            joined=joined,
            rooms={},
            foreign=index.foreign & joined,
            full=full,
        )
        return await self.look(snapshot, joined & {*index.spaces, *likely_spaces})

    async def look(self, snapshot: Snapshot, room_ids: Iterable[RoomID]) -> Snapshot:
        """The same snapshot after reading these rooms as well.

        Rooms that are waited for while no room answers count as unread: one that hangs costs a
        look a moment, and a homeserver that is merely slow is waited for. Rooms that were silent
        before come last and get more time, so that a large Space is read at some time.
        """
        found = _Look(snapshot)
        waiting = deque(sorted(room_ids, key=lambda room_id: (self._silent[room_id], room_id)))
        places = MAX_CONCURRENT_FULL if snapshot.full and snapshot.rooms else MAX_CONCURRENT
        reading: dict[asyncio.Task[None], RoomID] = {}
        silences = 0
        try:
            while waiting or reading:
                while waiting and len(reading) < places:
                    room_id = waiting.popleft()
                    reading[asyncio.create_task(self._read(room_id, found))] = room_id
                done, _ = await asyncio.wait(
                    reading,
                    timeout=self._patience(reading.values()),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    del self._silent[reading.pop(task)]
                    task.result()
                if done:
                    silences = 0
                    continue
                silences += 1
                # After two silences in a row nobody is expected to answer any more.
                given_up = [*reading.values(), *(waiting if silences > 1 else ())]
                self._silent.update(reading.values())
                found.unread.update(given_up)
                await _cancel(reading)
                waiting = waiting if silences == 1 else deque()
        finally:
            await _cancel(reading)
        return found.result()

    def _patience(self, room_ids: Iterable[RoomID]) -> float:
        silent = max((self._silent[room_id] for room_id in room_ids), default=0)
        return self.straggler * min(2.0**silent, MOST_PATIENCE)

    async def _read(self, room_id: RoomID, found: _Look) -> None:
        try:
            found.rooms[room_id] = await self._room(room_id)
        except (MNotFound, MForbidden):
            found.refused_read.add(room_id)
        except (NoAnswer, MatrixRequestError):
            found.unread.add(room_id)
            return
        found.unread.discard(room_id)

    async def _room(self, room_id: RoomID) -> Room:
        events = await self.api.request(Method.GET, Path.v3.rooms[room_id].state)
        room = decode_room(room_id, events, self.identity) if isinstance(events, list) else None
        if room is None:
            raise NoAnswer("the answer is no room's state")
        return room

    async def joined_rooms(self) -> frozenset[RoomID]:
        """Every room the bot is in.

        Raises:
            NoAnswer: the answer was no list of rooms.
        """
        answer = await self.api.request(Method.GET, Path.v3.joined_rooms)
        rooms = answer.get("joined_rooms") if isinstance(answer, dict) else None
        if not isinstance(rooms, list) or not all(isinstance(room, str) for room in rooms):
            raise NoAnswer("the answer lists no joined rooms")
        return frozenset(RoomID(room) for room in rooms)

    async def read_index(self) -> RoomIndex:
        """What this instance noted about the joined rooms; empty where that cannot be read."""
        try:
            self._noted = decode_index(await self._account_data(INDEX_TYPE))
        except (NoAnswer, MatrixRequestError):
            # Not read is not empty: nothing is written over it before it was read.
            self._noted = None
        return self._noted or RoomIndex()

    @property
    def noted(self) -> RoomIndex:
        """The index as it was last read or written here."""
        return self._noted or RoomIndex()

    async def write_index(self, index: RoomIndex) -> None:
        """Note which rooms are Spaces and which are foreign, for the next start.

        Raises:
            NoAnswer: the homeserver did not take it, or what stands there could not be read;
                the next start will read more rooms.
        """
        if self._noted is None:
            before = await self.read_index()
            index = RoomIndex(index.spaces, index.foreign | before.foreign)
        if self._noted is None:
            raise NoAnswer("what was noted before could not be read")
        if index == self._noted:
            return
        await self._put_account_data(INDEX_TYPE, encode_index(index))
        self._noted = index

    async def note_space(self, room_id: RoomID) -> None:
        """Add a new Space to what is noted; it is found without that too, with more requests."""
        noted = self._noted or await self.read_index()
        with contextlib.suppress(NoAnswer, MatrixRequestError):
            await self.write_index(attr.evolve(noted, spaces=noted.spaces | {room_id}))

    async def read_cursor(self) -> SyncToken | None:
        """The sync token that this instance noted last, if it did.

        Raises:
            NoAnswer, MatrixRequestError: that is not known.
        """
        return decode_cursor(await self._account_data(CURSOR_TYPE))

    async def write_cursor(self, token: SyncToken) -> None:
        """Note up to which sync token everything was seen.

        Raises:
            NoAnswer: the homeserver did not take it.
        """
        await self._put_account_data(CURSOR_TYPE, encode_cursor(token))

    async def _account_data(self, shared: str) -> Any:
        """What this instance noted; None if it did not."""
        instance = self.identity.instance
        try:
            return await self.api.request(Method.GET, self._path(own_type(shared, instance)))
        except (MNotFound, MUnrecognized):
            pass
        try:
            answer = await self.api.request(Method.GET, self._path(shared))
        except (MNotFound, MUnrecognized):
            return None
        return part_of(answer, instance) if isinstance(answer, dict) else None

    async def _put_account_data(self, shared: str, content: dict[str, Any]) -> None:
        path = self._path(own_type(shared, self.identity.instance))
        await self.api.request(Method.PUT, path, content)

    def _path(self, event_type: str) -> Any:
        return Path.v3.user[self.identity.bot].account_data[event_type]

    async def begin(self) -> tuple[SyncToken, list[Invitation]]:
        """A token for what happens from now on, and every invitation that waits for an answer.

        An initial sync that asks for no rooms still lists the invitations (client-server API,
        section 6.4), and is the only call that does.
        """
        answer = await self._sync({"room": {"rooms": []}, "presence": {"types": []}}, None)
        return answer["next_batch"], invitations_in(answer, self.identity.bot)

    async def since(self, token: SyncToken) -> dict[str, Any]:
        """The messages, invitations and changes of topology since a token, as `/sync` has them.

        Raises:
            MatrixRequestError: the homeserver does not know the token any more.
        """
        none: dict[str, list[str]] = {"types": []}
        # A kick of the bot shows only where the timeline lets members through.
        timeline = {"types": [*TOPOLOGY_TYPES, *MESSAGE_TYPES], "limit": 100}
        state = {"types": list(TOPOLOGY_TYPES)}
        room = {"timeline": timeline, "state": state, "ephemeral": none, "account_data": none}
        return await self._sync({"room": room, "presence": none, "account_data": none}, token)

    async def _sync(self, chosen: dict[str, Any], since: SyncToken | None) -> dict[str, Any]:
        # Synapse answers a sync that it saw before from memory, for two minutes, whatever
        # happened since: a room that does not exist makes each one new.
        chosen["room"]["not_rooms"] = [f"!{uuid4()}:nowhere.invalid"]
        query = {
            "filter": json.dumps(chosen),
            "since": since,
            "timeout": 0,
            "set_presence": "offline",
        }
        answer = await self.api.request(Method.GET, Path.v3.sync, query_params=query)
        if not isinstance(answer, dict) or not isinstance(answer.get("next_batch"), str):
            raise NoAnswer("the answer is no sync")
        return answer


class _Look:
    """What a look has found so far."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.rooms: dict[RoomID, Room] = dict(snapshot.rooms)
        self.refused_read: set[RoomID] = set(snapshot.refused_read)
        self.unread: set[RoomID] = set(snapshot.unread)

    def result(self) -> Snapshot:
        return attr.evolve(
            self.snapshot,
            rooms=self.rooms,
            refused_read=frozenset(self.refused_read),
            unread=frozenset(self.unread),
        )


async def _cancel(reading: dict[asyncio.Task[None], RoomID]) -> None:
    tasks = list(reading)
    reading.clear()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
