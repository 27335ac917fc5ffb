"""Where the blocks of a text in Markdown begin and end, without parsing what is in them.

What a long text is cut by, and what of an unfinished one is finished, hang on this alone. Time is
linear in the text, and every block costs a search or two. Near Markdown, not equal to it: whoever
takes a block for another one loses looks, never text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import attr

from .syntax import (
    BLANK,
    DETAILS,
    FENCE,
    FENCE_END,
    FIRST,
    HEADING,
    ITEM,
    RULE,
    close_details,
    close_formula,
    is_open_formula,
)

# What ends a paragraph without a blank line. A number is none: only a list that begins with 1
# interrupts, and prose has numbers at the beginnings of its lines.
_INTERRUPTION = (
    r"#{1,6}[ \t]|>|```|~~~|\$\$|\\\[|<details[ >]|(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})\n"
)
_FIRST_ITEM = r"[-+*][ \t]+\S|1[.)][ \t]+\S"
_RULED = r"[^|\n]*\|[^\n]*\n {0,3}([|:-][-:| \t]*)\r?\n"
# A line at the margin that is neither empty nor an item.
_OUTSIDE = r"(?![ \t\r\n]|(?:[-+*]|\d{1,9}[.)])(?:[ \t\r\n]|\Z)|\d{1,9}\Z)"

TABLE = re.compile(_RULED)
TABLE_END = re.compile(rf"\n(?=[ \t\r]*\n| {{0,3}}(?:{_INTERRUPTION}|{_FIRST_ITEM}))")
PARAGRAPH_END = re.compile(rf"\n(?=[ \t\r]*\n| {{0,3}}(?:{_INTERRUPTION}|{_FIRST_ITEM})|{_RULED})")
QUOTE_END = re.compile(rf"\n(?=[ \t\r]*\n| {{0,3}}(?!>)(?:{_INTERRUPTION}|{_FIRST_ITEM}))")
LIST_END = re.compile(
    rf"\n[ \t\r]*\n{_OUTSIDE}|\n(?=[-#>`~$\\<*_])(?=(?:{_INTERRUPTION}|(?:-[ \t]*){{3,}}\n))"
)
CODE_END = re.compile(r"\n(?= {0,3}[^\s])")
_ENDS = {
    "table": TABLE_END,
    "paragraph": PARAGRAPH_END,
    "quote": QUOTE_END,
    "list": LIST_END,
    "code": CODE_END,
}


@attr.frozen
class Block:
    """A block that stands in no other.

    Attributes:
        kind: paragraph, heading, rule, fence, code, table, list, quote, formula or details.
        start: where its first line begins.
        end: where the line after it begins.
        closed: whether it is over, whatever comes after the text.
    """

    kind: str
    start: int
    end: int
    closed: bool


def read_blocks(text: str, start: int = 0) -> Iterator[Block]:
    """The blocks of a text, one after the other.

    Args:
        text: the text.
        start: where to begin; a line begins there.
    """
    at, end = start, len(text)
    while at < end:
        blank = BLANK.match(text, at, end)
        if blank is not None and blank.end() > at:
            at = blank.end()
            continue
        block = _read_block(text, at, end)
        yield block
        at = block.end


def _read_block(text: str, at: int, end: int) -> Block:
    first = FIRST.match(text, at, end)
    if first is None:
        return _until("code", text, at, end)
    read = _READERS.get(first[1])
    block = read(text, at, end) if read is not None else None
    if block is not None:
        return block
    if is_table(text, at, end):
        return _until("table", text, at, end)
    return _until("paragraph", text, at, end)


def _read_heading(text: str, at: int, end: int) -> Block | None:
    return _one_line("heading", text, at, end) if HEADING.match(text, at, end) else None


def _read_rule_or_list(text: str, at: int, end: int) -> Block | None:
    if RULE.match(text, at, end):
        return _one_line("rule", text, at, end)
    return _until("list", text, at, end) if ITEM.match(text, at, end) else None


def _read_quote(text: str, at: int, end: int) -> Block | None:
    return _until("quote", text, at, end)


def _read_fence(text: str, at: int, end: int) -> Block | None:
    opening = FENCE.match(text, at, end)
    if opening is None:
        return None
    for line in FENCE_END.finditer(text, opening.end(), end):
        if line["mark"].startswith(opening["mark"]):
            return Block("fence", at, line.end(), line[0].endswith("\n"))
    return Block("fence", at, end, closed=False)


def _read_formula(text: str, at: int, end: int) -> Block | None:
    stop = close_formula(text, at, end)
    if stop:
        return Block("formula", at, stop, text[stop - 1] == "\n")
    return Block("formula", at, end, closed=False) if is_open_formula(text, at, end) else None


def _read_details(text: str, at: int, end: int) -> Block | None:
    opening = DETAILS.match(text, at, end)
    if opening is None:
        return None
    last_line = close_details(text, opening.end(), end)
    return Block("details", at, last_line[1] if last_line else end, last_line is not None)


_READERS: dict[str, Callable[[str, int, int], Block | None]] = {
    "#": _read_heading,
    ">": _read_quote,
    "<": _read_details,
    **dict.fromkeys("`~", _read_fence),
    **dict.fromkeys("$\\", _read_formula),
    **dict.fromkeys("-+*_0123456789", _read_rule_or_list),
}


def _one_line(kind: str, text: str, at: int, end: int) -> Block:
    stop = text.find("\n", at, end) + 1
    return Block(kind, at, stop or end, stop > 0)


def _until(kind: str, text: str, at: int, end: int) -> Block:
    found = _ENDS[kind].search(text, at, end)
    # What ends with the text may go on: a blank line behind it is not whole yet.
    if found is None or found.end() >= end:
        return Block(kind, at, end, closed=False)
    return Block(kind, at, found.start() + 1, closed=True)


def is_table(text: str, at: int, end: int) -> bool:
    """Whether a table begins at a line: as many columns as the line below it rules."""
    table = TABLE.match(text, at, end)
    if table is None or "-" not in table[1]:
        return False
    header = text[at : text.index("\n", at)]
    return _columns(header) == _columns(table[1])


def _columns(line: str) -> int:
    bare = line.strip()
    return bare.removeprefix("|").removesuffix("|").count("|") - bare.count("\\|")


def starts_of_items(text: str, block: Block) -> list[int]:
    """Where the items of a list begin that stand in no other item, but for the first."""
    first = ITEM.match(text, block.start, block.end)
    assert first is not None
    # A line that belongs to an item is indented at least as far as the item's text.
    deepest = first.start("marker") - block.start + 1
    item = re.compile(rf"\n(?= {{0,{deepest}}}(?:[-+*]|\d{{1,9}}[.)])[ \t]+\S)")
    return [found.end() for found in item.finditer(text, block.start, block.end)]
