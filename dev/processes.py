"""Starting, watching and ending the programs of the local stack.

Every program gets a process group of its own, so that a Ctrl-C in the terminal reaches only
the stack, which then ends its parts in order. Must end nothing that it did not start.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from . import guard


class StartFailure(Exception):
    """A part of the stack did not come up; the message says which, and what it logged last."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """One program of the stack: a command, its working directory and its log.

    It can be started again after its end; the log goes on. `environment` holds the variables
    that its next start sets beside the stack's own.
    """

    def __init__(self, name: str, command: list[str], directory: Path) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self.environment: dict[str, str] = {}
        self._command = command
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the program was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    async def start(self, ready: Callable[[], Awaitable[bool]], within: float = 60) -> None:
        """Start the program and wait until `ready` says so, `within` seconds at most.

        Raises StartFailure when it ends or does not become ready; it is ended then.
        """
        # Of one that ended by itself, our end of its pipe is still open.
        self.kill()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-E", guard.__file__, *self._command],
                cwd=self._directory,
                env=os.environ | self.environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + within
        try:
            while not await ready():
                if not self.running:
                    raise StartFailure(self._report("ended at once"))
                if time.monotonic() > deadline:
                    raise StartFailure(self._report(f"was not ready within {within:.0f} s"))
                await asyncio.sleep(0.05)
        except BaseException:
            self.kill()
            raise

    async def stop(self, grace: float = 15) -> None:
        """Ask the program to end, and kill it if it has not after `grace` seconds."""
        if not self.running:
            self.kill()
            return
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        try:
            while self.running and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the program at once, as a power cut would."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    def _signal(self, number: int) -> None:
        process = self._process
        # Once reaped, its id may be another's: only a group whose leader is still ours is meant.
        if process is not None and process.poll() is None:
            os.killpg(process.pid, number)

    def log_tail(self, lines: int = 30) -> str:
        """The last lines of what the program printed."""
        said = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(said[-lines:])

    def _report(self, what: str) -> str:
        return f"{self.log_tail()}\n{self.name} {what}; its whole log is {self.log}."


async def together(*parts: Coroutine[Any, Any, None]) -> None:
    """Await all of `parts` at once; when one fails, cancel the others and raise its error."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def run_until_signal(main: Coroutine[Any, Any, int]) -> int:
    """Run `main` and give its exit code; Ctrl-C and SIGTERM cancel it, so that it cleans up."""

    async def guarded() -> int:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(main)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            return 130
        except StartFailure as failure:
            print(failure, file=sys.stderr)
            return 1

    return asyncio.run(guarded())
