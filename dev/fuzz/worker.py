"""`python -m dev.fuzz.worker TARGET FOLDER SECONDS`: one target under atheris, in this process.

atheris leads libFuzzer by the lines that an input runs through. What an input breaks is written
into the folder, and the fuzzing goes on; `__main__` makes sense of it. Nothing is judged here.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType

import atheris

from .mutation import Mutator
from .target import LARGEST, LOOP, Target, Unusable

INSTRUMENTED = ["plugin", "ruamel", "commonmark", "markdown_it"]
# Under instrumentation everything takes longer; these are measured again without it.
MOST_SLOW = 30
HANGS_AFTER = 30


class Recorder:
    """Runs inputs, and keeps each that breaks the target in a way not seen before."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target, self.folder = target, folder
        self.slowest = target.slow
        self._seen: set[str] = set()
        self._slow = 0

    def run(self, data: bytes) -> int:
        """Run one input; -1 if it is none, which libFuzzer then does not keep."""
        begun = time.process_time()
        try:
            self.target.read(data)
        except Unusable:
            return -1
        except Exception as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
            self._keep(data, "crash", where(error.__traceback__, error))
            LOOP.close()
        seconds = time.process_time() - begun
        if seconds > self.slowest * 1.2 and self._slow < MOST_SLOW:
            self.slowest, self._slow = seconds, self._slow + 1
            self._keep(data, "slow", f"{seconds}")
        return 0

    def _keep(self, data: bytes, kind: str, what: str) -> None:
        if what in self._seen:
            return
        self._seen.add(what)
        name = hashlib.sha256(what.encode()).hexdigest()[:16]
        path = self.folder / f"{kind}-{name}"
        if not path.exists() or path.stat().st_size > len(data):
            path.write_bytes(data)


def where(trace: TracebackType | None, error: Exception) -> str:
    """What went wrong and in which line: two inputs with the same have one cause."""
    frames = traceback.extract_tb(trace)
    ours = [frame for frame in frames if f"{'/'}plugin{'/'}" in frame.filename] or frames
    return f"{type(error).__name__} {ours[-1].filename}:{ours[-1].lineno}"


def main() -> None:
    name, folder, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        from .targets import TARGETS  # noqa: PLC0415 (instrumented as it is imported)
    target = TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    recorder, mutator = Recorder(target, folder), Mutator(target.seeds)
    options = {
        "max_total_time": seconds,
        "max_len": LARGEST,
        "timeout": HANGS_AFTER,
        "rss_limit_mb": 4096,
        "print_final_stats": 1,
        "artifact_prefix": f"{folder}/libfuzzer-",
    }
    arguments = [sys.argv[0], str(corpus), *(f"-{key}={value}" for key, value in options.items())]
    atheris.Setup(arguments, recorder.run, custom_mutator=mutator.mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
