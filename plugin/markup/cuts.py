"""Where a text that is too long is best cut, and what has to be opened again behind the cut.

Between blocks if it can be, and never behind a heading; then between the items of a list, the rows
of a table, the lines of code; then between lines, sentences and words. It sees no more of a text
than fits into one message, so the same text is always cut in the same places.
"""

from __future__ import annotations

import re
from itertools import islice

import attr

from .outline import Block, read_blocks, starts_of_items
from .syntax import DEEPEST, DETAILS, DETAILS_END, FENCE

# A message is filled to this part of it before a block stays whole for the price of that.
LEAST = 4
# Blocks in a message. Nobody writes as many; a text that has more is cut at a line.
MOST_BLOCKS = 250
SENTENCE = re.compile(r"[.!?…][\"'”\u2019)\]*_]{0,4}\s+(?=\S)")
# In an item of a list: code, and where something that belongs to the item begins.
_IN_ITEM = re.compile(
    r"\n(?=(?P<indent>[ \t]*)(?P<mark>`{3,}|~{3,})(?P<info>[^\n`]*)(?:\n|\Z))"
    r"|\n(?=[ \t]+(?:[-+*]|\d{1,9}[.)])[ \t]+\S)|\n[ \t\r]*\n(?=[ \t]*[^\s`~])"
)


@attr.frozen
class Opened:
    """A block that goes on behind a cut.

    Attributes:
        opening: the lines that open it again.
        closing: what closes it before the cut.
        end: its own last line, behind which nothing needs to be opened.
    """

    opening: str
    closing: str = ""
    end: re.Pattern[str] | None = None


@attr.frozen
class Cut:
    """A place to cut at.

    Attributes:
        at: the number of characters before it.
        blocks: the blocks that are cut, outermost first.
        keeps_indent: whether the white space before the rest's first words means something.
    """

    at: int
    blocks: tuple[Opened, ...] = ()
    keeps_indent: bool = True


def find_cut(text: str, added: int = 0) -> Cut:
    """The best place to cut a text that goes on behind what is given of it.

    Args:
        text: as much as fits into one message.
        added: how many characters at its beginning open what the cut before has closed.
    """
    cut = _cut_blocks(text, 0, added)
    return cut if cut is not None and cut.at > added else _cut_words(text, added)


def _cut_blocks(text: str, start: int, floor: int, depth: int = 0) -> Cut | None:
    """Cut between the blocks that begin at `start`, or in the last of them, behind `floor`."""
    blocks = list(islice(read_blocks(text, start), MOST_BLOCKS + 1))
    if not blocks or len(blocks) > MOST_BLOCKS:
        return None
    last = blocks[-1]
    ends = [one.end for one in blocks if one.closed and one.kind != "heading"]
    best = max((end for end in ends if end > floor), default=0)
    if not last.closed and best < start + (len(text) - start) // LEAST:
        inside = _cut_inside(text, last, max(floor, last.start), depth)
        if inside is not None:
            return inside
    return Cut(best) if best else None


def _cut_inside(text: str, block: Block, floor: int, depth: int) -> Cut | None:
    if block.kind == "fence":
        return _cut_fence(text, block, floor)
    if block.kind == "table":
        return _cut_table(text, block, floor)
    if block.kind == "list":
        return _cut_list(text, block, floor)
    if block.kind == "details" and depth < DEEPEST:
        return _cut_details(text, block, floor, depth + 1)
    # A heading, or a formula that is being written, is better whole than the message full.
    return _cut_words(text, floor) if block.kind in ("paragraph", "quote", "code") else None


def _cut_fence(text: str, block: Block, floor: int) -> Cut | None:
    opening = FENCE.match(text, block.start)
    assert opening is not None
    fence = _reopen(opening["indent"], opening["mark"], opening["info"])
    floor = max(floor, opening.end())
    at = text.rfind("\n", floor + 1) + 1
    at = at or len(text)
    return Cut(at, (fence,)) if at > floor else None


def _reopen(indent: str, mark: str, info: str) -> Opened:
    line = f"{indent}{mark}{info.rstrip()}\n"
    end = re.compile(
        rf"[ \t]{{0,99}}{re.escape(mark)}{re.escape(mark[0])}{{0,99}}[ \t\r]{{0,99}}(?:\n|\Z)"
    )
    return Opened(line, f"\n{indent}{mark}", end)


def _cut_table(text: str, block: Block, floor: int) -> Cut | None:
    header = text.index("\n", text.index("\n", block.start) + 1) + 1
    at = text.rfind("\n", header) + 1
    if at <= max(header, floor):
        return None
    return Cut(at, (Opened(text[block.start : header]),))


def _cut_list(text: str, block: Block, floor: int) -> Cut | None:
    least = floor + (len(text) - floor) // LEAST
    items = starts_of_items(text, block)
    if items and items[-1] > least:
        return Cut(items[-1])
    best, fence = 0, None
    for line in _IN_ITEM.finditer(text, max(floor, items[-1] - 1 if items else 0)):
        if line["mark"] is None:
            best = best if fence else line.end()
        elif fence is None:
            fence = _reopen(line["indent"], line["mark"], line["info"])
        elif fence.end is not None and fence.end.match(text, line.end()):
            fence = None
    if best > least:
        return Cut(best, keeps_indent=False)
    at = text.rfind("\n", least) + 1
    # Deeper than that it would be closed by nothing where it is opened again.
    if fence is not None and at > least and not fence.opening.startswith(("    ", "\t")):
        return Cut(at, (fence,))
    cut = _cut_words(text, floor)
    return attr.evolve(cut, keeps_indent=False)


def _cut_details(text: str, block: Block, floor: int, depth: int) -> Cut | None:
    opening = DETAILS.match(text, block.start)
    assert opening is not None
    floor = max(floor, opening.end())
    inside = _cut_blocks(text, opening.end(), floor, depth)
    if inside is None or inside.at <= floor:
        inside = _cut_words(text, floor)
    lines = f"<details>\n<summary>{opening['summary']}</summary>\n\n"
    details = Opened(lines, "\n\n</details>", DETAILS_END)
    return attr.evolve(inside, blocks=(details, *inside.blocks)) if inside.at > floor else None


def _cut_words(text: str, floor: int) -> Cut:
    """Cut at a line, a sentence or a word in the later half of what is behind `floor`, if need be
    anywhere."""
    begin = len(text) - len(text[floor:].lstrip()) + 1
    middle = max(begin, floor + (len(text) - floor) // 2)
    for mark in ("\n\n", "\n"):
        if (at := text.rfind(mark, middle)) > 0:
            return Cut(at)
    if ends := [one.end() for one in SENTENCE.finditer(text, middle)]:
        return Cut(ends[-1])
    for mark in (" ", "\n"):
        if (at := text.rfind(mark, begin)) > 0:
            return Cut(at)
    return Cut(len(text))
