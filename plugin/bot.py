"""The lifecycle: put the parts together, reconcile, register the handlers, stop.

No handler is decorated on this class: maubot would register it before `start()` runs, and it
would serve people before it is known which room is whose. `start()` never raises: maubot would
disable the instance for good.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from maubot import Plugin
from mautrix.types import UserID
from mautrix.util.async_db import Database, UpgradeTable

from .cache.store import Store
from .cache.upgrades import upgrade_table
from .config import DEFAULTS, Config, read_settings
from .curation import Curation
from .errors import UserError
from .handlers.boundary import Boundary
from .handlers.catch_up import CatchUp
from .handlers.commands import Commands
from .handlers.conversation import Conversation
from .handlers.invitations import Invitations
from .handlers.messages import Messages
from .handlers.queues import RoomQueues
from .handlers.reception import Reception
from .matrix.session import Matrix, connect
from .provisioning import Provisioning
from .reconciliation import Reconciliation, Report, until_answered
from .setup import Setup, set_up
from .topology.decode import Identity
from .topology.plan import Rules
from .topology.routes import Slot

# The chats themselves are verified when the people have had their first answers.
VERIFY_AFTER = 5.0


class Spacekeeper(Plugin):
    """One instance of the plugin, from a start to the next stop."""

    setup: Setup
    matrix: Matrix
    slot: Slot
    queues: RoomQueues
    reconciliation: Reconciliation
    provisioning: Provisioning
    opening: asyncio.Task[None]

    @classmethod
    def get_config_class(cls) -> type[Config]:
        return Config

    @classmethod
    def get_db_upgrade_table(cls) -> UpgradeTable:
        return upgrade_table

    async def start(self) -> None:
        """Reconcile, then serve; past `startup.wait` seconds that goes on behind maubot's own
        start, which would otherwise be held up."""
        self._read_config(None)
        self._compose()
        served = asyncio.Event()
        self.opening = asyncio.create_task(self._open(served))
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(served.wait(), self.setup.settings.startup_wait)

    async def stop(self) -> None:
        """Let go of everything; what was not answered yet stays unanswered in Matrix."""
        self.opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.opening
        await self.queues.close()

    def on_external_config_update(self) -> None:
        """Take up a configuration saved in maubot; a bad one leaves the one in force as it is."""
        self._read_config(self.setup)

    def _read_config(self, before: Setup | None) -> None:
        assert isinstance(self.config, Config)
        settings, problems = read_settings(self.config, before.settings if before else DEFAULTS)
        for problem in problems:
            self.log.error("The configuration is wrong: %s", problem)
        if problems and before is not None:
            settings = before.settings
        elif not problems:
            # Brings in what is missing, comments too, for whoever opens it next.
            self.config.update()
        self.setup = set_up(settings, problems, self.http, before, bot=self.client.mxid)

    def _compose(self) -> None:
        self.slot = Slot()
        identity = Identity(self.client.mxid, self.setup.settings.instance_key or self.id)
        self.matrix = connect(self.client, identity)
        assert isinstance(self.database, Database)
        store = Store(self.database, self.log)
        self.reconciliation = Reconciliation(
            self.matrix,
            store,
            self.slot,
            lambda: Rules(identity, self.setup.settings.default_platform),
            self.log,
        )
        self.provisioning = Provisioning(
            self.matrix, store, self.reconciliation, lambda: self.setup
        )
        self.queues = RoomQueues()

    async def _open(self, served: asyncio.Event) -> None:
        token, waiting = await until_answered(self.matrix.reader.begin, self.log)
        report = await until_answered(partial(self.reconciliation.run, "start"), self.log)
        invitations, catch_up = self._register()
        served.set()
        for invitation in waiting:
            invitations.answer(invitation)
        await catch_up.close_gap(self.matrix.reader, token)
        self._finish_homes(report)
        await invitations.greet(report.strangers.values())
        await self.reconciliation.keep_settled(VERIFY_AFTER)

    def _register(self) -> tuple[Invitations, CatchUp]:
        """Make everything that serves people, and let events in: nothing before this line does."""

        def setup() -> Setup:
            return self.setup

        boundary = Boundary(self.matrix.sender, self.log)
        curation = Curation(self.provisioning)
        commands = Commands(curation, self.reconciliation, setup)
        reception = Reception(self.matrix, self.provisioning, commands, setup)
        conversation = Conversation(self.matrix, setup, commands.is_command)
        invitations = Invitations(reception, self.queues, boundary, self.log)
        messages = Messages(reception, commands, conversation, self.queues, boundary)
        self.register_handler_class(invitations)
        catch_up = CatchUp(self.client, self.matrix.timeline, messages, invitations, self.log)
        self.register_handler_class(messages)
        self.register_handler_class(catch_up)
        return invitations, catch_up

    def _finish_homes(self, report: Report) -> None:
        """Make the first chat where an earlier life got no further than the Space."""
        for owner in report.unfinished:
            room_id = self.slot.current.spaces[owner].room_id
            self.queues.put(room_id, partial(self._make_home, owner))

    async def _make_home(self, owner: UserID) -> None:
        try:
            await self.provisioning.make_home(owner)
        except UserError as error:
            self.log.warning("The first chat of %s is still missing: %s", owner, error.text)
