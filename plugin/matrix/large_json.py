"""Parses a large answer in slices, so that other threads have their turn in between.

Python's parser holds the interpreter from the first character of a text to the last, in whatever
thread it runs; of a million rooms that is a sixth of a second for which everything stands still.
What comes out, and what is refused, is what `json.loads` says of the whole, and nothing else:
where a slice is in doubt, the whole is asked.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Characters in a slice, about: a few thousandths of a second.
SLICE = 200_000
# More keys than an object has that is large for its lists.
MANY_KEYS = 20
SPACE = re.compile(r"[ \t\n\r]*")
TEXTS_BEGIN = re.compile(r'\[(?=[ \t\n\r]*")')
# Where one text in a list ends and the next begins; inside of a text the first quotation mark
# would have a backslash before it.
BETWEEN_TEXTS = re.compile(r'(?<=[^\\]"),(?=[ \t\n\r]*")')


class _InDoubt(Exception):
    """This is no object, or one of its lists cannot be cut."""


def parse_large(pieces: list[bytes], size: int = SLICE) -> Any:
    """The JSON value in a large answer; for a thread, not for the event loop.

    Lists of texts that stand directly in an object are parsed slice by slice: nothing else that a
    homeserver says is long without an object inside, at each of which other threads have a turn.

    Args:
        pieces: UTF-8, cut anywhere; what is none is replaced.
        size: characters in a slice, about.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is too deep.
    """
    text = b"".join(pieces).decode(errors="replace")
    try:
        return _object(text, size)
    except (_InDoubt, ValueError):
        return json.loads(text, object_hook=_itself)


def _object(text: str, size: int) -> dict[str, Any]:
    at = _after("{", text, 0)
    found: dict[str, Any] = {}
    for _ in range(MANY_KEYS):
        key, at = _decoder.raw_decode(text, _skip(text, at))
        if not isinstance(key, str):
            raise _InDoubt
        at = _skip(text, _after(":", text, at))
        if TEXTS_BEGIN.match(text, at):
            found[key], at = _texts(text, at + 1, size)
        else:
            found[key], at = _decoder.raw_decode(text, at)
        at = _skip(text, at)
        if text.startswith("}", at) and _skip(text, at + 1) == len(text):
            return found
        at = _after(",", text, at)
    raise _InDoubt


def _texts(text: str, at: int, size: int) -> tuple[list[Any], int]:
    """The list whose first text begins here, and where it ends."""
    found: list[Any] = []
    while True:
        cut = BETWEEN_TEXTS.search(text, at + size, at + 2 * size)
        end = cut.start() if cut else at + 2 * size
        slice_ = f"[{text[at:end]}]"
        # A slice that begins or ends inside of a text has an odd number of quotation marks, and
        # one that ends deeper than it began a bracket too many: neither is a list.
        values, length = _decoder.raw_decode(slice_)
        found += values
        if length < len(slice_):
            # The list came to its end in there.
            return found, at + length - 1
        if cut is None:
            raise _InDoubt
        at = cut.end()


def _after(sign: str, text: str, at: int) -> int:
    at = _skip(text, at)
    if not text.startswith(sign, at):
        raise _InDoubt
    return at + 1


def _skip(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    assert found is not None
    return found.end()


def _itself(value: dict[str, Any]) -> dict[str, Any]:
    return value


# The hook lets other threads have a turn, which the parser itself never does.
_decoder = json.JSONDecoder(object_hook=_itself)
