"""Reads what the bot sees in Matrix: the joined rooms, their state, and what a sync tells.

State is read raw and decoded event by event; mautrix's own `get_state` fails whole on one bad
event. A failed read is an outcome, never an empty answer. Nothing is written here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import uuid4

from mautrix.api import Method, Path
from mautrix.errors import MatrixRequestError, MForbidden, MNotFound
from mautrix.types import RoomID, SyncToken

from ..topology.decode import decode_room
from ..topology.scope import TOPOLOGY_TYPES
from ..topology.snapshot import Room, Snapshot, SnapshotBuilder
from .account_data import AccountData
from .api import NoAnswer, RetryingAPI, TooLarge
from .concurrent_reads import ConcurrentReads
from .sync import Invitation, invitations_in

# Rooms read at the same time. Reading every chat's own state goes on while people are served, so
# it takes fewer of the slots that all reads share.
MAX_CONCURRENT = 8
MAX_CONCURRENT_GENTLY = 2
# State events of a room that take no time to decode.
FEW = 1_000
MESSAGE_TYPES = ("m.room.message", "m.room.encrypted", "m.room.redaction", "m.reaction")


class Reader:
    """Reads the homeserver as the bot sees it."""

    def __init__(self, api: RetryingAPI, account_data: AccountData, straggler: float) -> None:
        """
        Args:
            api: the homeserver.
            account_data: holds the room index, and knows the bot and the instance in whose name
                rooms are read.
            straggler: seconds without any answer after which rooms that were asked for count as
                unread.
        """
        self.api = api
        self.account_data = account_data
        self.identity = account_data.identity
        self._reads = ConcurrentReads(straggler)

    async def observe(self, likely_spaces: Iterable[RoomID], full: bool) -> Snapshot:
        """List the joined rooms, and read each that is likely to be a Space.

        Args:
            likely_spaces: rooms that are Spaces according to the cache; those of the room index
                are read too.
            full: each chat's own state will be read too, not only its mirror in the Space.

        Raises:
            NoAnswer, MatrixRequestError: the joined rooms could not be listed.
        """
        joined, index = await asyncio.gather(self.joined_rooms(), self.account_data.read_index())
        snapshot = Snapshot(
            bot=self.identity.bot,
            joined=joined,
            rooms={},
            foreign=index.foreign & joined,
            full=full,
        )
        return await self.look(snapshot, joined & {*index.spaces, *likely_spaces})

    async def look(self, snapshot: Snapshot, room_ids: Iterable[RoomID]) -> Snapshot:
        """Read the state of some rooms.

        Args:
            snapshot: what was read before; it is not changed.
            room_ids: the rooms to read. Those that do not answer in time count as unread.

        Returns:
            The snapshot with these rooms added: read, refused or unread.
        """
        found = SnapshotBuilder(snapshot)
        gently = snapshot.gently or (snapshot.full and snapshot.rooms)
        slots = MAX_CONCURRENT_GENTLY if gently else MAX_CONCURRENT
        found.unread |= await self._reads.run(room_ids, partial(self._read, found), slots)
        return found.build()

    async def _read(self, found: SnapshotBuilder, room_id: RoomID) -> None:
        try:
            found.rooms[room_id] = await self._room(room_id)
        except (MNotFound, MForbidden):
            found.refused_read.add(room_id)
        except (NoAnswer, MatrixRequestError):
            found.unread.add(room_id)
            return
        found.unread.discard(room_id)

    async def _room(self, room_id: RoomID) -> Room:
        events, room = await self._state(room_id), None
        if isinstance(events, list) and len(events) <= FEW:
            room = decode_room(room_id, events, self.identity)
        elif isinstance(events, list):
            # An owner may link any number of rooms, and nothing else must stand still for that.
            room = await asyncio.to_thread(decode_room, room_id, events, self.identity)
        if room is None:
            raise NoAnswer("the answer is no room's state")
        return room

    async def _state(self, room_id: RoomID) -> Any:
        """All of a room's state; of one that is too large for that, and for good none of the
        bot's, the event that says so."""
        path = Path.v3.rooms[room_id].state
        try:
            return await self.api.request(Method.GET, path)
        except TooLarge:
            event = {"format": "event"}
            path = path["m.room.create"][""]
            create = await self.api.request(Method.GET, path, query_params=event)
            room = decode_room(room_id, [create], self.identity)
            if room is None or room.creator == self.identity.bot or room.predecessor is not None:
                raise
            return [create]

    async def joined_rooms(self) -> frozenset[RoomID]:
        """Every room the bot is in (client-server API, section 10.2).

        Raises:
            NoAnswer, MatrixRequestError: they could not be listed.
        """
        answer = await self.api.request(Method.GET, Path.v3.joined_rooms)
        # Of a million rooms that takes a while, for which nothing else must stand still.
        rooms = await asyncio.to_thread(_joined_rooms_in, answer)
        if rooms is None:
            raise NoAnswer("the answer lists no joined rooms")
        return rooms

    async def begin(self) -> tuple[SyncToken, list[Invitation]]:
        """A fresh sync token, and every invitation that waits for an answer.

        An initial sync that asks for no rooms still lists the invitations (client-server API,
        section 6.4), and is the only request that does.

        Raises:
            NoAnswer, MatrixRequestError: neither is known.
        """
        answer = await self._sync({"room": {"rooms": []}, "presence": {"types": []}}, None)
        return answer["next_batch"], invitations_in(answer, self.identity.bot)

    async def since(self, token: SyncToken) -> dict[str, Any]:
        """The messages, invitations and changes of topology since a token, as `/sync` has them.

        Raises:
            NoAnswer: the homeserver did not answer.
            MatrixRequestError: it does not know the token any more.
        """
        none: dict[str, list[str]] = {"types": []}
        # A kick of the bot shows only where the timeline lets members through.
        timeline = {"types": [*TOPOLOGY_TYPES, *MESSAGE_TYPES], "limit": 100}
        state = {"types": list(TOPOLOGY_TYPES)}
        room = {"timeline": timeline, "state": state, "ephemeral": none, "account_data": none}
        return await self._sync({"room": room, "presence": none, "account_data": none}, token)

    async def _sync(self, chosen: dict[str, Any], since: SyncToken | None) -> dict[str, Any]:
        # Synapse answers a repeated initial sync from a cache for two minutes, whatever happened
        # since: naming a room that does not exist makes each request a new one.
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


def _joined_rooms_in(answer: Any) -> frozenset[RoomID] | None:
    rooms = answer.get("joined_rooms") if isinstance(answer, dict) else None
    if not isinstance(rooms, list) or not all(isinstance(room, str) for room in rooms):
        return None
    return frozenset(RoomID(room) for room in rooms)
