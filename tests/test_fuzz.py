"""The fuzzing in small: hostile inputs for each target, the same ones on every run.

`./build.sh fuzz` does it for as long as one likes, led by coverage.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from dev.fuzz.mutation import Mutator
from dev.fuzz.replay import run_once
from dev.fuzz.target import LARGEST, LOOP, Target, Unusable
from dev.fuzz.targets import TARGETS

INPUTS = 100


@pytest.fixture(autouse=True)
def closed_loop() -> Iterator[None]:
    yield
    LOOP.close()


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks_whatever_others_wrote(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds:
        target.read(seed)
    mutator, used = Mutator(target.seeds), 0
    for number in range(INPUTS):
        data = mutator.mutate(target.seeds[number % len(target.seeds)], LARGEST, number)
        with contextlib.suppress(Unusable):
            target.read(data)
            used += 1
    assert used > INPUTS / 4


@pytest.mark.parametrize("name", ["state", "commands", "platform", "configuration"])
def test_inputs_are_the_same_on_every_run_and_some_are_large(name: str) -> None:
    seeds = TARGETS[name].seeds
    made, again = ([Mutator(seeds).mutate(seeds[0], LARGEST, n) for n in range(300)] for _ in "ab")

    assert made == again
    assert len(set(made)) > 100
    assert LARGEST / 2 < max(map(len, made)) <= LARGEST


def test_what_breaks_is_told_with_its_place() -> None:
    def stumble(data: bytes) -> None:
        raise LookupError(data)

    broken = run_once(Target("stumbling", stumble, [b""]), b"input").broken

    assert broken.startswith("LookupError: \"b'input'\" at test_fuzz.py:")
    assert run_once(Target("sound", bytes.split, [b""]), b"input").broken == ""
