"""Fuzzed: the rows of the database, which anybody may have edited, or a disk have damaged.

What makes no sense is left out or leads to a cold start; nothing of it becomes a route.
"""

from __future__ import annotations

import json
import logging
from typing import Any, cast

import attr
from mautrix.util.async_db import Database

from plugin.cache.diff import chat_row, row_hash, space_row
from plugin.cache.inbox import Inbox
from plugin.cache.load import encode_digest, encode_scope, read_tables
from plugin.cache.pending_message import State
from plugin.cache.transactions import FAILURES, FencedDatabase
from plugin.message import parse_message
from plugin.topology.model import Chat, Space
from plugin.topology.scope import Scope

from .rooms import ALICE, BINDING, CHAT, MESSAGES, SPACE
from .target import LOOP, Target, Unusable, from_json, to_json

INBOX_COLUMNS = ("event_id", "position", "message", "state", "answer", "set_aside_at")
LOG = logging.getLogger("fuzz")
LOG.disabled = True


def _kept() -> list[Any]:
    message = parse_message({**MESSAGES[0], "room_id": CHAT})
    assert message is not None
    return ["$1", 1, json.dumps(attr.asdict(message)), State.SET_ASIDE.value, "Yes", 1_700_000]


SPACE_ROW, CHAT_ROW = space_row(Space(SPACE, ALICE, 5)), chat_row(Chat.bound(CHAT, BINDING))
DIGEST = encode_digest(row_hash(SPACE_ROW) ^ row_hash(CHAT_ROW))
SCOPE = encode_scope(Scope(frozenset({ALICE}), frozenset({CHAT})))
ROWS = {
    "space": [[SPACE, ALICE, 5, 0, 0]],
    "chat": [list(CHAT_ROW)],
    "instance": [["s1", SCOPE, DIGEST]],
    "inbox": [_kept(), [*_kept()[:3], "waiting", None, None]],
}
# What the columns are declared as: SQLite makes text of a number where text is wanted, keeps what
# cannot be a number where that is wanted, and bytes anywhere.
KINDS = {"space": "TTNNN", "chat": "TTTTTTT", "instance": "TTT", "inbox": "TNTTTN"}
# Of each table: to make more of them takes this target itself longer than reading them takes.
MOST_ROWS = 10_000


class _Tables:
    """A database that holds these rows; like SQLite's, a column holds values of any kind."""

    def __init__(self, rows: dict[str, list[list[Any]]]) -> None:
        self._rows = rows
        self._told: set[str] = set()

    async def fetch(self, query: str, *_: Any) -> list[Any]:
        table = next(name for name in KINDS if f"FROM {name}" in query)
        # All at the first time; what comes after the last of them is nothing.
        rows = [] if table in self._told else self._rows[table]
        self._told.add(table)
        if table == "instance":
            return [dict(zip(("token", "unsettled", "digest"), row, strict=True)) for row in rows]
        if table == "inbox":
            return [dict(zip(INBOX_COLUMNS, row, strict=True)) for row in rows]
        return [tuple(row) for row in rows]


def _column(value: Any, kind: str) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value).encode()
    if isinstance(value, bool) or (type(value) is int and not -(2**63) <= value < 2**63):
        value = int(value) if isinstance(value, bool) else float("inf")
    return str(value) if kind == "T" and isinstance(value, (int, float)) else value


async def _load(database: Database, is_whole: bool) -> None:
    loaded = await read_tables(database)
    for chat in loaded.routes.chats.values():
        assert all(isinstance(one, str) for one in chat[:6])
    for space in loaded.routes.spaces.values():
        assert isinstance(space.owner, str)
    assert loaded.token is None or (isinstance(loaded.token, str) and loaded.reliable)
    assert loaded.token or not is_whole
    inbox = Inbox(FencedDatabase(database, LOG, lambda: None))
    for pending in await inbox.load():
        assert isinstance(pending.state, State)
        assert pending.answer is None or isinstance(pending.answer, str)
        attr.asdict(pending.message)
        hash((pending.message.event_id, pending.message.room_id, pending.message.sender))
        pending.message.body.strip()


def read_rows(value: Any) -> None:
    """The rows of all tables."""
    if not isinstance(value, dict):
        raise Unusable
    tables: dict[str, list[list[Any]]] = {}
    for name, kinds in KINDS.items():
        rows = value.get(name)
        found = [row for row in rows if isinstance(row, list)] if isinstance(rows, list) else []
        full = [(row + [None] * len(kinds))[: len(kinds)] for row in found[:MOST_ROWS]]
        tables[name] = [list(map(_column, row, kinds)) for row in full]
    try:
        LOOP.run(_load(cast(Database, _Tables(tables)), value == ROWS))
    except (*FAILURES, LookupError):
        # What `Store.take_over` takes for a damaged database.
        return


TARGETS = (Target("rows", from_json(read_rows), to_json(ROWS)),)
