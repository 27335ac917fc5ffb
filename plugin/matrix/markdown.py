"""Markdown to the HTML that Matrix allows, within an allowance of time.

commonmark.py does the parsing. Some of its patterns take quadratic or exponential time, inside
of which nothing can end them; those are replaced here, and everything else looks at the allowance
as it goes. Raw HTML is text. This runs in a thread of render.py's: it must touch nothing shared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import commonmark.blocks
import commonmark.inlines

from .allowance import Allowance, TooComplex
from .html_writer import DEEPEST, HtmlWriter

# Nobody means these: they are left unread, since they cost the patterns for ends of lines and of
# blocks the square of their length.
GAP = re.compile(r"[ \t]{200}|(?:(?:\r\n?|\n)[ \t]*){200}")
# Marks of emphasis in one paragraph: each may be compared with all of those before it.
MOST_MARKS = 1500
TITLE = re.compile(
    r"\"(?:[^\"\\\x00]|\\.)*\"|'(?:[^'\\\x00]|\\.)*'|\((?:[^()\\\x00]|\\.)*\)", re.S
)
FENCE = re.compile(r"`{3,}(?=[^`]*$)|~{3,}")


class _Inlines(commonmark.inlines.InlineParser):
    """What stands inside of a paragraph."""

    subject: str
    pos: int

    def __init__(self, allowance: Allowance) -> None:
        super().__init__()
        self.allowance = allowance
        self._marks = 0

    def parse(self, block: Any) -> None:
        self._marks = 0
        self.parseInlines(block)

    def match(self, pattern: Any) -> str | None:
        self.allowance.step()
        found: str | None = super().match(pattern)
        return found

    def peek(self) -> str | None:
        self.allowance.step()
        found: str | None = super().peek()
        return found

    def handleDelim(self, mark: str, block: Any) -> Any:  # noqa: N802 (commonmark's name)
        self._marks += 1
        if self._marks > MOST_MARKS:
            raise TooComplex
        return super().handleDelim(mark, block)

    def parseCloseBracket(self, block: Any) -> Any:  # noqa: N802
        self.allowance.look()
        return super().parseCloseBracket(block)

    def parseLinkTitle(self) -> str | None:  # noqa: N802
        title = TITLE.match(self.subject, self.pos)
        if title is None:
            return None
        self.pos = title.end()
        return title[0][1:-1]

    def parseHtmlTag(self, _: Any) -> bool:  # noqa: N802
        return False


class _BlockStarts(commonmark.blocks.BlockStarts):
    """The beginnings of blocks, but for raw HTML."""

    METHODS: Sequence[str] = tuple(
        name for name in commonmark.blocks.BlockStarts.METHODS if name != "html_block"
    )

    @staticmethod
    def fenced_code_block(parser: Any, container: Any = None) -> int:
        rest = parser.current_line[parser.next_nonspace :]
        if rest[:3] == "```" and FENCE.match(rest) is None:
            return 0
        return int(commonmark.blocks.BlockStarts.fenced_code_block(parser, container))


class _Parser(commonmark.blocks.Parser):
    """Paragraphs, lists, quotes and code."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__()
        self.allowance = allowance
        self.block_starts = _BlockStarts()
        self.inline_parser = _Inlines(allowance)

    def find_next_nonspace(self) -> None:
        self.allowance.step()
        super().find_next_nonspace()

    def finalize(self, block: Any, line_number: int) -> None:
        self.allowance.step()
        super().finalize(block, line_number)

    def add_child(self, tag: str, offset: int) -> Any:
        block = super().add_child(tag, offset)
        block.depth = getattr(block.parent, "depth", 0) + 1
        if block.depth > DEEPEST:
            raise TooComplex
        return block


def to_html(text: str, seconds: float) -> str:
    """The HTML for a text in Markdown.

    Args:
        text: the text, of some 64 kB at most.
        seconds: of this thread's time on the processor that it may take.

    Raises:
        TooComplex: it takes longer, or is nested more than a hundred deep.
    """
    if GAP.search(text):
        raise TooComplex
    allowance = Allowance(seconds)
    return str(HtmlWriter(allowance).render(_Parser(allowance).parse(text)))
