"""How much of a text that is still being written may be shown as it will look, and what closes it.

It is asked again and again while the text grows, so it costs no more than an outline.
"""

from __future__ import annotations

from itertools import islice

from .outline import Block, read_blocks, starts_of_items
from .syntax import DEEPEST, DETAILS, FENCE

# Blocks of a text that are looked at: nobody writes as many.
MOST_BLOCKS = 1000


def closed_prefix(text: str) -> int:
    """How much of a text that is still being written will look the same when it is whole.

    Whole blocks, and of a list or a table that is not over its whole items and rows; in details
    that are not over, the same of what is in them.

    Returns:
        A number of characters. What comes after them is better shown as it is written.
    """
    return _closed_behind(text, 0, 0)


def _closed_behind(text: str, start: int, depth: int) -> int:
    closed = start
    for block in islice(read_blocks(text, start), MOST_BLOCKS):
        closed = block.end if block.closed else _closed_part(text, block, depth)
    return closed


def _closed_part(text: str, block: Block, depth: int) -> int:
    last_line = text.rfind("\n", block.start, block.end) + 1
    if block.kind == "list":
        items = starts_of_items(text, block)
        return items[-1] if items else block.start
    if block.kind == "table":
        rows = text.count("\n", block.start, last_line)
        return last_line if rows > 1 else block.start
    if block.kind == "details" and depth < DEEPEST:
        opening = DETAILS.match(text, block.start)
        assert opening is not None
        return _closed_behind(text, opening.end(), depth + 1)
    return block.start


def close_blocks(text: str) -> str:
    """A text that breaks off, with the code and details closed that it leaves open: whatever is
    written below it is in none of them."""
    # A line that ends with the text may be the last one of a block all the same.
    return text + _closing_behind(f"{text}\n\n", 0, 0)


def _closing_behind(text: str, start: int, depth: int) -> str:
    blocks = list(islice(read_blocks(text, start), MOST_BLOCKS))
    if not blocks or blocks[-1].closed:
        return ""
    last = blocks[-1]
    if last.kind == "fence":
        opening = FENCE.match(text, last.start)
        assert opening is not None
        return f"\n{opening['indent']}{opening['mark']}"
    if last.kind == "details" and depth < DEEPEST:
        opening = DETAILS.match(text, last.start)
        assert opening is not None
        return f"{_closing_behind(text, opening.end(), depth + 1)}\n\n</details>"
    return ""
