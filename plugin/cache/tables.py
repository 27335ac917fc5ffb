"""The tables of the cache.

There is nothing to migrate: a new version drops what stands and starts empty, since every row
can be had from Matrix again. A database written by a later version is taken as it is; store.py
finds out whether it can be used, and makes it anew if not.
"""

from __future__ import annotations

from mautrix.util.async_db import Connection, Scheme, UpgradeTable

upgrade_table = UpgradeTable(allow_unsupported=True)

TABLES = {
    # `digest` is over the owner's rows in `chat`: who edits those by hand cannot keep it true.
    "space": """CREATE TABLE space (
        space_id       TEXT PRIMARY KEY,
        matrix_user_id TEXT NOT NULL,
        created_at     BIGINT NOT NULL,
        digest         TEXT NOT NULL
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
    # Owners whose chats' own state is still to be read after a cold start.
    "unverified": "CREATE TABLE unverified (matrix_user_id TEXT PRIMARY KEY)",
    # One row: which life of the plugin may write here, up to which sync token everything was
    # seen, and the digest over all Spaces.
    "life": """CREATE TABLE life (
        id     INTEGER PRIMARY KEY,
        holder TEXT NOT NULL,
        token  TEXT NOT NULL,
        digest TEXT NOT NULL
    )""",
}

# Messages that are not answered yet, and answers that do not stand in Matrix yet.
INBOX = """CREATE TABLE IF NOT EXISTS inbox (
    event_id TEXT PRIMARY KEY,
    position BIGINT NOT NULL,
    message  TEXT NOT NULL,
    state    TEXT NOT NULL,
    answer   TEXT
)"""


async def make_tables(conn: Connection) -> None:
    """Make the tables of a database that has none yet, or had those of another version."""
    await rebuild_tables(conn)
    await conn.execute("DROP TABLE IF EXISTS inbox")
    await conn.execute(INBOX)


async def rebuild_tables(conn: Connection) -> None:
    """Make the tables of the topology anew, empty; the inbox is no copy of anything and stays."""
    for name, statement in TABLES.items():
        await conn.execute(f"DROP TABLE IF EXISTS {name}")
        # SQLite keeps rows as they came, and finds each by way of an index where they are read by
        # key: of the only table that grows large, that takes twice the time.
        by_key = name == "chat" and conn.scheme == Scheme.SQLITE
        await conn.execute(f"{statement} WITHOUT ROWID" if by_key else statement)


upgrade_table.register(make_tables, description="Latest revision")
