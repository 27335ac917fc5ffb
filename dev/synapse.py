"""The local homeserver: Synapse, on SQLite, without federation.

Knows Synapse's configuration and its registration API, so that nobody else has to.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from .environments import interpreter
from .processes import Program, free_port

SERVER_NAME = "localhost"
UNLIMITED = {"per_second": 1000, "burst_count": 1000}
# Registering and logging in belong to the stack, never to what is tested: they are unlimited
# even where the rest keeps Synapse's own limits.
OWN_LIMITS = {
    "rc_registration": UNLIMITED,
    "rc_login": {"address": UNLIMITED, "account": UNLIMITED, "failed_attempts": UNLIMITED},
}
RAISED_LIMITS = {
    "rc_message": UNLIMITED,
    "rc_joins": {"local": UNLIMITED, "remote": UNLIMITED},
    "rc_joins_per_room": UNLIMITED,
    "rc_invites": {"per_room": UNLIMITED, "per_user": UNLIMITED, "per_issuer": UNLIMITED},
    "rc_room_creation": UNLIMITED,
    "rc_profile": UNLIMITED,
    "rc_presence": {"per_user": UNLIMITED},
}
# A burst, and then one at a time, as by default; but what is refused passes a little later.
BRIEF_LIMITS = {
    "rc_message": {"per_second": 4, "burst_count": 10},
    "rc_room_creation": {"per_second": 0.14, "burst_count": 13},
}
LIMITS: dict[str, dict[str, Any]] = {
    "raised": RAISED_LIMITS,
    "default": {},
    "brief": RAISED_LIMITS | BRIEF_LIMITS,
}


@dataclass(frozen=True)
class Login:
    """What a client needs to act as somebody."""

    user_id: str
    device_id: str
    access_token: str
    password: str


class Synapse:
    """One homeserver with its data in `directory`, which survives stop and start."""

    def __init__(
        self, session: aiohttp.ClientSession, directory: Path, environment: str = "synapse"
    ) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._session = session
        self._directory = directory
        self._secret = secrets.token_hex()
        python = str(interpreter(environment))
        command = [python, "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]
        self._program = Program("synapse", command, directory)

    def configure(self, limits: str, room_version: str, leaves_out_edits: bool = False) -> None:
        """Write the configuration, before the first start or while stopped.

        `limits`: "raised", "default" for Synapse's own limits of requests, or "brief" for limits
        as tight as those that soon pass. `room_version`: that of rooms made without naming one;
        empty for Synapse's own choice. `leaves_out_edits`: it knows MSC3874.
        """
        settings = self._settings() | OWN_LIMITS | LIMITS[limits]
        settings["experimental_features"] = {"msc3874_enabled": leaves_out_edits}
        if room_version:
            settings["default_room_version"] = room_version
        key = base64.b64encode(os.urandom(32)).decode().rstrip("=")
        self._write("signing.key", f"ed25519 a_local {key}\n")
        self._write("log.yaml", json.dumps(_logging()))
        # JSON is YAML.
        self._write("homeserver.yaml", json.dumps(settings, indent=2))

    async def start(self) -> None:
        """Start, or start again: the same address, the same data. Raises StartFailure."""
        await self._program.start(self._answers, within=120)

    async def stop(self) -> None:
        """Shut down in good order."""
        await self._program.stop()

    async def restart(self) -> None:
        """Stop and start."""
        await self.stop()
        await self.start()

    async def register(self, name: str, *, admin: bool = False) -> Login:
        """Make the account `@name:localhost` and log it in.

        Raises aiohttp.ClientResponseError when Synapse refuses, say because it is there already.
        """
        url = f"{self.url}/_synapse/admin/v1/register"
        async with self._session.get(url, raise_for_status=True) as answer:
            nonce: str = (await answer.json())["nonce"]
        password = f"{name}-password"
        proven = [nonce, name, password, "admin" if admin else "notadmin"]
        mac = hmac.new(self._secret.encode(), "\0".join(proven).encode(), hashlib.sha1)
        body = {
            "nonce": nonce,
            "username": name,
            "password": password,
            "admin": admin,
            "mac": mac.hexdigest(),
        }
        async with self._session.post(url, json=body, raise_for_status=True) as answer:
            made: dict[str, str] = await answer.json()
        return Login(made["user_id"], made["device_id"], made["access_token"], password)

    async def purge(self, room_id: str, administrator: Login) -> None:
        """Have a server administrator delete a room with everything in it, and wait for that."""
        async with self._session.delete(
            f"{self.url}/_synapse/admin/v1/rooms/{quote(room_id)}",
            json={"purge": True},
            headers={"Authorization": f"Bearer {administrator.access_token}"},
            raise_for_status=True,
        ):
            return

    async def _answers(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/health") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def _write(self, name: str, text: str) -> None:
        (self._directory / name).write_text(text, encoding="utf-8")

    def _settings(self) -> dict[str, Any]:
        listener = {
            "port": int(self.url.rpartition(":")[2]),
            "type": "http",
            "bind_addresses": ["127.0.0.1"],
            "resources": [{"names": ["client", "openid"]}],
        }
        return {
            "server_name": SERVER_NAME,
            "public_baseurl": f"{self.url}/",
            "listeners": [listener],
            "database": {"name": "sqlite3", "args": {"database": "homeserver.db"}},
            "log_config": "log.yaml",
            "media_store_path": "media",
            "signing_key_path": "signing.key",
            "registration_shared_secret": self._secret,
            "macaroon_secret_key": self._secret,
            "form_secret": self._secret,
            "bcrypt_rounds": 4,
            "report_stats": False,
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
        }


def _logging() -> dict[str, Any]:
    return {
        "version": 1,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "disable_existing_loggers": False,
    }
