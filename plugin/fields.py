"""Values taken out of the configuration, each checked, each error naming its key in full.

Configuration is written by people, so the words for what was found and what is expected stand
in one place, for platforms and for config.py alike. It must not know any particular key, and it
must not repeat the text of a value that could be a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attr

LARGEST_NUMBER = 1_000_000
# Characters of a key that are shown, and beyond which nobody mistyped a word.
LONGEST_KEY = 60
# Words that are listed where a word is one that nobody knows.
MOST_LISTED = 10


# What a key or a password may look like: letters and digits mixed, or very long.
_SECRETIVE = re.compile(r"(?=\S*[A-Za-z])(?=\S*[0-9])\S{8,}|\S{20,}|(?:sk|pk)-")
# What a key looks like where a name belongs: names of people and servers have other signs in them.
_KEYLIKE = re.compile(r"(?:sk|pk)-.*|[^\s@.:*]{32,}", re.IGNORECASE | re.DOTALL)


def label(name: object) -> str:
    """A name that somebody chose, as it may be shown: people paste keys where names belong."""
    text = _shorten(name)
    return "(a key?)" if _KEYLIKE.fullmatch(text.strip()) else text


def describe(value: object) -> str:
    """What was found, in words for a person; the content of long or nested values is left out, and
    so is text that could be a secret: people paste keys into the wrong line."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {_shorten(value)}"
    if isinstance(value, str):
        if len(value) > 60:
            return "a long text"
        return "some text" if _SECRETIVE.search(value) else f'"{value}"'
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple, set)) else f"a {type(value).__name__}"


def _shorten(value: object) -> str:
    try:
        text = str(value)
    except ValueError:
        # Python writes no numbers of more than 4300 digits.
        text = "a large number"
    return text if len(text) <= LONGEST_KEY else f"{text[:LONGEST_KEY]}…"


def suggest(word: object, known: Collection[str]) -> str:
    """The end of a sentence about a word nobody knows: what was meant, or what there is."""
    if not known:
        return "there are none"
    if isinstance(word, list) and len(word) == 1:
        word = word[0]
    # Nothing nested is made a text: YAML can put a mapping into itself, and a list a billion times
    # into another.
    text = label(word) if isinstance(word, (str, int, float)) else ""
    close = difflib.get_close_matches(text, known, 1) if len(text) <= LONGEST_KEY else []
    if close:
        return f'did you mean "{label(close[0])}"?'
    listed = [label(one) for one in sorted(known)]
    more = ", …" if len(listed) > MOST_LISTED else ""
    return f"known are {', '.join(listed[:MOST_LISTED])}{more}"


def report_wrong(key: str, value: object, expected: str) -> ValueError:
    """The error that says what stands at the dotted `key` and what should."""
    return ValueError(f"{key}: found {describe(value)}, expected {expected}")


@attr.frozen
class Fields:
    """The entries of one mapping of the configuration.

    `where` is the mapping's own dotted key, empty for the whole configuration. Methods that read
    a value return `default` when the key is missing and raise ValueError when it is wrong, or
    when it is missing and there is no default.
    """

    raw: Mapping[Any, Any] = attr.field(repr=False)
    where: str

    def key(self, name: object) -> str:
        """The dotted key of the entry `name`."""
        return f"{self.where}.{label(name)}" if self.where else label(name)

    def unknown(self, known: Collection[str]) -> Iterator[str]:
        """One sentence for every key that is not in `known`."""
        for name in self.raw:
            if name not in known:
                yield f"{self.key(name)}: there is no such key, {suggest(name, known)}"

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Raise ValueError for the first key that is not in `known`."""
        for sentence in self.unknown(known):
            raise ValueError(sentence)

    def wrong(self, name: str, expected: str) -> ValueError:
        """The error that says what stands at `name` and what should."""
        return report_wrong(self.key(name), self.raw[name], expected)

    def wrong_secret(self, name: str, expected: str) -> ValueError:
        """The same without what was found: it could be a secret, or hold one."""
        return ValueError(f"{self.key(name)}: this is not usable, expected {expected}")

    def section(self, name: str) -> Fields:
        """The mapping at `name`; empty when the key is missing."""
        value = self.raw.get(name, {})
        if not isinstance(value, Mapping):
            raise self.wrong(name, "a mapping (indented keys and values)")
        return Fields(value, self.key(name))

    def text(self, name: str, default: str | None = None) -> str:
        """Text that is not empty; surrounding blanks are not removed."""
        if name not in self.raw and default is not None:
            return default
        if name not in self.raw:
            raise ValueError(f"{self.key(name)}: missing, expected text")
        value = self.raw[name]
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, "text")
        return str(value)

    def optional_text(self, name: str) -> str:
        """Text that may be empty; a key without a value is empty, as YAML writers mean it."""
        value = self.raw.get(name)
        if value is not None and not isinstance(value, str):
            raise self.wrong(name, "text, or nothing")
        return str(value or "")

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.raw.get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        """One of several words."""
        value = self.raw.get(name, default)
        if value not in choices:
            raise self.wrong(name, f"one of {', '.join(choices)}")
        return str(value)

    def number(self, name: str, default: float, minimum: float = 0) -> float:
        """A number from `minimum` to `LARGEST_NUMBER`; true and false are no numbers."""
        value = self.raw.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(name, "a number")
        if not minimum <= value <= LARGEST_NUMBER:
            raise self.wrong(name, f"a number from {minimum:g} to {LARGEST_NUMBER}")
        return float(value)
