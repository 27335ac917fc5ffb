"""`./build.sh bench messages`: how fast messages are answered, beside a bare echo plugin.

Both bots run in one maubot and take turns, so that what else the machine does slows both down;
ratios are what is judged. A target that is missed is said to be, and nothing more comes of it.
Answers that are seen while they are written come last; streaming.py measures them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import attr

from ..environments import ROOT
from .exchange import Chat, ExchangeTimes, exchange_messages
from .load import measure_growth, measure_routes
from .side_by_side import Bots, bring_up
from .streaming import measure_streaming
from .streaming_table import streaming_table
from .table import lay_out, ms, verdict

RESULTS = ROOT / ".bench"
MAX_LATENCY_RATIO, MIN_RATE_RATIO = 1.3, 0.8
# Bytes a message; less than a message of this benchmark is long, so none can be held.
FLAT = 50
# The plugin remembers the last 10,000 messages, so that none is taken twice: with fewer, memory
# grows as it should.
JUDGED_FROM = 20_000
# What grows by less than a tenth does not grow with a thousand times as many routes.
NO_GROWTH = 1.1
# Caches fill with the first messages; memory counts from then on.
WARM = 0.3
SAMPLES = 10
MEGA = 1e6

Report = Callable[[str], None]


@attr.frozen
class Plan:
    """How much is measured.

    Attributes:
        loads: in how many chats messages are sent at the same time, and how many messages each of
            them gets in a round.
        rounds: how often each load is measured with each bot.
        alone: messages of each round with one route count or another.
        stack_messages: messages over the real stack while memory is watched.
        messages: messages through the plugin alone while memory is watched.
        streamed: answers that are seen while they are written.
    """

    loads: tuple[tuple[int, int], ...]
    rounds: int
    alone: int
    stack_messages: int
    messages: int
    streamed: int


FULL = Plan(((1, 30), (20, 5), (100, 3)), 5, 500, 2_000, 100_000, 10)
QUICK = Plan(((1, 10), (20, 2)), 2, 100, 200, 2_000, 3)


@attr.frozen
class Load:
    """The medians over all rounds of one load, of the bare plugin and of ours; seconds.

    Attributes:
        rates: messages a second.
        runs: the median and the rate of each round.
    """

    chats: int
    medians: tuple[float, float]
    p99s: tuple[float, float]
    rates: tuple[float, float]
    runs: list[tuple[tuple[float, float], ...]] = attr.field(repr=False)


async def bench_messages(arguments: Sequence[str], report: Report) -> int:
    """Measure, print the tables and save the figures; give the exit code."""
    parser = argparse.ArgumentParser(prog="./build.sh bench messages")
    parser.add_argument("--quick", action="store_true", help="small, and no more than 20 chats")
    plan = QUICK if parser.parse_args(arguments).quick else FULL
    routes = await measure_routes(plan.rounds, plan.alone, report)
    alone = await measure_growth(plan.messages, report)
    most = max(chats for chats, _ in plan.loads)
    async with bring_up(most, report) as bots:
        loads = [await _measure_load(bots, plan, load, report) for load in plan.loads]
        stack = await _watch_memory(bots, plan.stack_messages, report)
    print(f"\n{_table(loads, routes, {'over the stack': stack, 'the plugin alone': alone})}\n")
    streaming = await measure_streaming(plan.streamed, report)
    print(f"\n{streaming_table(streaming)}\n")
    RESULTS.mkdir(exist_ok=True)
    figures: dict[str, Any] = {
        "python": platform.python_version(),
        "plan": attr.asdict(plan),
        "loads": [attr.asdict(load) for load in loads],
        "seconds_by_routes": routes,
        "bytes_by_messages": {"stack": stack, "alone": alone},
        "streaming": attr.asdict(streaming),
    }
    (RESULTS / "messages.json").write_text(json.dumps(figures, indent=2), encoding="utf-8")
    print("Saved in .bench/: messages.json")
    return 0


async def _measure_load(bots: Bots, plan: Plan, load: tuple[int, int], report: Report) -> Load:
    chats, each = load
    times: list[tuple[ExchangeTimes, ExchangeTimes]] = []
    for _ in range(plan.rounds):
        bare = await exchange_messages(bots.bare[:chats], each)
        times.append((bare, await exchange_messages(bots.ours[:chats], each)))
    report(f"{chats} chats at the same time are measured")
    sides = list(zip(*times, strict=True))
    return Load(
        chats=chats,
        medians=_both(sides, lambda one: statistics.median(one.latencies)),
        # Of one round alone, the hundredth part would be a single message.
        p99s=(_p99(sides[0]), _p99(sides[1])),
        rates=_both(sides, _rate),
        runs=[
            tuple((statistics.median(one.latencies), _rate(one)) for one in pair) for pair in times
        ],
    )


def _both(
    sides: Sequence[Sequence[ExchangeTimes]], of: Callable[[ExchangeTimes], float]
) -> tuple[float, float]:
    bare, ours = (statistics.median(of(one) for one in side) for side in sides)
    return bare, ours


def _rate(one: ExchangeTimes) -> float:
    return len(one.latencies) / one.seconds


def _p99(times: Sequence[ExchangeTimes]) -> float:
    latencies = sorted(itertools.chain(*(one.latencies for one in times)))
    return latencies[int(len(latencies) * 0.99)]


async def _watch_memory(bots: Bots, messages: int, report: Report) -> dict[int, int]:
    """What maubot's process holds, in bytes, after so many messages to Spacekeeper."""
    chats: Sequence[Chat] = bots.ours
    each = max(1, messages // SAMPLES // len(chats))
    memory = {}
    for sample in range(1, SAMPLES + 1):
        await exchange_messages(chats, each)
        memory[sample * each * len(chats)] = bots.memory()
    report(f"{max(memory):,} messages went over the stack")
    return memory


def _table(
    loads: Sequence[Load], routes: dict[int, float], memories: dict[str, dict[int, int]]
) -> str:
    rows = [["", "bare plugin", "Spacekeeper", "ratio", "target"]]
    for load in loads:
        chats = f"{load.chats} chat{'s' * (load.chats > 1)}"
        ratio = load.medians[1] / load.medians[0]
        target = f"{verdict(ratio <= MAX_LATENCY_RATIO)}: at most {MAX_LATENCY_RATIO}"
        rows.append([f"{chats}: median", *map(ms, load.medians), f"{ratio:.2f}", target])
        ratio = load.p99s[1] / load.p99s[0]
        rows.append([f"{chats}: p99", *map(ms, load.p99s), f"{ratio:.2f}", ""])
        ratio = load.rates[1] / load.rates[0]
        rates = [f"{rate:.1f} / s" for rate in load.rates]
        target = f"{verdict(ratio >= MIN_RATE_RATIO)}: at least {MIN_RATE_RATIO}"
        rows.append([f"{chats}: messages", *rates, f"{ratio:.2f}", target])
    (few, quick), (many, slow) = sorted(routes.items())
    met = verdict(slow <= quick * NO_GROWTH)
    growth = [f"{few:,} against {many:,} routes", ms(quick), ms(slow), f"{slow / quick:.2f}"]
    title = "The plugin alone, and memory"
    second = [["", "first", "last", "", "target"], [*growth, f"{met}: no growth"]]
    second += [_memory_row(where, memory) for where, memory in memories.items()]
    return f"From send to reply\n{lay_out(rows)}\n\n{title}\n{lay_out(second)}"


def _memory_row(where: str, memory: dict[int, int]) -> list[str]:
    last = max(memory)
    first = min(count for count in memory if count >= last * WARM)
    a_message = (memory[last] - memory[first]) / (last - first)
    judged = first >= JUDGED_FROM
    return [
        f"{where}: {first:,} and {last:,} messages",
        f"{memory[first] / MEGA:.1f} MB",
        f"{memory[last] / MEGA:.1f} MB",
        f"{a_message:.0f} B each",
        f"{verdict(a_message < FLAT)}: flat" if judged else "",
    ]
