"""Runs what is measured on the simulated homeserver: sizes, rounds and medians.

Each start (start.py) and each running instance (running.py) is a process of its own; this module
only starts them, one at a time, and sums up what they printed.
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


@attr.frozen
class Running:
    """What changes take in a running instance that knows so many chats; times in seconds.

    For each kind of change there is the median of what it took, and the longest time for which
    nothing else could run while some of them were made.

    Attributes:
        start_requests: how many requests the start before took.
        new: a chat made by `!new`, until routes and cache have it.
        archive: a chat archived by `!archive`, likewise.
        removal: a chat that its owner took out of the Space, until it is reconciled.
        full_run: a reconciliation of everything.
        swap: what of it follows when all is read.
    """

    spaces: int
    chats: int
    start_requests: int
    new_seconds: float
    new_loop_held_seconds: float
    archive_seconds: float
    archive_loop_held_seconds: float
    removal_seconds: float
    removal_loop_held_seconds: float
    full_run_loop_held_seconds: float
    swap_loop_held_seconds: float


async def measure_simulated(
    sizes: Iterable[int], chats: int, rounds: int, report: Callable[[str], None]
) -> tuple[list[Size], list[Running]]:
    """Measure every way to start, and changes in a running instance, at every size.

    Args:
        sizes: numbers of Spaces.
        chats: how many chats in each.
        rounds: how often each way is measured.
        report: called at each step, with a line of text.

    Raises:
        StartFailure: a start failed; what it printed went to the terminal.
    """
    starts, running = [], []
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "cache.db"
        for spaces in sizes:
            runs: dict[str, list[dict[str, Any]]] = {how: [] for how in WAYS}
            for number in range(1, rounds + 1):
                for how in WAYS:
                    runs[how].append(await _run("start", how, spaces, chats, database))
                report(f"{spaces:,} simulated Spaces, round {number} of {rounds} is measured")
            starts += [_median(runs[how]) for how in WAYS]
            running.append(Running(**await _run("running", spaces, chats, database)))
            report(f"{spaces:,} simulated Spaces, changes are measured")
    return starts, running


async def _run(module: str, *arguments: str | int | Path) -> dict[str, Any]:
    command = [sys.executable, "-m", f"{__package__}.{module}", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise StartFailure(f"`{' '.join(command[1:])}` failed.")
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
