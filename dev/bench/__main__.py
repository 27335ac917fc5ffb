"""`python -m dev.bench`: measures, prints the tables, saves the figures and the plot."""

from __future__ import annotations

import argparse
import json
import logging
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

import attr

from ..environments import ROOT
from ..processes import run_until_signal
from .messages import bench_messages
from .plot import draw
from .real import measure_real
from .simulated import measure_simulated
from .table import real_table, running_table, simulated_table

RESULTS = ROOT / ".bench"
# Numbers of Spaces, of so many chats each.
SIZES = (100, 1_000, 10_000, 100_000)
QUICK_SIZES = SIZES[:-1]
SIMULATED_CHATS = 10


def main() -> int:
    logging.basicConfig(level=logging.ERROR)
    if sys.argv[1:2] == ["messages"]:
        return run_until_signal(bench_messages(sys.argv[2:], _progress()))
    options = _read_options()
    return run_until_signal(_bench(options, _progress()))


async def _bench(options: argparse.Namespace, report: Callable[[str], None]) -> int:
    real = await measure_real(options.spaces, options.chats, options.rounds, report)
    print(f"\n{real_table(real)}\n", flush=True)
    sizes = QUICK_SIZES if options.quick else SIZES
    starts, running = await measure_simulated(sizes, SIMULATED_CHATS, options.rounds, report)
    print(f"\n{simulated_table(starts)}\n\n{running_table(running)}\n")
    RESULTS.mkdir(exist_ok=True)
    figures: dict[str, Any] = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "real": attr.asdict(real),
        "simulated": [attr.asdict(size) for size in starts],
        "running": [attr.asdict(size) for size in running],
    }
    (RESULTS / "results.json").write_text(json.dumps(figures, indent=2), encoding="utf-8")
    draw(real, starts, RESULTS / "performance.png")
    print("Saved in .bench/: results.json, performance.png")
    return 0


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./build.sh bench", description="Measures starts.")
    parser.add_argument("--quick", action="store_true", help="small, and no million chats")
    parser.add_argument("--spaces", type=int, help="Spaces on the real Synapse")
    parser.add_argument("--chats", type=int, help="chats in each of them")
    parser.add_argument("--rounds", type=int, help="how often each start is measured")
    options = parser.parse_args()
    usual = {"spaces": 5, "chats": 5, "rounds": 3} if options.quick else {}
    for name, value in ({"spaces": 50, "chats": 10, "rounds": 5} | usual).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
        elif getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1")
    return options


def _progress() -> Callable[[str], None]:
    started_at = time.monotonic()
    return lambda line: print(f"{time.monotonic() - started_at:6.1f} s  {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
