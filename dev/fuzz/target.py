"""What a target of the fuzzing is: a function that reads an input, and what inputs look like.

An input is bytes, in files as in crash reports; each target says how it reads them. What a target
must not do, it says by raising: nothing but an error of the code under test comes out of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import attr

# The largest input in bytes, and the seconds of the processor that any input may take.
LARGEST = 65_536
SLOW = 0.1


class Unusable(Exception):
    """These bytes are no input of this target."""


@attr.frozen
class Target:
    """One reader of what others wrote.

    Attributes:
        name: what it is called on the command line.
        read: reads one input; raises what it should not.
        seeds: inputs to begin with, made by the code where it can make them.
        slow: seconds of the processor that an input may take.
    """

    name: str
    read: Callable[[bytes], object]
    seeds: Sequence[bytes]
    slow: float = SLOW


def from_json(read: Callable[[Any], object]) -> Callable[[bytes], object]:
    """A reader of bytes, out of one of JSON values."""

    def parse(data: bytes) -> object:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            raise Unusable from None
        return read(value)

    return parse


def from_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """A reader of bytes, out of one of text; halves of characters may be in it."""

    def decode(data: bytes) -> object:
        try:
            text = data.decode("utf-8", "surrogatepass")
        except ValueError:
            raise Unusable from None
        return read(text)

    return decode


def to_json(*values: object) -> list[bytes]:
    """Seeds out of JSON values."""
    return [json.dumps(value).encode() for value in values]


class Loop:
    """An event loop for all inputs of this process: one for each would cost more than they do."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What the coroutine returns; raises what it raises."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        """Let go of the loop; the next input makes another."""
        if self._loop is not None:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()
            self._loop = None


LOOP = Loop()
