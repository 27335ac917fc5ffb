"""What must be written so that the tables hold one topology instead of another.

It is worked out on plain values, wherever there is time for that, and carried out inside a
transaction of somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attr
from mautrix.types import UserID
from mautrix.util.async_db import Connection

from ..topology.model import Chat, Space, Topology
from .digests import digests, space_hash
from .rows import chat_row

REMOVE_SPACE = "DELETE FROM space WHERE space_id=$1"
REMOVE_CHAT = "DELETE FROM chat WHERE room_id=$1"
PUT_SPACE = """INSERT INTO space (space_id, matrix_user_id, created_at, digest)
    VALUES ($1, $2, $3, $4) ON CONFLICT (space_id) DO UPDATE
    SET matrix_user_id=excluded.matrix_user_id, created_at=excluded.created_at,
        digest=excluded.digest"""
PUT_CHAT = """INSERT INTO chat (room_id, space_id, matrix_user_id, chat_id, platform,
        platform_chat_id, status) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (room_id) DO UPDATE
    SET space_id=excluded.space_id, matrix_user_id=excluded.matrix_user_id,
        chat_id=excluded.chat_id, platform=excluded.platform,
        platform_chat_id=excluded.platform_chat_id, status=excluded.status"""


@attr.frozen
class Change:
    """What leads from one topology to another: rows to put, and rows to remove."""

    spaces: list[Space]
    chats: list[Chat]
    gone_spaces: list[Space]
    gone_chats: list[Chat]

    def __bool__(self) -> bool:
        return bool(self.spaces or self.chats or self.gone_spaces or self.gone_chats)

    @property
    def owners(self) -> frozenset[UserID]:
        """Those whose rows it touches."""
        spaces, chats = (*self.spaces, *self.gone_spaces), (*self.chats, *self.gone_chats)
        return frozenset({*(one.owner for one in spaces), *(one.owner for one in chats)})


@attr.frozen
class Contents:
    """What the tables hold: the topology, and the digests kept with it.

    Attributes:
        digests: of each owner's chats.
        digest: over all Spaces.
    """

    topology: Topology = attr.field(factory=Topology)
    digests: Mapping[UserID, str] = attr.field(factory=dict)
    digest: int = 0


@attr.frozen
class Update:
    """What must be written, and what the tables hold then.

    Attributes:
        orders: statements in their order, each with the rows it is for.
    """

    orders: list[tuple[str, list[tuple[Any, ...]]]]
    contents: Contents

    def __bool__(self) -> bool:
        return any(rows for _, rows in self.orders)


def difference(old: Topology, new: Topology) -> Change:
    """What leads from one topology to another."""
    return Change(
        [space for key, space in new.spaces.items() if old.spaces.get(key) != space],
        [
            chat
            for key, chat in new.chats.items()
            if (before := old.chats.get(key)) is not chat
            and (before is None or chat_row(before) != chat_row(chat))
        ],
        [space for key, space in old.spaces.items() if key not in new.spaces],
        [chat for key, chat in old.chats.items() if key not in new.chats],
    )


def plan_update(held: Contents, topology: Topology, mismatched: Iterable[UserID]) -> Update:
    """What makes the tables hold this topology; false where they do.

    Args:
        held: what they hold.
        topology: what they shall hold.
        doubtful: owners whose digest is to be written in any case.
    """
    change = difference(held.topology, topology)
    owners = change.owners.union(mismatched)
    if not owners:
        return Update([], held)
    fresh = {**held.digests, **digests(topology, owners)}
    spaces = [space for space in topology.spaces.values() if space.owner in owners]
    digest = held.digest
    for space in held.topology.spaces.values():
        if space.owner in owners:
            digest ^= space_hash(space, held.digests[space.owner])
    for space in spaces:
        digest ^= space_hash(space, fresh[space.owner])
    orders: list[tuple[str, list[tuple[Any, ...]]]] = [
        (REMOVE_SPACE, [(one.room_id,) for one in change.gone_spaces]),
        (REMOVE_CHAT, [(one.room_id,) for one in change.gone_chats]),
        (
            PUT_SPACE,
            [(one.room_id, one.owner, one.created_at, fresh[one.owner]) for one in spaces],
        ),
        (PUT_CHAT, [chat_row(chat) for chat in change.chats]),
    ]
    return Update(orders, Contents(topology, fresh, digest))


async def execute(conn: Connection, update: Update) -> None:
    """Write an update into the tables, inside a transaction of the caller's."""
    for statement, rows in update.orders:
        if rows:
            await conn.executemany(statement, rows)
