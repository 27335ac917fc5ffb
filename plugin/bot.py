"""The plugin object, as maubot knows it: start, stop, and a configuration that was saved.

No handler is decorated on this class: maubot would register it before `start()` runs, and it
would serve people before it is known which room is whose. `start()` never raises: maubot would
disable the instance for good.
"""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from maubot import Plugin
from mautrix.util.async_db import Database, UpgradeTable

from .cache.tables import upgrade_table
from .config.active import CurrentConfig
from .config.file import Config
from .config.timing import Limits, Timing
from .lifecycle.compose import compose
from .lifecycle.host import Host
from .lifecycle.services import Services
from .lifecycle.single_instance import leave, stop_previous
from .lifecycle.startup import Startup

BROKEN_AT_START = "The start failed because of a bug: nobody is served. Restart the instance"
BROKEN = (
    "The plugin stopped looking at Matrix because of a bug: chats that it knows are answered, but "
    "what changes in Spaces is not noticed. Restart the instance"
)
SUPERSEDED = (
    "Another maubot runs this instance on the same database, and started later: this one stops "
    "serving. Stop one of the two."
)


class Spacekeeper(Plugin):
    """One instance of the plugin, from a start to the next stop."""

    timing: Timing = Timing()
    limits: Limits = Limits()
    active: CurrentConfig
    platform_http: ClientSession | None = None
    services: Services
    startup: Startup | None = None
    main_task: asyncio.Task[None] | None = None
    superseded: bool = False

    @classmethod
    def get_config_class(cls) -> type[Config]:
        return Config

    @classmethod
    def get_db_upgrade_table(cls) -> UpgradeTable:
        return upgrade_table

    async def start(self) -> None:
        """Reconcile, then serve; past `startup.wait` seconds that goes on behind maubot's own
        start, which would otherwise be held up."""
        if not await stop_previous(self):
            return
        assert isinstance(self.config, Config)
        # An answer may take minutes: those connections must not be missing to the homeserver,
        # for which maubot has a hundred.
        self.platform_http = ClientSession(
            connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar()
        )
        self.active = CurrentConfig(self.client.mxid, self.platform_http, self.log)
        if not self.active.load(self.config):
            self.log.error("Nobody is served until the configuration is mended")
            return
        self.active.report()
        served = self._launch()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(served.wait(), self.active.settings.startup_wait)

    async def stop(self) -> None:
        """Let go of everything; what was not answered yet stays unanswered in Matrix."""
        leave(self)
        try:
            if self.main_task is not None:
                self.services.account.leave()
                self.main_task.cancel()
                await asyncio.wait({self.main_task})
                await self.services.close()
            if self.startup is not None and not self.superseded:
                await self.startup.save_progress()
            if self.main_task is not None:
                await self.services.store.close()
        finally:
            if self.platform_http is not None:
                await self.platform_http.close()

    def on_external_config_update(self) -> None:
        """Take up a configuration saved in maubot; what is wrong in it changes nothing."""
        assert isinstance(self.config, Config)
        if self.main_task is None:
            # Until now nobody was served, so no value was in force that it could leave as it is.
            self.active = CurrentConfig(self.client.mxid, self.active.http, self.log)
        may_serve = self.active.load(self.config)
        if self.main_task is None and may_serve:
            self._launch()
        if self.main_task is not None:
            self.active.report()

    def _launch(self) -> asyncio.Event:
        """Start serving; what is returned is set when people are served."""
        assert isinstance(self.database, Database)
        instance = self.active.settings.instance_key or self.id
        served = asyncio.Event()
        host = Host(self.client, self.database, instance, self.log, self._step_down, served)
        self.services = compose(host, self.active, self.timing, self.limits)
        self.services.account.join()
        self.main_task = asyncio.create_task(self._run(served))
        self.main_task.add_done_callback(self._report_end)
        return served

    async def _run(self, served: asyncio.Event) -> None:
        """Everything between a start and a stop, in its order."""
        self.startup = startup = Startup(self.services, self.register_handler_class, self.log)
        await startup.run(served)
        await startup.serve()

    def _report_end(self, main_task: asyncio.Task[None]) -> None:
        if not main_task.cancelled() and main_task.exception() is not None:
            serving = self.startup is not None and self.startup.cursor is not None
            sentence = BROKEN if serving else BROKEN_AT_START
            self.log.error(sentence, exc_info=main_task.exception())

    def _step_down(self) -> None:
        if not self.superseded:
            self.superseded = True
            self.log.error(SUPERSEDED)
            asyncio.ensure_future(self.internal_stop())  # noqa: RUF006 (it ends by itself)
