"""What a message's HTML may hold, checked by taking it apart with Python's own parser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from urllib.parse import unquote

# What the client-server API allows ("m.room.message msgtypes"), as far as it is ever written.
ALLOWED: dict[str, set[str]] = {
    "a": {"href"},
    "ol": {"start"},
    "code": {"class"},
    "span": {"data-mx-spoiler", "data-mx-maths"},
    "div": {"data-mx-maths"},
    **{tag: set() for tag in ("p", "ul", "li", "pre", "blockquote", "em", "strong", "br", "hr")},
    **{tag: set() for tag in ("table", "thead", "tbody", "tr", "th", "td", "details", "summary")},
    **{tag: set() for tag in ("del", "sub", "sup", "b", "i", "u", "s")},
    **{f"h{level}": set() for level in range(1, 7)},
}
# How deep (same section).
DEEPEST = 100
VOID = {"br", "hr"}
SCHEME = re.compile(r"(https?|mailto|matrix):", re.IGNORECASE)
# A link to a user, which calls them in clients that know no other mention.
USER = re.compile(r"matrix:.*\bu(ser)?/|.*#.*@", re.IGNORECASE)
# What turns the order of the words behind it around.
OVERRIDES = "\u202d\u202e"


class Checker(HTMLParser):
    """Takes HTML apart and refuses what must not be in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.deepest = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= ALLOWED[tag], (tag, attrs)
        values = dict(attrs)
        if tag == "a":
            assert SCHEME.match(values["href"] or ""), values
            assert not USER.match(unquote(unquote(values["href"] or ""))), values
            assert "a" not in self.open
        if "class" in values:
            assert re.match(r"language-\S", values["class"] or ""), values
        if "start" in values:
            assert (values["start"] or "").isdigit()
        if tag not in VOID:
            self.open.append(tag)
        self.deepest = max(self.deepest, len(self.open))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        assert tag in VOID
        assert not attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def read(html: str) -> Checker:
    """Take HTML apart; refuses what clients could take for more than looks."""
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    assert checker.deepest <= DEEPEST
    assert not any(mark in html for mark in OVERRIDES)
    return checker
