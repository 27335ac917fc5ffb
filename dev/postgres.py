"""A PostgreSQL server of the stack's own, for what maubot keeps.

It needs the machine's PostgreSQL programs and, since those refuse to run as root, the user
`postgres` where root runs the stack. Must not touch any other server.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .processes import Program, free_port

HOMES = Path("/usr/lib/postgresql")
USER = "postgres"


def what_is_missing() -> str:
    """Why PostgreSQL cannot be started on this machine, as a sentence; empty if it can."""
    if _programs() is None:
        return "The programs of PostgreSQL are not installed."
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(USER)
        except KeyError:
            return f"PostgreSQL does not run as root, and there is no user {USER}."
        if shutil.which("setpriv") is None:
            return f"PostgreSQL does not run as root; setpriv, to run it as {USER}, is missing."
    return ""


class Postgres:
    """One server with its data in `directory`, which survives stop and start."""

    def __init__(self, directory: Path) -> None:
        self._port = free_port()
        self._data = directory / "data"
        programs = _programs()
        assert programs is not None, what_is_missing()
        self._initdb = [*_as_user(), str(programs / "initdb"), "-D", str(self._data)]
        self._stop = [*_as_user(), str(programs / "pg_ctl"), "-D", str(self._data), "stop"]
        serve = [str(programs / "postgres"), "-D", str(self._data), "-p", str(self._port)]
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        command = [*_as_user(), *serve, *(part for one in settings for part in ("-c", one))]
        self._program = Program("postgres", command, directory)

    @classmethod
    @asynccontextmanager
    async def serve(cls) -> AsyncIterator[Postgres]:
        """A new, empty server for the length of the block. Raises StartFailure."""
        # Not in the checkout, where the user of the server may not be let in.
        directory = Path(tempfile.mkdtemp())
        if os.geteuid() == 0:
            shutil.chown(directory, USER)
        server = cls(directory)
        try:
            options = ["-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C"]
            await _run([*server._initdb, *options])
            await server.start()
            yield server
        finally:
            await server.stop()
            shutil.rmtree(directory)

    @property
    def url(self) -> str:
        """The address of its one database, for maubot and asyncpg."""
        return f"postgresql://{USER}@127.0.0.1:{self._port}/postgres"

    async def start(self) -> None:
        """Start, or start again: the same address, the same data. Raises StartFailure."""
        await self._program.start(self._listens)

    async def stop(self) -> None:
        """End it, whoever is connected, as an administrator who restarts it does."""
        if self._program.running:
            # A plain signal would wait until every client has left.
            await _run([*self._stop, "-m", "fast"])
        await self._program.stop()

    async def restart(self) -> None:
        """Stop and start."""
        await self.stop()
        await self.start()

    async def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


def _programs() -> Path | None:
    homes = sorted(HOMES.glob("*/bin/postgres"), key=lambda path: path.parts[-3].zfill(3))
    if homes:
        return homes[-1].parent
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found else None


def _as_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


async def _run(command: list[str]) -> None:
    await asyncio.to_thread(
        subprocess.run, command, cwd="/", check=True, stdout=subprocess.DEVNULL
    )
