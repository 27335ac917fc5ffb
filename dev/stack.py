"""The local stack: Synapse, maubot with Spacekeeper in it, and the proxy between the two.

One piece of code for demo, dev and the end-to-end tests. Whatever it starts it also ends,
however its block is left.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from .environments import ROOT
from .llmock import LLMock
from .maubot import Maubot
from .pack import package
from .processes import together
from .proxy import Proxy
from .synapse import Login, Synapse
from .user_client import UserClient

BOT = INSTANCE = "spacekeeper"


@dataclass(frozen=True)
class Options:
    """How a stack is to be.

    `limits`: "raised", "default" for Synapse's own limits of requests, or "brief" for limits that
    soon pass. `room_version`: the homeserver's default, empty for Synapse's own. `config`: the
    instance's, as YAML. `autojoin`: the bot's client accepts every invitation itself, as maubot
    does unless told otherwise. `synapse`: the environment with the homeserver. `database`: the
    address of a PostgreSQL database for maubot, empty for SQLite. `leaves_out_edits`: the
    homeserver leaves edits out of what is read, if that is asked for (MSC3874).
    `report` is called at each step of the start, with a line of text.
    """

    limits: str = "raised"
    room_version: str = ""
    config: str = ""
    autojoin: bool = True
    synapse: str = "synapse"
    database: str = ""
    leaves_out_edits: bool = False
    report: Callable[[str], None] = lambda step: None


class Stack:
    """A running stack. Made by `Stack.start`."""

    def __init__(self, session: aiohttp.ClientSession, directory: Path, options: Options) -> None:
        self.directory = directory
        self._session = session
        self.synapse = Synapse(session, _folder(directory, "synapse"), options.synapse)
        self.maubot = Maubot(session, _folder(directory, "maubot"))
        self.llmock = LLMock(session, _folder(directory, "llmock"))
        self.proxy = Proxy(session, self.synapse.url)
        self.bot: Login

    @classmethod
    @asynccontextmanager
    async def start(cls, options: Options | None = None) -> AsyncIterator[Stack]:
        """A stack with the plugin of this checkout installed and its instance started.

        llmock is left for its own `start`. Raises StartFailure.
        """
        parent = ROOT / ".stack"
        parent.mkdir(exist_ok=True)
        directory = Path(tempfile.mkdtemp(dir=parent))
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            options = options or Options()
            stack, failed = cls(session, directory, options), False
            try:
                await stack._bring_up(options)
                yield stack
            except Exception:
                failed = True
                raise
            finally:
                await stack._bring_down()
                # After an error whoever looks for its cause finds the logs in there.
                if not failed:
                    shutil.rmtree(directory)

    async def register_user(self, name: str, *, admin: bool = False) -> UserClient:
        """A new account on the homeserver, logged in; `admin` makes it a server administrator."""
        login = await self.synapse.register(name, admin=admin)
        return UserClient(self._session, self.synapse.url, login)

    def as_bot(self) -> UserClient:
        """A client with the bot's own account: what it sees, what it may write."""
        return UserClient(self._session, self.synapse.url, self.bot)

    async def upload(self) -> None:
        """Pack this checkout's plugin as it is now, and give it to maubot."""
        await self.maubot.upload(package(ROOT))

    async def _bring_up(self, options: Options) -> None:
        self.synapse.configure(options.limits, options.room_version, options.leaves_out_edits)
        self.maubot.configure(options.database)
        await together(self.synapse.start(), self.maubot.start(), self.proxy.open())
        options.report("Synapse and maubot are up")
        self.bot = await self.synapse.register(BOT)
        await self.upload()
        options.report("the plugin is packed and uploaded over maubot's management API")
        await self.maubot.put_client(self.bot, self.proxy.url, autojoin=options.autojoin)
        await self.maubot.create_instance(INSTANCE, self.bot.user_id, options.config)
        options.report(f"its instance runs as {self.bot.user_id}")

    async def _bring_down(self) -> None:
        # maubot first: it still sends requests while it stops.
        await self.maubot.stop()
        await self.proxy.close()
        await together(self.synapse.stop(), self.llmock.stop())


def _folder(directory: Path, name: str) -> Path:
    folder = directory / name
    folder.mkdir()
    return folder
