"""Makes inputs out of inputs: JSON value by value, text line by line, everything also larger.

Bytes changed at random are hardly ever JSON, so an input that is JSON is taken apart and put
together again. What is put in comes from the seeds and from a list of values that hurt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from .target import LARGEST

# Of a hundred inputs, so many are made large.
GROWN = 2
DEEPEST = 900
MARK = "\ue000"
ODD_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 1.5, 2**31, 2**53, 2**63, -(2**64), 10**400, 1e308),
    *(float("nan"), float("inf"), "", " ", "\0", "\ud800", "\udfff\ud800", "\ufeff", "\u2028"),
    *("a" * 300, "é", "💬", "{", "%s", "{0.x}", "-1", "1e9", "../", "!", "@", ":", "#", "$"),
    *([], {}, [[]], [None], {"": None}, [{}], {"a": {"a": {"a": {}}}}),
]
ODD_TEXTS = [
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\r", b"\n", b"\r\n", b"\n\n", b"\t", b" ", b"\\", b'"'),
    *(b"'", b"`", b"*", b"_", b"[", b"]", b"(", b")", b"<", b">", b"&", b"|", b"~", b"#", b"!"),
    *(b"{", b"}", b":", b"- ", b"? ", b"!!", b"%", b"@", b"$", b"=", b"^", b"---\n", b"> ", b"1."),
]


class Mutator:
    """Changes inputs of one target."""

    def __init__(self, seeds: Iterable[bytes]) -> None:
        """
        Args:
            seeds: where further parts of inputs come from.
        """
        self._values: list[Any] = list(ODD_VALUES)
        self._keys: list[str] = ["", "a"]
        self._parts: list[bytes] = list(ODD_TEXTS)
        for seed in seeds:
            self._learn(seed)

    def mutate(self, data: bytes, limit: int, seed: int) -> bytes:
        """Another input, of `limit` bytes at most; the same for the same `seed`."""
        random = Random(seed)  # noqa: S311 (no secret)
        for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
            data = self._change(data, random)
        if random.randrange(100) < GROWN:
            data = self._grow(data, random)
        return data[: min(limit, LARGEST)]

    def _learn(self, seed: bytes) -> None:
        self._parts += [part for part in re.split(rb"(\s+)", seed) if 0 < len(part) < 200]
        for value in _json_in(seed):
            for holder, key in _places(value):
                self._values.append(holder[key])
                if isinstance(key, str):
                    self._keys.append(key)

    def _change(self, data: bytes, random: Random) -> bytes:
        if random.random() < 0.9:
            try:
                value = json.loads(data)
            except (ValueError, RecursionError):
                pass
            else:
                return _dump(self._change_value(value, random))
        lines = data.split(b"\n")
        at = random.randrange(len(lines))
        if random.random() < 0.5 and (start := lines[at].find(b"{")) >= 0:
            # JSON in a line, as in an event of a stream.
            lines[at] = lines[at][:start] + self._change(lines[at][start:], random)
        elif random.random() < 0.4:
            other = random.randrange(len(lines))
            lines[at : at + random.randrange(2)] = [lines[other]] * random.randrange(3)
        else:
            return self._change_bytes(data, random)
        return b"\n".join(lines)

    def _change_bytes(self, data: bytes, random: Random) -> bytes:
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((0, 0, 1, 1, 2, 8, 64)))
        how = random.randrange(4)
        if how == 0:
            new = random.choice(self._parts) * random.choice((1, 1, 1, 2, 3, 30))
        elif how == 1:
            new = bytes([random.randrange(256)])
        elif how == 2:
            new = data[start:end] * 2
        else:
            new = b""
        return data[:start] + new + data[end:]

    def _change_value(self, value: Any, random: Random) -> Any:
        places = list(_places(value))
        if not places:
            return random.choice(self._values)
        holder, key = random.choice(places)
        how = random.randrange(6)
        if how == 0:
            del holder[key]
        elif how == 1 and isinstance(holder, list):
            holder.insert(key, holder[key])
        elif how == 1:
            holder[random.choice(self._keys)] = holder[key]
        elif how == 2 and isinstance(holder[key], str):
            text = holder[key].encode("utf-8", "surrogatepass")
            holder[key] = self._change_bytes(text, random).decode("utf-8", "replace")
        elif how == 3:
            other, place = random.choice(places)
            holder[key] = json.loads(_dump(other[place]))
        elif how == 4 and isinstance(holder[key], dict):
            holder[key][random.choice(self._keys)] = random.choice(self._values)
        else:
            holder[key] = random.choice(self._values)
        return value

    def _grow(self, data: bytes, random: Random) -> bytes:
        """An input of about the largest size: a part again and again, or deep in itself."""
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            value = None
        places = list(_places(value))
        start = data.find(b"{", data.find(b"\n") + 1)
        if value is None and start > 0 and random.random() < 0.5:
            # JSON behind a line of something else, or in it.
            return data[:start] + self._grow(data[start:].split(b"\n")[0], random)
        if not places:
            part = random.choice(self._parts) if random.random() < 0.5 else data or b" "
            start = random.randrange(len(data) + 1)
            times = (LARGEST - len(data)) // len(part)
            return data[:start] + part * max(times, 0) + data[start:]
        holder, key = random.choice(places)
        inner = _dump(holder[key])
        room = max(LARGEST - 2 * len(data), 0)
        if random.random() < 0.3:
            opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
            deep = random.choice((DEEPEST, room // 7))
            return _replaced(value, holder, key, opening * deep + inner + closing * deep)
        if isinstance(holder[key], str) and holder[key]:
            holder[key] *= room // len(inner) + 1
            return _dump(value)
        if isinstance(holder, list):
            return _replaced(value, holder, key, b",".join([inner] * (room // (len(inner) + 1))))
        members = (b'"k%d":%b' % (at, inner) for at in range(room // (len(inner) + 9)))
        return _replaced(value, holder, key, b"{" + b",".join(members) + b"}")


def _dump(value: Any) -> bytes:
    try:
        return json.dumps(value).encode()
    except RecursionError:
        return b"[]"


def _replaced(value: Any, holder: Any, key: Any, inner: bytes) -> bytes:
    holder[key] = MARK
    return _dump(value).replace(_dump(MARK), inner)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as what holds it and the key or number in there."""
    left = [value]
    while left:
        holder = left.pop()
        if isinstance(holder, (dict, list)):
            for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
                yield holder, key
                left.append(holder[key])


def _json_in(seed: bytes) -> Iterator[Any]:
    for text in (seed, *(line[line.find(b"{") :] for line in seed.split(b"\n") if b"{" in line)):
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            continue
