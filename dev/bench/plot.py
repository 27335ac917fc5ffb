"""The figures as a plot for the docs: a start on a real Synapse, and how a start grows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from .real import RealFigures
from .simulated import Size
from .table import NAMES

COLOURS = {"cold": "#c2571a", "warm": "#1a7f5a", "changed": "#3465a4"}
GREY = "#8a8a8a"


def draw(real: RealFigures, sizes: Sequence[Size], file: Path) -> None:
    """Draw both plots side by side into a PNG."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(10, 3.8), dpi=130, layout="constrained")
        left, right = figure.subplots(1, 2)
        _draw_real(left, real)
        _draw_growth(right, sizes)
        figure.savefig(file)


def _draw_real(axes: Any, figures: RealFigures) -> None:
    ways = [way for way in reversed(figures.ways) if way.runs]
    colours = [_colour(way.name) for way in ways]
    bars = axes.barh([way.name for way in ways], [way.seconds for way in ways], color=colours)
    labels = [
        f" {way.seconds * 1000:,.0f} ms, {way.requests} request{'s' * (way.requests != 1)}"
        for way in ways
    ]
    axes.bar_label(bars, labels)
    axes.margins(x=0.45)
    axes.set_xlabel("seconds until the handlers are registered")
    axes.set_title(f"Real Synapse: {figures.spaces} Spaces of {figures.chats} chats", loc="left")


def _draw_growth(axes: Any, sizes: Sequence[Size]) -> None:
    for how, name in NAMES.items():
        points = sorted((size.chats, size.cpu_seconds) for size in sizes if size.how == how)
        axes.loglog(*zip(*points, strict=True), "o-", color=COLOURS[how], label=name)
    axes.set_xlabel("chats")
    axes.set_ylabel("CPU seconds")
    axes.grid(visible=True, color="#e5e5e5")
    axes.legend(frameon=False)
    axes.set_title("Simulated homeserver: the plugin's own cost", loc="left")


def _colour(name: str) -> str:
    if name.startswith("warm start"):
        return COLOURS["warm"]
    if name.startswith("warm"):
        return COLOURS["changed"]
    return COLOURS["cold"] if name.startswith("cold") else GREY
