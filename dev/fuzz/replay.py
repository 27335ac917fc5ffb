"""`python -m dev.fuzz.replay TARGET FILE...`: inputs once more, as the plugin itself would run.

Without atheris, whose counting makes everything slower: so what is said of times here holds. One
line of JSON for each file. For a regression test, copy what it says of the input.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from pathlib import Path

import attr

from .target import LOOP, Target, Unusable
from .targets import TARGETS

TRIES = 3


@attr.frozen
class Outcome:
    """What became of one input.

    Attributes:
        broken: what it broke, and where; empty if nothing.
        seconds: of the processor, the best of a few tries where that is more than allowed.
        size: in bytes.
    """

    broken: str
    seconds: float
    size: int


def run_once(target: Target, data: bytes) -> Outcome:
    """Run one input, again if it takes long: a busy machine is no bug."""
    best = float("inf")
    for _ in range(TRIES):
        begun = time.process_time()
        try:
            target.read(data)
        except Unusable:
            pass
        except Exception as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
            LOOP.close()
            return Outcome(_describe(error), 0.0, len(data))
        best = min(best, time.process_time() - begun)
        if best <= target.slow:
            return Outcome("", best, len(data))
    return Outcome(f"slow: {best:.3f} s, allowed are {target.slow:.2f}", best, len(data))


def _describe(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in reversed(frames))
    return f"{type(error).__name__}: {str(error)[:100]!r} at {places}"


def main() -> int:
    logging.disable(logging.CRITICAL)
    target = TARGETS[sys.argv[1]]
    for file in sys.argv[2:]:
        outcome = run_once(target, Path(file).read_bytes())
        print(json.dumps([file, *attr.astuple(outcome)]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
