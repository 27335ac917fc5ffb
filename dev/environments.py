"""The virtual environments under .venv/: where they are, and how they come to be.

Each holds one dependency group of pyproject.toml, pinned whole by dev/constraints/. build.sh
runs this module with whatever Python the machine has, so it must import nothing but the
standard library.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PIP = "pip==26.3"


class EnvironmentFailure(Exception):
    """An environment could not be made; the message says which one, why and what pip said."""


def interpreter(name: str) -> Path:
    """The Python of the environment `name`, which `prepare` has made before."""
    return HOME / name / "bin" / "python"


def fingerprint(name: str) -> str:
    """What the environment `name` is made from, as a hash: another hash, another environment."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    group = re.search(rf"^{re.escape(name)} = \[\n.*?^\]", text, re.MULTILINE | re.DOTALL)
    if group is None:
        raise EnvironmentFailure(f"pyproject.toml has no dependency group called {name}.")
    parts = [group.group(), constraints(name).read_text(encoding="utf-8"), PIP, sys.version]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def constraints(name: str) -> Path:
    """The file that pins every package of the environment `name`."""
    return ROOT / "dev" / "constraints" / f"{name}.txt"


def prepare(names: list[str]) -> None:
    """Make those of the named environments that are missing or out of date.

    Two at a time, since installing is half download and half work. Raises EnvironmentFailure.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        for outcome in [pool.submit(_prepare_one, name) for name in names]:
            outcome.result()


def _prepare_one(name: str) -> None:
    HOME.mkdir(exist_ok=True)
    # Two build.sh side by side must not install into one directory at the same time.
    with (HOME / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = HOME / name / "complete"
        wanted = fingerprint(name)
        usable = stamp.is_file() and interpreter(name).exists()
        if usable and stamp.read_text(encoding="utf-8") == wanted:
            return
        # The line's end in one piece with it: two of these are said at the same time.
        print(f"environment {name}: installing ...\n", end="", flush=True)
        started_at = time.monotonic()
        _install(name)
        # Last: an interrupted installation has no stamp and is made again.
        stamp.write_text(wanted, encoding="utf-8")
    seconds = time.monotonic() - started_at
    print(f"environment {name}: installed in {seconds:.0f} s\n", end="", flush=True)


def _install(name: str) -> None:
    python = str(interpreter(name))
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(name, [sys.executable, "-m", "venv", "--clear", str(HOME / name)])
    _run(name, [*pip, PIP])
    _run(name, [*pip, "--constraint", str(constraints(name)), "--group", name])


def _run(name: str, command: list[str]) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-20:])
        raise EnvironmentFailure(
            f"{said}\nthe environment {name} could not be made: "
            f"`{' '.join(command)}` ended with {done.returncode}."
        )


if __name__ == "__main__":
    try:
        prepare(sys.argv[1:])
    except EnvironmentFailure as failure:
        sys.exit(f"build.sh: {failure}")
