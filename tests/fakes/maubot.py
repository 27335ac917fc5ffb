"""Runs the plugin the way maubot does: its client, a real SQLite database, its configuration.

What it delivers, it delivers as maubot's syncer would, the loss of the first sync included. A
stop, a kill and a new start are separate steps, so that tests can meddle in between.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import sqlite3
from pathlib import Path
from typing import Any, cast

import aiohttp
import attr
from maubot.loader import BasePluginLoader
from maubot.matrix import MaubotMatrixClient
from mautrix.client import InternalEventType
from mautrix.client.state_store import MemoryStateStore
from mautrix.types import JSON, EventType, Membership, MemberStateEventContent, StateEvent, UserID
from mautrix.util.async_db import Database
from mautrix.util.logging import TraceLogger

from plugin import Spacekeeper
from plugin.config.timing import Limits, StreamTiming, Timing
from plugin.matrix.retry import Backoff, RequestPolicies, RetryPolicy

from ..config_text import Text
from .homeserver import Homeserver
from .sync import now, sync
from .tasks import Tasks

BOT = UserID("@bot:test")
# How long the plugin waits is tested where the waiting is written; elsewhere it would cost time.
SOON = Backoff(first=0.002)
FAST = Timing(
    requests=RequestPolicies(backoff=SOON),
    backoff=SOON,
    reply=SOON,
    recheck=0.01,
    straggler=0.5,
    room_turn=0.2,
    debounce=0.0,
    doubt=0.0,
    key_waits=(0.0,),
    platform_retries=(0.0, 0.0),
    stop=0.05,
)
FILTER = {"room": {"state": {"lazy_load_members": True}}}
LOG = cast(TraceLogger, logging.getLogger("maubot.instance.spacekeeper"))


class Bot:
    """One maubot instance of the plugin: it outlives the plugin objects that run in it."""

    def __init__(
        self,
        server: Homeserver,
        folder: Path,
        config: str = "",
        *,
        instance: str = "spacekeeper",
        beside: Bot | None = None,
    ) -> None:
        """
        Args:
            server: the homeserver.
            folder: where the database is kept.
            config: the configuration as somebody wrote it.
            instance: the instance's id in maubot.
            beside: another instance on the same client, which must have been started and delivers
                to both.
        """
        self.server = server
        self.instance = instance
        self._beside = beside
        self.database = folder / f"{instance}.db"
        self.text = Text(config)
        self.timing = FAST
        self.limits = Limits()
        self.autojoin = False
        self.plugin: Spacekeeper
        self.client: MaubotMatrixClient
        self.running = False
        self._tasks = Tasks()
        self._http: aiohttp.ClientSession | None = None
        self._token: str | None = None
        self._first = True

    def give_up_soon(self) -> None:
        """From the next start on, give up on a homeserver that fails within milliseconds."""
        brief = RetryPolicy(in_flight=8, attempt=5, total=0.01)
        requests = attr.evolve(self.timing.requests, read=brief, write=brief)
        self.timing = attr.evolve(self.timing, requests=requests)

    def verify_at_once(self) -> None:
        """From the next start on, verify every chat at once after it."""
        self.timing = attr.evolve(self.timing, verify=0.0)

    def stream_at_once(self) -> None:
        """From the next start on, show answers word by word, as soon as there are any."""
        timing = StreamTiming(
            whole_within=0.0,
            first_within=0.0,
            moment=0.0,
            intervals=(0.0,),
            least_new=1,
            least_new_later=1,
            late_interval=0.0,
            again=0.1,
        )
        self.timing = attr.evolve(self.timing, streaming=timing)

    @property
    def is_serving(self) -> bool:
        """Whether the plugin's handlers are registered."""
        return self.plugin.startup is not None and self.plugin.startup.cursor is not None

    async def start(self) -> None:
        """Start the plugin; returns when its `start()` has returned."""
        with self._tasks.kept():
            await self._start()

    async def start_beside(self) -> Spacekeeper:
        """Make a second plugin object while the first one runs, as maubot does if it is told to
        stop and start during a start; returns the first one."""
        older = self.plugin
        with self._tasks.kept():
            await self._launch()
        return older

    async def stop(self) -> None:
        """Stop the plugin and close its database, as an orderly stop in maubot does."""
        if self.running:
            self.running = False
            await self.plugin.internal_stop()
            await self._database().stop()

    async def reload(self) -> None:
        """Put a new plugin object in the old one's place, as an upload does; maubot's client
        syncs on meanwhile."""
        await self.stop()
        with self._tasks.kept():
            await self._launch()

    async def kill(self) -> None:
        """End everything the plugin does, wherever it is, without telling it."""
        self.running = False
        await self._tasks.cancel()
        if self.plugin.platform_http is not None:
            await self.plugin.platform_http.close()
        await self._database().stop()

    async def restart(self, *, keep_database: bool = True) -> None:
        """Stop, start and let the plugin come to rest."""
        await self.stop()
        if not keep_database:
            self.database.unlink(missing_ok=True)
        await self.start()
        await self.settled()

    async def close(self) -> None:
        """Stop, and leave nothing behind."""
        self.server.heal()
        if self.running:
            await self.kill()
        await self._tasks.cancel()
        if self._http is not None:
            await self._http.close()

    async def deliver(self) -> None:
        """Hand over what happened since the last time, and wait until it was dealt with."""
        await self.push()
        await self.settled()

    async def push(self) -> None:
        """Hand over what happened since the last time, as maubot's syncer would."""
        # mautrix writes into what it reads.
        data = copy.deepcopy(sync(self.server.world, BOT, self._token, FILTER))
        data["net.maunium.mautrix"] = {"is_first": self._first, "is_initial": not self._token}
        first, self._first, self._token = self._first, False, data["next_batch"]
        with self._tasks.kept():
            await self.client.run_internal_event(InternalEventType.SYNC_SUCCESSFUL, data=data)
            if not first:
                await asyncio.gather(*self.client.handle_sync(cast(JSON, data)))

    async def settled(self) -> None:
        """Wait until the plugin has nothing left to do; raises AssertionError if it goes on."""
        await self._tasks.settled()

    async def configure(self, text: str) -> None:
        """Save another configuration in maubot's web UI."""
        self.text.text = text
        # Synchronous in this plugin; maubot would await it if it were not.
        with self._tasks.kept():
            self.plugin.on_external_config_update()

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement on the database behind the plugin's back."""
        connection = sqlite3.connect(self.database)
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    async def _start(self) -> None:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        if self._beside is not None:
            self.client = self._beside.client
            await self._launch()
            return
        self.client = MaubotMatrixClient(
            mxid=BOT,
            base_url=self.server.url,
            token=BOT,
            client_session=self._http,
            log=LOG,
            state_store=MemoryStateStore(),
        )
        if self.autojoin:
            self.client.add_event_handler(EventType.ROOM_MEMBER, self._accept)
        self._begin_sync()
        await self._launch()

    async def _launch(self) -> None:
        table = Spacekeeper.get_db_upgrade_table()
        # As most builds of SQLite have it: what is deleted stays in the file.
        args = {"init_commands": ["PRAGMA secure_delete = OFF"]}
        url = f"sqlite:{self.database}"
        database = Database.create(url, upgrade_table=table, db_args=args, log=LOG)
        await database.start()
        self.plugin = Spacekeeper(
            client=self.client,
            loop=asyncio.get_running_loop(),
            http=cast(aiohttp.ClientSession, self._http),
            instance_id=self.instance,
            log=LOG,
            config=self.text.config,
            database=database,
            webapp=None,
            webapp_url=None,
            # The plugin asks nothing of its loader.
            loader=cast(BasePluginLoader, None),
        )
        self.plugin.timing, self.plugin.limits = self.timing, self.limits
        self.running = True
        await self.plugin.internal_start()

    def clear_cache(self) -> None:
        """Forget where the sync was, as maubot does when it is told to clear its cache."""
        self._token, self._first = None, True

    def discard_next_sync(self) -> None:
        """Let the next sync be one that maubot throws away."""
        self._first = True

    def _begin_sync(self) -> None:
        """maubot syncs before it starts plugins: news there was by then is lost on them, and
        without news the first sync, which is thrown away too, stays open."""
        if self._token is None:
            self._token = now(self.server.world)
        self._first = self._token == now(self.server.world)
        self._token = now(self.server.world)

    async def _accept(self, evt: StateEvent) -> None:
        content = cast(MemberStateEventContent, evt.content)
        if evt.state_key == BOT and content.membership == Membership.INVITE:
            await self.client.join_room(evt.room_id)

    def _database(self) -> Database:
        assert isinstance(self.plugin.database, Database)
        return self.plugin.database
