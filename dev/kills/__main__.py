"""`./build.sh kills`: kills the plugin many times under people who write, and counts what is lost.

The last line is JSON, the one before it says the same in words. Ends with 1 if anything was lost,
answered twice or out of order, or if a Space or a chat is not what it was.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import asdict

from .. import postgres
from ..processes import run_until_signal
from .run import Fault, Outcome, kill_many, summary


async def _kill(options: argparse.Namespace) -> int:
    outcome, sound = Outcome(options.database, options.seed), True
    begun = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - begun:7.1f} s  {line}", file=sys.stderr, flush=True)

    try:
        await kill_many(outcome, options.number, report)
    except Fault as fault:
        sound = False
        report(f"stopped: {fault or 'see below'}; the logs of the stack are kept in .stack/")
    print(summary(outcome))
    print(json.dumps(asdict(outcome) | {"sound": sound}))
    return 0 if sound else 1


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./build.sh kills", description=__doc__)
    parser.add_argument("--number", type=int, default=1000, help="of kills")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    seed = random.SystemRandom().randrange(10**6)
    parser.add_argument("--seed", type=int, default=seed, help="of the moments and the damages")
    return parser.parse_args()


def main() -> int:
    options = _read_options()
    if options.database == "postgres" and (missing := postgres.what_is_missing()):
        print(f"skipped: {missing}")
        return 0
    return run_until_signal(_kill(options))


if __name__ == "__main__":
    sys.exit(main())
