"""Runs the starts on the simulated homeserver: sizes, rounds and medians.

Each start is a process of its own (start.py); this module only starts them, one at a time, and
sums up what they printed.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attr

from ..environments import ROOT
from ..processes import StartFailure

# Cold comes first: it makes the database that the others start from.
WAYS = ("cold", "warm", "changed")


@attr.frozen
class Size:
    """The medians of one way to start with so many Spaces; times in seconds, sizes in bytes.

    Attributes:
        cpu_seconds: the plugin's own CPU time, in all threads, the simulation's taken off.
        wall_seconds: from `start()` to the handlers being registered, likewise.
        simulation_seconds: what was taken off.
        peak_bytes: the most memory that the whole process ever had.
        own_bytes: how much of it came since the plugin started.
        loop_held_seconds: the longest time for which nothing else could run.
        lookup_seconds: one lookup in the routes.
        bare_lookup_seconds: what Python's dictionary takes of it.
        runs: what each process printed.
    """

    how: str
    spaces: int
    chats: int
    requests: int
    cpu_seconds: float
    wall_seconds: float
    simulation_seconds: float
    peak_bytes: float
    own_bytes: float
    loop_held_seconds: float
    lookup_seconds: float
    bare_lookup_seconds: float
    runs: list[dict[str, Any]] = attr.field(repr=False)


async def measure_simulated(
    sizes: Iterable[int], chats: int, rounds: int, tell: Callable[[str], None]
) -> list[Size]:
    """Measure every way to start at every size.

    Args:
        sizes: numbers of Spaces.
        chats: how many chats in each.
        rounds: how often each way is measured.
        tell: hears of each step, a line each.

    Raises:
        StartFailure: a start failed; what it printed went to the terminal.
    """
    medians = []
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "cache.db"
        for spaces in sizes:
            runs: dict[str, list[dict[str, Any]]] = {how: [] for how in WAYS}
            for number in range(1, rounds + 1):
                for how in WAYS:
                    runs[how].append(await _run(how, spaces, chats, database))
                tell(f"{spaces:,} simulated Spaces, round {number} of {rounds} is measured")
            medians += [_median(runs[how]) for how in WAYS]
    return medians


async def _run(how: str, spaces: int, chats: int, database: Path) -> dict[str, Any]:
    module = [sys.executable, "-m", f"{__package__}.start"]
    process = await asyncio.create_subprocess_exec(
        *[*module, how, str(spaces), str(chats), str(database)], cwd=ROOT, stdout=PIPE
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise StartFailure(f"a {how} start with {spaces} simulated Spaces failed.")
    figures: dict[str, Any] = json.loads(printed)
    return figures


def _median(runs: list[dict[str, Any]]) -> Size:
    figures = {
        name: statistics.median(run[name] for run in runs)
        for name, value in runs[0].items()
        if not isinstance(value, str)
    }
    whole = {name: int(figures.pop(name)) for name in ("spaces", "chats", "requests")}
    return Size(how=runs[0]["how"], runs=runs, **whole, **figures)
