"""The tables of the cache.

What they hold of the topology is never migrated: a new version drops it and starts empty, since
every row can be had from Matrix again. The inbox stays. A database written by a later version is
taken as it is; the store finds out whether it can be used, and makes it anew if not.
"""

from __future__ import annotations

import time

from mautrix.util.async_db import Connection, Scheme, UpgradeTable

from .transactions import Statement

upgrade_table = UpgradeTable(allow_unsupported=True)

TABLES = {
    # `verified_at`: seconds since the epoch when the own state of its owner's chats was last
    # read; 0 if it was not since the last cold start. `owner_left`: 1 if the owner is neither in
    # it nor invited.
    "space": """CREATE TABLE space (
        space_id       TEXT PRIMARY KEY,
        matrix_user_id TEXT NOT NULL,
        created_at     BIGINT NOT NULL,
        verified_at    BIGINT NOT NULL,
        owner_left     BIGINT NOT NULL
    )""",
    "chat": """CREATE TABLE chat (
        room_id          TEXT PRIMARY KEY,
        space_id         TEXT NOT NULL,
        matrix_user_id   TEXT NOT NULL,
        chat_id          TEXT NOT NULL,
        platform         TEXT NOT NULL,
        platform_chat_id TEXT NOT NULL,
        status           TEXT NOT NULL
    )""",
    # One row. `fence`: which run of the plugin may write here. `token`: the sync token up to which
    # everything was seen, but for what `unsettled` (JSON) names, which must be looked at again.
    # `digest`: over all rows of `space` and `chat`; who edits those by hand cannot keep it true.
    "instance": """CREATE TABLE instance (
        id        INTEGER PRIMARY KEY,
        fence     TEXT NOT NULL,
        token     TEXT NOT NULL,
        unsettled TEXT NOT NULL,
        digest    TEXT NOT NULL
    )""",
}

# Messages that are not answered yet, and answers that do not stand in Matrix yet.
# `set_aside_at`: milliseconds since the epoch, if the message waits for its writer's word.
INBOX = """CREATE TABLE IF NOT EXISTS inbox (
    event_id TEXT PRIMARY KEY,
    position BIGINT NOT NULL,
    message  TEXT NOT NULL,
    state    TEXT NOT NULL,
    answer   TEXT,
    set_aside_at BIGINT
)"""


def rebuild_tables(scheme: Scheme) -> list[Statement]:
    """What makes the tables of the topology anew, empty; the inbox is no copy of anything and
    stays."""
    statements = []
    for name, create in TABLES.items():
        # SQLite keeps rows as they came, and finds each by way of an index where they are read by
        # key: of the only table that grows large, that takes twice the time.
        by_key = name == "chat" and scheme == Scheme.SQLITE
        statements.append(Statement(f"DROP TABLE IF EXISTS {name}"))
        statements.append(Statement(f"{create} WITHOUT ROWID" if by_key else create))
    return statements


async def make_tables(conn: Connection) -> None:
    """Make the tables of a database that has none yet, or had those of another version."""
    for statement in rebuild_tables(conn.scheme):
        await conn.execute(statement.sql)
    await conn.execute("DROP TABLE IF EXISTS inbox")
    await conn.execute(INBOX)


async def move_to_second(conn: Connection) -> None:
    """From the first revision: the inbox stays, under its new name for what it holds."""
    for statement in rebuild_tables(conn.scheme):
        await conn.execute(statement.sql)
    for table in ("life", "unverified"):
        await conn.execute(f"DROP TABLE IF EXISTS {table}")
    await conn.execute("ALTER TABLE inbox RENAME COLUMN letter TO message")


async def move_to_third(conn: Connection) -> None:
    """From the second revision: what was set aside before has its time from now on."""
    await conn.execute("ALTER TABLE inbox ADD COLUMN set_aside_at BIGINT")
    now = int(time.time() * 1000)
    await conn.execute("UPDATE inbox SET set_aside_at=$1 WHERE state='set aside'", now)


async def move_to_fourth(conn: Connection) -> None:
    """From the third revision: of the topology, all is had from Matrix again."""
    for statement in rebuild_tables(conn.scheme):
        await conn.execute(statement.sql)


upgrade_table.register(make_tables, description="Latest revision", upgrades_to=4)
upgrade_table.register(move_to_second, description="Names for what the tables hold")
upgrade_table.register(move_to_third, description="How long a message has been set aside")
upgrade_table.register(move_to_fourth, description="Who left their Space")
