"""Looks at Matrix: joined rooms, room state, invitations, and what the bot once noted.

State is read raw and decoded event by event; mautrix's own `get_state` fails whole on one bad
event. A look that failed is an outcome, never an empty answer. Nothing is written here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import attr
from mautrix.api import Method, Path
from mautrix.errors import MatrixRequestError, MForbidden, MNotFound
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
)
from .api import NoAnswer, RetryingAPI
from .sync import Invitation, invitations_in

# A look at every chat goes on behind the conversations, so it takes few places of its own.
MAX_CONCURRENT = 8
MAX_CONCURRENT_FULL = 2
MESSAGE_TYPES = ("m.room.message", "m.room.encrypted", "m.room.redaction")


class Reader:
    """Reads the homeserver as the bot sees it."""

    def __init__(self, api: RetryingAPI, identity: Identity) -> None:
        self.api = api
        self.identity = identity
        self._noted: RoomIndex | None = None

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
        """The same world after reading these rooms as well."""
        rooms, unread = dict(snapshot.rooms), set(snapshot.unread)
        refused_read = set(snapshot.refused_read)
        places = asyncio.Semaphore(
            MAX_CONCURRENT_FULL if snapshot.full and rooms else MAX_CONCURRENT
        )

        async def read(room_id: RoomID) -> None:
            async with places:
                try:
                    room = await self._room(room_id)
                except (MNotFound, MForbidden):
                    refused_read.add(room_id)
                except (NoAnswer, MatrixRequestError):
                    unread.add(room_id)
                else:
                    rooms[room_id] = room

        await asyncio.gather(*(read(room_id) for room_id in sorted(room_ids)))
        return attr.evolve(
            snapshot,
            rooms=rooms,
            refused_read=frozenset(refused_read),
            unread=frozenset(unread),
        )

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
            self._noted = decode_index(
                await self._account_data(INDEX_TYPE), self.identity.instance
            )
        except NoAnswer:
            self._noted = None
        return self._noted or RoomIndex()

    @property
    def noted(self) -> RoomIndex:
        """The hint as it was last read or written here."""
        return self._noted or RoomIndex()

    async def write_index(self, index: RoomIndex) -> None:
        """Note which rooms are Spaces and which are foreign, for the next start.

        Raises:
            NoAnswer: the homeserver did not take it; the next start will read more rooms.
        """
        if index == self._noted:
            return
        content = encode_index(await self._account_data(INDEX_TYPE), self.identity.instance, index)
        await self.api.request(Method.PUT, self._account_path(INDEX_TYPE), content)
        self._noted = index

    async def note_space(self, room_id: RoomID) -> None:
        """Add a new Space to what is noted; it is found without that too, with more requests."""
        noted = self._noted or await self.read_index()
        with contextlib.suppress(NoAnswer, MatrixRequestError):
            await self.write_index(attr.evolve(noted, spaces=noted.spaces | {room_id}))

    async def read_cursor(self) -> SyncToken | None:
        """The sync token that this instance noted last, if it did."""
        return decode_cursor(await self._account_data(CURSOR_TYPE), self.identity.instance)

    async def write_cursor(self, token: SyncToken) -> None:
        """Note up to which sync token everything was seen.

        Raises:
            NoAnswer: the homeserver did not take it.
        """
        standing = await self._account_data(CURSOR_TYPE)
        content = encode_cursor(standing, self.identity.instance, token)
        await self.api.request(Method.PUT, self._account_path(CURSOR_TYPE), content)

    async def _account_data(self, kind: str) -> dict[str, Any]:
        try:
            answer = await self.api.request(Method.GET, self._account_path(kind))
        except MatrixRequestError:
            return {}
        return answer if isinstance(answer, dict) else {}

    def _account_path(self, kind: str) -> Any:
        return Path.v3.user[self.identity.bot].account_data[kind]

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
