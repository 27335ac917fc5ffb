"""Writes parsed Markdown as HTML, in the tags and attributes that Matrix allows and in no others.

Client-server API, "m.room.message msgtypes". Whatever stands in a text, only what is written here
leaves: raw HTML is text, and what cannot be a link is its own words.
"""

from __future__ import annotations

import re
from typing import Any

import commonmark

from .allowance import Allowance, TooComplex

# How deep tags may be nested.
DEEPEST = 100
# Of the schemes in that section, where a person may be led to.
LINK = re.compile(r"(?:https?|mailto|matrix):", re.IGNORECASE)


class HtmlWriter(commonmark.HtmlRenderer):
    """Writes one document."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__({})
        self.allowance = allowance
        self._depth = 0
        self._links: list[bool] = []

    def tag(self, name: str, attrs: Any = None, selfclosing: Any = None) -> None:
        self.allowance.step()
        if not selfclosing:
            self._depth += -1 if name.startswith("/") else 1
        if self._depth > DEEPEST:
            raise TooComplex
        super().tag(name, attrs, selfclosing)

    def lit(self, text: str) -> None:
        self.allowance.step()
        super().lit(text)

    def link(self, node: Any, entering: bool) -> None:
        if not entering:
            if self._links.pop():
                self.tag("/a")
            return
        # A link in a link, which only an image can be, is none; what the section does not allow
        # is its own words.
        shown = not any(self._links) and LINK.match(node.destination) is not None
        self._links.append(shown)
        if shown:
            self.tag("a", [["href", self.escape(node.destination)]])

    def image(self, node: Any, entering: bool) -> None:
        # An image is a link to it: no client loads one that is not in Matrix's own storage.
        self.link(node, entering)
        if entering and node.first_child is None:
            self.out(node.destination)

    def html_inline(self, node: Any, _: bool) -> None:
        self.out(node.literal)

    html_block = html_inline
