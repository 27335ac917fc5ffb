"""The local maubot: its process, its files, and the management API as its web UI uses it.

Plugin, client and instance come in over that API and by no other way, so that what is tested
is what an administrator does.
"""

from __future__ import annotations

import asyncio
import io
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from .environments import interpreter
from .processes import Program, free_port
from .synapse import Login

ADMIN = "admin"


class MaubotRefusal(Exception):
    """The management API said no; the message is maubot's own."""


class Maubot:
    """One maubot with its data in `directory`, which survives stop, kill and start."""

    def __init__(self, session: aiohttp.ClientSession, directory: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.password = secrets.token_hex(8)
        self._session = session
        self._directory = directory
        self._token = ""
        python = str(interpreter("maubot"))
        self._program = Program("maubot", [python, "-m", "maubot", "-c", "config.yaml"], directory)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._program.running

    @property
    def environment(self) -> dict[str, str]:
        """The variables that its next start sets; change them in place."""
        return self._program.environment

    def configure(self, database: str = "") -> None:
        """Write the configuration, before the first start.

        `database` is the address of a PostgreSQL database; empty for SQLite files of its own.
        """
        for name in ("plugins", "trash"):
            (self._directory / name).mkdir(exist_ok=True)
        settings = self._settings()
        if database:
            settings |= {"database": database, "plugin_databases": {"postgres": "default"}}
        # JSON is YAML.
        text = json.dumps(settings, indent=2)
        (self._directory / "config.yaml").write_text(text, encoding="utf-8")

    async def start(self) -> None:
        """Start, or start again with the same data; log in as administrator.

        maubot answers once the start() of every plugin has returned. Raises StartFailure.
        """
        await self._program.start(self._answers, within=120)
        body = {"username": ADMIN, "password": self.password}
        self._token = (await self._call("POST", "auth/login", body))["token"]

    async def launch(self) -> None:
        """Start again with the same data, and return as soon as plugins are being started.

        Nobody is logged in: the management API is not for use after it. Raises StartFailure.
        """
        logged = self.log_file.stat().st_size

        async def starts_plugins() -> bool:
            with self.log_file.open("rb") as log:
                log.seek(logged)
                return b"starting plugin instances" in log.read()

        await self._program.start(starts_plugins, within=120)

    async def stop(self) -> None:
        """Shut down in good order: plugins are stopped, databases closed."""
        # A signal in the middle of an answer, which may be on its way to us, makes it hang.
        await asyncio.sleep(0.1)
        await self._program.stop()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._program.kill()

    async def restart(self) -> None:
        """Stop and start."""
        await self.stop()
        await self.start()

    async def upload(self, package: bytes) -> None:
        """Install the .mbp, or replace the one that is installed; its instances restart.

        Raises MaubotRefusal when maubot cannot load it (it goes on with the older one then).
        """
        await self._call("POST", "plugins/upload?allow_override=1", package)

    async def put_client(self, login: Login, homeserver: str, *, autojoin: bool = True) -> None:
        """Make a client of the account, or change it. Raises MaubotRefusal."""
        body = {
            "homeserver": homeserver,
            "access_token": login.access_token,
            "device_id": login.device_id,
            "autojoin": autojoin,
        }
        await self._call("PUT", f"client/{quote(login.user_id)}", body)

    async def create_instance(self, instance: str, user_id: str, config: str = "") -> None:
        """Make and start the instance of Spacekeeper that acts as `user_id`.

        `config` is YAML; what it leaves out comes from base-config.yaml. Raises MaubotRefusal.
        """
        body = {"type": "chat.spacekeeper", "primary_user": user_id, "config": config}
        await self._call("PUT", f"instance/{instance}", body)

    async def change_instance(self, instance: str, **change: Any) -> None:
        """Change `config` (YAML), `enabled` or `started` of an instance, as the web UI does."""
        await self._call("PUT", f"instance/{instance}", change)

    async def instance(self, instance: str) -> dict[str, Any]:
        """What maubot says of an instance: `enabled`, `started`, `config` and more."""
        found: dict[str, Any] = await self._call("GET", f"instance/{instance}")
        return found

    def database(self, instance: str) -> Path:
        """The file of an instance's SQLite database. Touch it only while maubot is stopped."""
        return self._directory / "plugins" / f"{instance}.db"

    def delete_database(self, instance: str) -> None:
        """Delete an instance's database, with SQLite's own files. Only while maubot is stopped."""
        database = self.database(instance)
        for path in (database, Path(f"{database}-wal"), Path(f"{database}-shm")):
            path.unlink(missing_ok=True)

    @property
    def log_file(self) -> Path:
        """Where maubot and its plugins log, over all starts."""
        return self._program.log

    def log(self) -> str:
        """Whatever maubot and its plugins have logged so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | bytes = b"") -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self._session.request(
            method,
            f"{self.url}/_matrix/maubot/v1/{path}",
            # From a file, as it were: a package is larger than what aiohttp sends at one go.
            data=io.BytesIO(data),
            headers={"Authorization": f"Bearer {self._token}"},
        ) as answer:
            said = await answer.json(content_type=None)
        if answer.status >= 400:
            raise MaubotRefusal(said["error"])
        return said

    async def _answers(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/_matrix/maubot/") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def _settings(self) -> dict[str, Any]:
        plain = {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
        return {
            "database": "sqlite:maubot.db",
            "plugin_directories": {
                "upload": "./plugins",
                "load": ["./plugins"],
                "trash": "./trash",
            },
            "plugin_databases": {"sqlite": "./plugins"},
            "server": {
                "hostname": "127.0.0.1",
                "port": int(self.url.rpartition(":")[2]),
                "public_url": self.url,
                "unshared_secret": secrets.token_hex(),
            },
            "admins": {"root": "", ADMIN: self.password},
            "logging": {
                "version": 1,
                "formatters": {"plain": plain},
                "handlers": {"stdout": {"class": "logging.StreamHandler", "formatter": "plain"}},
                "loggers": {"maubot": {"level": "DEBUG"}, "aiohttp": {"level": "INFO"}},
                "root": {"level": "INFO", "handlers": ["stdout"]},
            },
        }
