"""Which of the tags that stand in a text belong together: only those are written as tags.

The emphasis and the links of the Markdown around them always do: none may cut a pair in two.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..vendored import Token


def find_pairs(tokens: Sequence[Token]) -> set[int]:
    """The numbers of those of the tags among a paragraph's tokens that open and close in order."""
    pairs: set[int] = set()
    # What is open: the number of a tag, or None for what the parser itself opens and closes.
    opened: list[int | None] = []
    for number, token in enumerate(tokens):
        if token.type == "tag" and token.info == "open":
            opened.append(number)
        elif token.type == "tag":
            last = opened[-1] if opened else None
            if last is not None and tokens[last].tag == token.tag:
                pairs |= {last, number}
                opened.pop()
        elif token.nesting > 0:
            opened.append(None)
        elif token.nesting < 0:
            # Tags that were opened inside, and not closed there, are text.
            while opened and opened.pop() is not None:
                continue
    return pairs
