"""What an instance keeps in the bot's account data: an index of its rooms, and a sync token.

Each instance writes event types of its own, so that no write has to keep what another one wrote.
The index saves requests and is never the truth: without it, a start reads more rooms and comes to
the same result. Only the bot's own account can write account data (client-server API, section
13.10), so nobody else can hide a chat by naming it here.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping
from typing import Any

import attr
from mautrix.api import Method, Path
from mautrix.errors import MatrixRequestError, MNotFound, MUnrecognized
from mautrix.types import RoomID, SyncToken

from ..topology.model import Identity
from .api import NoAnswer, RetryingAPI

# Earlier versions kept these for all instances in one event: read where there is no own one.
INDEX_TYPE = "chat.spacekeeper.spaces"
CURSOR_TYPE = "chat.spacekeeper.cursor"
# An instance's key that can be part of an event type, and of a URL, unchanged.
PLAIN_KEY = re.compile(r"[a-z0-9._-]{1,64}")


@attr.frozen
class RoomIndex:
    """The joined rooms that one start spares the next one reading.

    Attributes:
        spaces: the instance's Spaces.
        foreign: rooms that are neither its Spaces nor its chats, for good.
    """

    spaces: frozenset[RoomID] = frozenset()
    foreign: frozenset[RoomID] = frozenset()


class AccountData:
    """Reads and writes what one instance keeps in the bot's account data."""

    def __init__(self, api: RetryingAPI, identity: Identity) -> None:
        """
        Args:
            api: the homeserver.
            identity: the bot, and the instance whose events these are.
        """
        self.api = api
        self.identity = identity
        self._index: RoomIndex | None = None

    @property
    def index(self) -> RoomIndex:
        """The index as it was last read or written; empty where it could not be."""
        return self._index or RoomIndex()

    async def read_index(self) -> RoomIndex:
        """Read the index; it is empty where it cannot be read."""
        try:
            self._index = decode_index(await self._read(INDEX_TYPE))
        except (NoAnswer, MatrixRequestError):
            # Not read is not empty: nothing is written over it before it was read.
            self._index = None
        return self.index

    async def write_index(self, index: RoomIndex) -> None:
        """Write the index, unless it is the same as the one that is there.

        Args:
            index: the whole index. What is there already stays in it where this is the first
                time that it can be read.

        Raises:
            NoAnswer, MatrixRequestError: it was not written; the next start reads more rooms.
        """
        if self._index is None:
            before = await self.read_index()
            index = RoomIndex(index.spaces, index.foreign | before.foreign)
        if self._index is None:
            raise NoAnswer("the index could not be read")
        if index == self._index:
            return
        await self._write(INDEX_TYPE, encode_index(index))
        self._index = index

    async def change_index(self, added: RoomIndex, removed: RoomIndex) -> None:
        """Change the index; it costs what is changed unless it must be written.

        Args:
            added: Spaces and foreign rooms to add.
            removed: rooms that are no Spaces any more, or never were, and foreign ones that the
                bot left.

        Raises:
            NoAnswer, MatrixRequestError: it was not written; the next start reads more rooms.
        """
        index = self._index or await self.read_index()
        there = added.spaces <= index.spaces and added.foreign <= index.foreign
        no_spaces, left = removed.spaces, removed.foreign
        if there and index.spaces.isdisjoint(no_spaces) and index.foreign.isdisjoint(left):
            return
        spaces = (index.spaces - no_spaces) | added.spaces
        foreign = (index.foreign - left) | added.foreign
        await self.write_index(RoomIndex(spaces, foreign))

    async def add_space(self, room_id: RoomID) -> None:
        """Add a Space to the index; where that fails, the next start finds it with more reads."""
        with contextlib.suppress(NoAnswer, MatrixRequestError):
            await self.change_index(RoomIndex(frozenset({room_id})), RoomIndex())

    async def read_cursor(self) -> SyncToken | None:
        """The sync token that this instance wrote last; None if it never did.

        Raises:
            NoAnswer, MatrixRequestError: whether there is one is not known.
        """
        return decode_cursor(await self._read(CURSOR_TYPE))

    async def write_cursor(self, token: SyncToken) -> None:
        """Write the sync token up to which everything was handled.

        Raises:
            NoAnswer, MatrixRequestError: it was not written.
        """
        await self._write(CURSOR_TYPE, {"v": 1, "token": token})

    async def _read(self, shared: str) -> Any:
        """The content of this instance's event; None if there is none."""
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

    async def _write(self, shared: str, content: dict[str, Any]) -> None:
        path = self._path(own_type(shared, self.identity.instance))
        await self.api.request(Method.PUT, path, content)

    def _path(self, event_type: str) -> Any:
        return Path.v3.user[self.identity.bot].account_data[event_type]


def own_type(shared: str, instance: str) -> str:
    """The type of the account data event that one instance alone writes.

    Args:
        shared: `INDEX_TYPE` or `CURSOR_TYPE`.
        instance: the instance's key, which may be any text.
    """
    if PLAIN_KEY.fullmatch(instance):
        return f"{shared}.{instance}"
    digest = hashlib.blake2b(instance.encode(errors="replace"), digest_size=16)
    return f"{shared}.{digest.hexdigest()}"


def decode_index(content: Any) -> RoomIndex:
    """The index in an event's content; empty where its values are of the wrong types."""
    if not isinstance(content, Mapping):
        return RoomIndex()
    spaces, foreign = _rooms(content.get("spaces")), _rooms(content.get("foreign"))
    if spaces is None or foreign is None:
        return RoomIndex()
    return RoomIndex(spaces, foreign)


def encode_index(index: RoomIndex) -> dict[str, Any]:
    """The content of the event that holds this index."""
    return {"v": 1, "spaces": sorted(index.spaces), "foreign": sorted(index.foreign)}


def decode_cursor(content: Any) -> SyncToken | None:
    """The sync token in an event's content, or None where there is none."""
    token = content.get("token") if isinstance(content, Mapping) else None
    return SyncToken(token) if isinstance(token, str) and token else None


def part_of(shared: Mapping[str, Any], instance: str) -> dict[str, Any]:
    """One instance's part of the content of an event that all instances shared, as the content
    of its own event would be."""
    instances = shared.get("instances")
    part = instances.get(instance) if isinstance(instances, dict) else None
    # The shared cursor was a mapping of instances to tokens.
    return part if isinstance(part, dict) else {"token": part}


def _rooms(value: Any) -> frozenset[RoomID] | None:
    if not isinstance(value, list) or not all(isinstance(room_id, str) for room_id in value):
        return None
    return frozenset(RoomID(room_id) for room_id in value)
