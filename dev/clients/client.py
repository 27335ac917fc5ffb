"""Runs a client that others wrote, and tells what it shows of a room.

matrix-nio has an environment of Python; matrix-js-sdk needs Node.js and npm on the machine, and is
installed where that environment is, from package.json and what package-lock.json pins.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..environments import HOME, interpreter
from ..user_client import UserClient

HERE = Path(__file__).resolve().parent
JS = HOME / "sdks-js"
# The first major version that matrix-js-sdk in package.json runs on.
OLDEST_NODE = 20
PINS = ("package.json", "package-lock.json")


def what_is_missing() -> str:
    """Why matrix-js-sdk cannot run on this machine, as a sentence; empty if it can."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return "Node.js and npm are not installed."
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)", said.stdout)
    if version is None or int(version[1]) < OLDEST_NODE:
        return f"matrix-js-sdk needs Node.js {OLDEST_NODE} or newer."
    return ""


def install_js() -> None:
    """Install matrix-js-sdk, unless that was done. Raises CalledProcessError."""
    wanted = "".join((HERE / name).read_text(encoding="utf-8") for name in PINS)
    JS.mkdir(parents=True, exist_ok=True)
    stamp = JS / "complete"
    with (HOME / "sdks-js.lock").open("w") as lock:
        # Two runs side by side must not install into one directory at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return
        for name in PINS:
            shutil.copy(HERE / name, JS / name)
        options = ["--ignore-scripts", "--no-audit", "--no-fund"]
        npm = shutil.which("npm") or "npm"
        subprocess.run([npm, "ci", *options], cwd=JS, check=True, capture_output=True)
        # Last: an interrupted installation has no stamp and is made again.
        stamp.write_text(wanted, encoding="utf-8")


def nio_command() -> list[str]:
    """The command of the client with matrix-nio."""
    return [str(interpreter("sdks")), str(HERE / "nio_client.py")]


def js_command() -> list[str]:
    """The command of the client with matrix-js-sdk, which is installed before."""
    # Node.js looks for libraries beside the program.
    program = shutil.copy(HERE / "js_client.mjs", JS / "js_client.mjs")
    return ["node", str(program)]


class Watching:
    """A client that watches a room until an answer in it is whole."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def shown(self, within: float) -> list[dict[str, str]]:
        """The text messages of the room as the client shows them when an answer is whole, each its
        `event_id` and `body`.

        Raises asyncio.TimeoutError, and RuntimeError with what the client said if it failed.
        """
        said, errors = await asyncio.wait_for(self._process.communicate(), within)
        if self._process.returncode != 0:
            raise RuntimeError(errors.decode(errors="replace"))
        listed: list[dict[str, str]] = json.loads(said)
        return listed


@asynccontextmanager
async def watch(
    command: list[str], person: UserClient, homeserver: str, **settings: str
) -> AsyncIterator[Watching]:
    """A client of a person's for the length of the block; it has seen the room when the block
    begins.

    Args:
        settings: `room_id`, and the keys `answers` and `live` of the marks in answers, by which
            it is known that one is whole.
    """
    login = (await person.another_device()).login
    whose = {
        "homeserver": homeserver,
        "user_id": login.user_id,
        "device_id": login.device_id,
        "access_token": login.access_token,
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        json.dumps(whose | settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
    )
    try:
        assert process.stderr is not None
        while line := await asyncio.wait_for(process.stderr.readline(), 60):
            if line.strip() == b"ready":
                break
        yield Watching(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
