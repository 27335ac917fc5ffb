"""A stack of a story's own whose maubot may be killed, and its plugin's database deleted.

Which database server that is must make no difference to any story.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest

from dev import postgres
from dev.postgres import Postgres
from dev.stack import INSTANCE, Options, Stack

from .scenario import eventually


@dataclass
class KillableStack:
    """Such a stack; `server` is its PostgreSQL, if any."""

    stack: Stack
    server: Postgres | None

    async def delete_database(self) -> None:
        """Delete the plugin's database while maubot is down."""
        if self.server is None:
            self.stack.maubot.delete_database(INSTANCE)
            return
        connection = await asyncpg.connect(self.server.url)
        await connection.execute(f'DROP SCHEMA "mbp_{INSTANCE}" CASCADE')
        await connection.close()

    async def until_killed(self) -> None:
        """Wait until the plugin's process has ended."""

        async def is_killed() -> bool:
            return not self.stack.maubot.running

        await eventually(is_killed, "the plugin is killed", 20)


@asynccontextmanager
async def serve_stack(database: str, config: str) -> AsyncIterator[tuple[Stack, Postgres | None]]:
    """A stack for the length of the block, and its PostgreSQL if `database` is "postgres".

    `config` is the instance's. Skips the test where there is no PostgreSQL.
    """
    if database != "postgres":
        async with Stack.start(Options(config=config)) as stack:
            yield stack, None
        return
    if missing := postgres.what_is_missing():
        pytest.skip(missing)
    async with (
        Postgres.serve() as server,
        Stack.start(Options(config=config, database=server.url)) as stack,
    ):
        yield stack, server
