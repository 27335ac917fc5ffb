"""A newer plugin on an older one's database: messages that wait for an answer are still there."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import attr

from plugin.cache.inbox import Inbox
from plugin.cache.pending_message import State

from .conftest import Open
from .store_helpers import loaded, new_guard
from .test_inbox import FIRST, SECOND

# The tables as the first revision made them.
FIRST_REVISION = """
CREATE TABLE version (version INTEGER PRIMARY KEY);
INSERT INTO version VALUES (1);
CREATE TABLE space (space_id TEXT PRIMARY KEY, matrix_user_id TEXT NOT NULL,
    created_at BIGINT NOT NULL, digest TEXT NOT NULL);
CREATE TABLE chat (room_id TEXT PRIMARY KEY, space_id TEXT NOT NULL,
    matrix_user_id TEXT NOT NULL, chat_id TEXT NOT NULL, platform TEXT NOT NULL,
    platform_chat_id TEXT NOT NULL, status TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE unverified (matrix_user_id TEXT PRIMARY KEY);
CREATE TABLE life (id INTEGER PRIMARY KEY, holder TEXT NOT NULL, token TEXT NOT NULL,
    digest TEXT NOT NULL);
INSERT INTO life VALUES (0, 'somebody', 's1', 'x');
CREATE TABLE inbox (event_id TEXT PRIMARY KEY, position BIGINT NOT NULL, letter TEXT NOT NULL,
    state TEXT NOT NULL, answer TEXT);
"""


# The inbox as the second revision made it; the rest is of no concern.
SECOND_REVISION = """
CREATE TABLE version (version INTEGER PRIMARY KEY);
INSERT INTO version VALUES (2);
CREATE TABLE inbox (event_id TEXT PRIMARY KEY, position BIGINT NOT NULL, message TEXT NOT NULL,
    state TEXT NOT NULL, answer TEXT);
"""


async def test_messages_that_wait_survive_an_upgrade(open_database: Open, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "cache.db")
    connection.executescript(FIRST_REVISION)
    row = (FIRST.event_id, 1, json.dumps(attr.asdict(FIRST)), "waiting", "Hi")
    with connection:
        connection.execute("INSERT INTO inbox VALUES (?, ?, ?, ?, ?)", row)
    connection.close()

    database = await open_database()

    (kept,) = await Inbox(new_guard(database)).load()
    assert (kept.message, kept.state, kept.answer) == (FIRST, State.WAITING, "Hi")
    # What stood there of the topology is had from Matrix again.
    assert (await loaded(database)).token is None


async def test_what_was_set_aside_survives_an_upgrade_and_has_its_time_from_then_on(
    open_database: Open, tmp_path: Path
) -> None:
    connection = sqlite3.connect(tmp_path / "cache.db")
    connection.executescript(SECOND_REVISION)
    with connection:
        for place, (message, state) in enumerate([(FIRST, "set aside"), (SECOND, "waiting")]):
            row = (message.event_id, place, json.dumps(attr.asdict(message)), state, None)
            connection.execute("INSERT INTO inbox VALUES (?, ?, ?, ?, ?)", row)
    connection.close()
    before = int(time.time() * 1000)

    database = await open_database()

    aside, waiting = await Inbox(new_guard(database)).load()
    assert (aside.message, aside.state) == (FIRST, State.SET_ASIDE)
    assert before <= aside.set_aside_at <= time.time() * 1000
    assert (waiting.message, waiting.state, waiting.set_aside_at) == (SECOND, State.WAITING, 0)
