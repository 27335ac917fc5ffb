"""The figures as a table for the terminal, each beside its target.

A target that is missed is said to be, and nothing more comes of it: a slow machine is no bug.
"""

from __future__ import annotations

from collections.abc import Sequence

from .real import USUAL, RealFigures, Way
from .simulated import Running, Size

# With fewer chats there is too little to read for one way to be much faster than another.
JUDGED_FROM = 500
MICRO, MEGA = 1e6, 1e6
NAMES = {
    "cold": "cold start",
    "warm": "warm start",
    "changed": "warm, 1% of Spaces changed",
}
# What a change in a running instance may take: growth from the fewest chats to the most, and
# seconds for which nothing else can run.
GROWTH, HELD = 1.2, 0.1
CHANGES = {
    "new": "`!new`",
    "archive": "`!archive`",
    "removal": "a chat taken out of its Space",
}
HOLDS = {**CHANGES, "full_run": "a full run", "swap": "a full run, once all is read"}


def real_table(figures: RealFigures) -> str:
    """The ways to start on a real Synapse."""
    usual = next(way for way in figures.ways if way.name == USUAL)
    head = ["", "median", "requests", "later", "faster", "target"]
    rows = [head] + [_real_row(way, usual, figures) for way in figures.ways]
    title = f"Real Synapse, {figures.spaces} Spaces x {figures.chats} chats"
    return f"{title}\n{lay_out(rows)}"


def _real_row(way: Way, usual: Way, figures: RealFigures) -> list[str]:
    factor = usual.seconds / way.seconds if way.seconds else 0.0
    target = ""
    judged = figures.spaces * figures.chats >= JUDGED_FROM
    if judged and way.name == "cold start":
        met = way.requests <= figures.spaces + 5 and factor >= 5
        target = f"{verdict(met)}: {figures.spaces + 5} requests, 5 times faster"
    elif judged and way.name == "warm start":
        met = way.requests <= 2 and factor >= 50
        target = f"{verdict(met)}: 2 requests, 50 times faster"
    return [
        way.name,
        f"{way.seconds * 1000:.0f} ms" if way.runs else "-",
        str(way.requests),
        str(way.later),
        f"{factor:.1f} x" if way.runs and way is not usual else "",
        target,
    ]


def simulated_table(sizes: Sequence[Size]) -> str:
    """The starts on the simulated homeserver, way by way."""
    head = ["", "chats", "CPU", "CPU a chat", "time", "memory", "loop held"]
    head += ["lookup", "bare dict", "target"]
    ordered = sorted(sizes, key=lambda size: (list(NAMES).index(size.how), size.chats))
    rows = [head] + [_simulated_row(size) for size in ordered]
    return f"Simulated homeserver: the plugin's own cost\n{lay_out(rows)}"


def _simulated_row(size: Size) -> list[str]:
    a_chat = size.cpu_seconds / size.chats
    target = ""
    if size.how == "cold":
        target = f"{verdict(a_chat <= 100 / MICRO)}: 100 µs a chat"
    elif size.how == "warm":
        met = size.wall_seconds < 10 and size.peak_bytes < 1.5e9 and size.lookup_seconds < 1e-6
        target = f"{verdict(met)}: 10 s, 1,500 MB, lookup 1 µs"
    return [
        NAMES[size.how],
        f"{size.chats:,}",
        f"{size.cpu_seconds:.2f} s",
        f"{a_chat * MICRO:.1f} µs",
        f"{size.wall_seconds:.2f} s",
        f"{size.peak_bytes / MEGA:,.0f} MB",
        f"{size.loop_held_seconds:.2f} s",
        f"{size.lookup_seconds * MICRO:.2f} µs",
        f"{size.bare_lookup_seconds * MICRO:.2f} µs",
        target,
    ]


def running_table(sizes: Sequence[Running]) -> str:
    """What changes take in a running instance, by how many chats it knows."""
    ordered = sorted(sizes, key=lambda size: size.chats)
    chats = [f"{size.chats:,}" for size in ordered]
    times, holds = [["time", *chats, "growth", "target"]], [["loop held", *chats, "target"]]
    for kind, name in CHANGES.items():
        seconds = [getattr(size, f"{kind}_seconds") for size in ordered]
        growth = seconds[-1] / seconds[0]
        target = f"{verdict(growth <= GROWTH)}: at most {GROWTH}"
        times.append([name, *map(ms, seconds), f"{growth:.2f}", target])
    for kind, name in HOLDS.items():
        seconds = [getattr(size, f"{kind}_loop_held_seconds") for size in ordered]
        target = f"{verdict(max(seconds) <= HELD)}: at most {HELD * 1000:.0f} ms"
        holds.append([name, *map(ms, seconds), target])
    title = "Simulated homeserver: changes in a running instance, by the chats that it knows"
    return f"{title}\n{lay_out(times)}\n\n{lay_out(holds)}"


def ms(seconds: float) -> str:
    """A time as it stands in the tables."""
    return f"{seconds * 1000:,.1f} ms"


def verdict(met: bool) -> str:
    """What is said of a target."""
    return "met" if met else "MISSED"


def lay_out(rows: list[list[str]]) -> str:
    """Columns as wide as they must be; all but the first and the last are aligned right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    last = len(widths) - 1
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in (0, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"  {'   '.join(cells)}".rstrip())
    return "\n".join(lines)
