"""The lifecycle: put the parts together, reconcile, register the handlers, stop.

No handler is decorated on this class: maubot would register it before `start()` runs, and it
would serve people before it is known which room is whose. `start()` never raises: maubot would
disable the instance for good.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from maubot import Plugin
from mautrix.types import SyncToken, UserID
from mautrix.util.async_db import Database, UpgradeTable

from .cache.inbox import Inbox
from .cache.tables import upgrade_table
from .cache.topology_store import Store
from .cache.transactions import FencedDatabase
from .config.active import ActiveConfig, activate
from .config.file import DEFAULTS, Config, is_fatal, read_settings
from .errors import UserError
from .lifecycle.compose import Handlers, assemble
from .lifecycle.single_instance import stop_previous
from .lifecycle.startup import Start
from .lifecycle.sync_cursor import SyncCursor, Tokens
from .matrix.client import Matrix, connect
from .matrix.until_answered import until_answered
from .planner.plan import Rules
from .reconciler.loop import Reconciler
from .reconciler.report import Report
from .reconciler.run import Runner
from .spaces.provision import Provisioning
from .topology.marks import Identity
from .topology.routes import CurrentRoutes

# The chats themselves are verified when the people have had their first answers.
VERIFY_AFTER = 5.0


class Spacekeeper(Plugin):
    """One instance of the plugin, from a start to the next stop."""

    setup: ActiveConfig
    platform_http: ClientSession | None = None
    matrix: Matrix
    store: Store
    slot: CurrentRoutes
    reconciler: Reconciler
    provisioning: Provisioning
    handlers: Handlers
    cursor: SyncCursor | None = None
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
        # An answer may take minutes: those connections must not be missing to the homeserver,
        # for which maubot has a hundred.
        self.platform_http = ClientSession(
            connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar()
        )
        self._read_config(None)
        if is_fatal(self.setup.problems):
            self.log.error("Nobody is served until the configuration is mended")
            return
        served = self._launch()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(served.wait(), self.setup.settings.startup_wait)

    async def stop(self) -> None:
        """Let go of everything; what was not answered yet stays unanswered in Matrix."""
        try:
            if self.main_task is not None:
                self.main_task.cancel()
                await asyncio.wait({self.main_task})
                self.reconciler.close()
                await self.handlers.close()
            if self.cursor is not None and not self.superseded:
                await self.cursor.note()
        finally:
            if self.platform_http is not None:
                await self.platform_http.close()

    def on_external_config_update(self) -> None:
        """Take up a configuration saved in maubot; a bad one leaves the one in force as it is."""
        # Until somebody is served, nothing is in force that a mistake could leave as it is.
        self._read_config(self.setup if self.main_task is not None else None)
        if self.main_task is None and not is_fatal(self.setup.problems):
            self._launch()

    def _launch(self) -> asyncio.Event:
        """Come to life; what is returned is set when people are served."""
        self._compose()
        served = asyncio.Event()
        self.main_task = asyncio.create_task(self._run(served))
        self.main_task.add_done_callback(self._report_end)
        return served

    def _read_config(self, before: ActiveConfig | None) -> None:
        assert isinstance(self.config, Config)
        assert self.platform_http is not None
        settings, problems = read_settings(self.config, before.settings if before else DEFAULTS)
        for problem in problems:
            self.log.error("The configuration is wrong: %s", problem)
        if problems and before is not None:
            settings = before.settings
        elif not problems:
            # Brings in what is missing, comments too, for whoever opens it next.
            self.config.update()
        self.setup = activate(settings, problems, self.platform_http, before, bot=self.client.mxid)

    def _compose(self) -> None:
        assert isinstance(self.database, Database)
        self.slot = CurrentRoutes()
        identity = Identity(self.client.mxid, self.setup.settings.instance_key or self.id)
        self.matrix = connect(self.client, identity)
        database = FencedDatabase(self.database, self.log, self._step_down)
        self.store = Store(database)

        def rules() -> Rules:
            return Rules(identity, self.setup.settings.default_platform)

        runs = Runner(self.matrix, self.store, self.slot, rules)
        self.reconciler = Reconciler(runs)
        self.provisioning = Provisioning(
            self.matrix, self.store, self.reconciler, lambda: self.setup
        )
        self.handlers = assemble(self.provisioning, Inbox(database), lambda: self.setup)

    async def _run(self, served: asyncio.Event) -> None:
        """Everything between a start and a stop, in its order."""
        loaded = await self.store.take_over()
        kept = await self.handlers.inbox.load()
        start = Start(self.matrix.reader, self.reconciler, self.handlers.invitations)
        begun = await start.warm(loaded)
        if begun is None:
            begun = await start.cold(loaded)
            unverified = frozenset(self.slot.current.rooms_of)
            await self.store.put_unverified(unverified, verified=False)
        else:
            unverified = loaded.unverified
        catch_up = self.handlers.catch_up
        resume = partial(self.handlers.resumption.resume, kept, begun.sync, begun.since)
        await until_answered(resume, self.log)
        catch_up.start_at(begun.token)
        self.cursor = self._register(Tokens(begun.token, begun.done))
        served.set()
        # Before anything else is waited for: what is delivered meanwhile came later.
        await catch_up.close_gap(begun.token)
        saved = await self.handlers.intake.pending.save() and self.handlers.invitations.idle
        # Where something could not be looked at, or an invitation is not answered yet, which
        # stands in no later sync, the next start must look at everything again.
        await self.store.put_token(begun.token if begun.settled and saved else SyncToken(""))
        if not begun.since:
            # Without this, what is written from now on would be lost with the database.
            await self.cursor.note_in_matrix()
        if begun.report is not None:
            self._finish_homes(begun.report)
            await self._welcome_joined_rooms(begun.report)
        self.reconciler.on_report = self._welcome_joined_rooms
        await asyncio.gather(
            self.reconciler.serve(), self.reconciler.verify(unverified, VERIFY_AFTER)
        )

    def _register(self, tokens: Tokens) -> SyncCursor:
        """Let events in: nothing before this does."""
        cursor = SyncCursor(self.store, self.matrix.reader, self.handlers, tokens)
        for handler in (*self.handlers.all, cursor):
            self.register_handler_class(handler)
        return cursor

    async def _welcome_joined_rooms(self, report: Report) -> None:
        """Welcome whoever maubot joined without the plugin hearing of it."""
        await self.handlers.invitations.greet(report.foreign.values())

    def _finish_homes(self, report: Report) -> None:
        """Make the first chat where an earlier life got no further than the Space."""
        for owner in report.unfinished:
            if (space := self.slot.current.spaces.get(owner)) is not None:
                self.handlers.queues.put(space.room_id, partial(self._ensure_rooms, owner))

    async def _ensure_rooms(self, owner: UserID) -> None:
        try:
            await self.provisioning.ensure_rooms(owner)
        except UserError as error:
            self.log.warning("The first chat of %s is still missing: %s", owner, error.text)

    def _report_end(self, main_task: asyncio.Task[None]) -> None:
        if not main_task.cancelled() and main_task.exception() is not None:
            self.log.error(
                "The plugin broke down and serves nobody", exc_info=main_task.exception()
            )

    def _step_down(self) -> None:
        if self.superseded:
            return
        self.superseded = True
        self.log.error(
            "Another maubot runs this instance on the same database, and started later: "
            "this one stops serving. Stop one of the two."
        )
        asyncio.ensure_future(self.internal_stop())  # noqa: RUF006 (it ends by itself)
