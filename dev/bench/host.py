"""The plugin in this process, as maubot would run it, with nothing beside it.

Between a start and its end stands no web server, no syncer and no proxy: what is measured is the
plugin. Whether the session reaches a homeserver or imitates one is no concern of this module, but
whatever the measurements know of the plugin's inside is in here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from pathlib import Path
from typing import cast

from aiohttp import ClientSession
from maubot.loader import BasePluginLoader
from maubot.matrix import MaubotMatrixClient
from mautrix.client.state_store import MemoryStateStore
from mautrix.types import UserID
from mautrix.util.async_db import Database
from mautrix.util.config import RecursiveDict
from mautrix.util.logging import TraceLogger
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from plugin import Spacekeeper
from plugin.config.file import Config
from plugin.config.timing import Timing
from plugin.topology.routes import Routes

from ..environments import ROOT
from ..stack import INSTANCE
from ..synapse import Login

# The plugin's package, under which everything in it is imported.
PACKAGE = Spacekeeper.__module__.partition(".")[0]
# A start that is measured is waited for to its end.
SETTINGS = "startup: {wait: 900}\n"
USUAL = Timing()
# A reconciliation follows a change at once, and no verification of all chats begins: what is
# measured is neither a pause nor what goes on beside.
NO_PAUSES = Timing(debounce=0.0, verify=86_400.0)
LOG = cast(TraceLogger, logging.getLogger("bench"))


class Host:
    """One instance of the plugin; each start makes a plugin object of its own."""

    def __init__(self, session: ClientSession, login: Login, database: Path) -> None:
        """
        Args:
            session: what requests go through.
            login: the bot's.
            database: the cache's file; need not exist.
        """
        self.session = session
        self.login = login
        self.file = database

    def client(self, homeserver: str) -> MaubotMatrixClient:
        """The bot's client as maubot makes it, for the homeserver at this address."""
        return MaubotMatrixClient(
            mxid=UserID(self.login.user_id),
            base_url=homeserver,
            token=self.login.access_token,
            client_session=self.session,
            log=LOG,
            state_store=MemoryStateStore(),
        )

    async def prepare(self, homeserver: str, timing: Timing = USUAL) -> Spacekeeper:
        """A plugin object with its database open: what maubot has before it calls `start()`.

        Args:
            homeserver: its address.
            timing: how long the plugin waits for this and that.
        """
        table = Spacekeeper.get_db_upgrade_table()
        database = Database.create(f"sqlite:{self.file}", upgrade_table=table, log=LOG)
        await database.start()
        plugin = Spacekeeper(
            client=self.client(homeserver),
            loop=asyncio.get_running_loop(),
            http=self.session,
            instance_id=INSTANCE,
            log=LOG,
            config=_config(),
            database=database,
            webapp=None,
            webapp_url=None,
            # The plugin asks nothing of its loader.
            loader=cast(BasePluginLoader, None),
        )
        plugin.timing = timing
        return plugin

    async def stop(self, plugin: Spacekeeper) -> None:
        """End it in good order, as a stop in maubot does."""
        await plugin.internal_stop()
        assert isinstance(plugin.database, Database)
        await plugin.database.stop()

    def forget(self) -> None:
        """Delete the cache."""
        for file in self.file.parent.glob(f"{self.file.name}*"):
            file.unlink()

    def cached_status(self, room_id: str) -> str | None:
        """The status of a chat as the cache's file has it; None where it has no such chat."""
        with contextlib.closing(sqlite3.connect(self.file)) as connection:
            query = "SELECT status FROM chat WHERE room_id=?"
            row: tuple[str] | None = connection.execute(query, (room_id,)).fetchone()
        return row and row[0]


def routes_of(plugin: Spacekeeper) -> Routes:
    """What messages are routed by now."""
    return plugin.services.routes


async def reconcile(plugin: Spacekeeper) -> None:
    """Look at everything, as `!admin reconcile` does."""
    await plugin.services.reconciler.run("benchmark")


def is_idle(plugin: Spacekeeper) -> bool:
    """Whether nothing has to be looked at, and no reconciliation goes on."""
    return plugin.services.reconciler.idle


def _config() -> Config:
    yaml = YAML()
    text = (ROOT / "base-config.yaml").read_text(encoding="utf-8")

    def base() -> RecursiveDict[CommentedMap]:
        return RecursiveDict(yaml.load(text), CommentedMap)

    return Config(lambda: yaml.load(SETTINGS), base, lambda _: None)
