"""`./build.sh fuzz`: fuzzes one target after the other, and says what broke.

Corpus and findings stay in .fuzz/, so that another run goes on from there, and looks first whether
what was found before is mended. Ends with 1 if anything breaks; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import attr

from ..environments import ROOT
from .replay import Outcome
from .targets import TARGETS

HOME = ROOT / ".fuzz"
# Seconds without a word of a replay, after which its input counts as one without an end.
ENDLESS = 60.0
# So much of an input is printed.
SHOWN = 300
UNITS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
COVERED = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")


@attr.frozen
class Figures:
    """What one target came to.

    Attributes:
        executions: inputs that were run.
        cpu: seconds of the processor that took.
        covered: edges of the code that were reached.
        corpus: inputs that reach something of their own.
        slowest: seconds of the processor that the slowest of these takes, without atheris.
        findings: what broke, by file.
    """

    executions: int
    cpu: float
    covered: int
    corpus: int
    slowest: float
    findings: dict[str, str]


def fuzz(name: str, seconds: int) -> Figures:
    """Fuzz one target for so long."""
    folder = HOME / name
    folder.mkdir(parents=True, exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / "log").open("w+b") as log:
        command = [sys.executable, "-m", "dev.fuzz.worker", name, str(folder), str(seconds)]
        subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False)
        log.seek(0)
        said = log.read().decode(errors="replace")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    units = UNITS.search(said)
    covered = (COVERED.findall(said) or [("0", "0", "0")])[-1]
    found = replay(name, sorted(folder.glob("*-*")))
    corpus = replay(name, sorted((folder / "corpus").iterdir()))
    # One input for each thing that broke; of an input that broke nothing, it was mended since, or
    # is slow under atheris alone.
    causes = {one.broken: file for file, one in (corpus | found).items() if one.broken}
    broken = {file: what for what, file in causes.items()}
    for file in found.keys() - broken.keys():
        Path(file).unlink()
    if units is None:
        broken[str(folder / "log")] = "the fuzzing ended before its time"
    slowest = max((one.seconds for one in corpus.values()), default=0.0)
    executions = int(units[1]) if units else 0
    return Figures(executions, cpu, int(covered[0]), int(covered[2]), slowest, broken)


def replay(name: str, files: Iterable[Path]) -> dict[str, Outcome]:
    """What becomes of these inputs without atheris, by file."""
    left = [str(file) for file in files]
    outcomes: dict[str, Outcome] = {}
    while left:
        command = [sys.executable, "-m", "dev.fuzz.replay", name, *left[:500]]
        try:
            done = subprocess.run(
                command, cwd=ROOT, stdout=subprocess.PIPE, timeout=ENDLESS * 5, check=False
            )
            said = done.stdout
        except subprocess.TimeoutExpired as expired:
            said = expired.stdout or b""
        for line in said.splitlines():
            file, *values = json.loads(line)
            outcomes[file] = Outcome(*values)
        if left[0] not in outcomes:
            outcomes[left[0]] = Outcome("it never ends, or ends the process", ENDLESS, 0)
        left = [file for file in left if file not in outcomes]
    return outcomes


def describe(name: str, figures: Figures) -> str:
    """One row, and the findings below it."""
    row = (
        f"{name:14} {figures.executions:10,} inputs in {figures.cpu:6.0f} s of the processor, "
        f"{figures.covered:5} edges, slowest {figures.slowest * 1000:5.0f} ms"
    )
    found = []
    for file, what in figures.findings.items():
        data = Path(file).read_bytes()
        found.append(f"    {file}: {what}\n        {data[:SHOWN]!r} ({len(data)} bytes)")
    return "\n".join([row, *found])


def main() -> int:
    parser = argparse.ArgumentParser(prog="./build.sh fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("target", nargs="*", help="all by default")
    options = parser.parse_args()
    if unknown := [name for name in options.target if name not in TARGETS]:
        parser.error(f"there is no target {unknown[0]}, there are {', '.join(TARGETS)}")
    results = {}
    for name in options.target or TARGETS:
        results[name] = fuzz(name, options.seconds)
        print(describe(name, results[name]), flush=True)
    broken = sum(len(one.findings) for one in results.values())
    executions = sum(one.executions for one in results.values())
    cpu = sum(one.cpu for one in results.values())
    print(f"{executions:,} inputs, {cpu:.0f} s of the processor, {broken} findings")
    print(json.dumps({name: attr.asdict(one) for name, one in results.items()}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
