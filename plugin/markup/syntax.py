"""How blocks begin and end, line by line: what the parser's own rules and the outline agree on.

Every pattern is linear: none repeats what repeats.
"""

from __future__ import annotations

import re

BLANK = re.compile(r"(?:[ \t\r]*(?:\n|\Z))*")
# What a line begins with that is no code.
FIRST = re.compile(r" {0,3}([^ \t\n])")
HEADING = re.compile(r" {0,3}#{1,6}(?=[ \t\r\n]|\Z)")
RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})\r?(?=\n|\Z)")
ITEM = re.compile(r" {0,3}(?P<marker>[-+*]|\d{1,9}[.)])(?=[ \t\r\n])")
# The first line; what stands behind backticks has none.
FENCE = re.compile(
    r"(?P<indent> {0,3})(?P<mark>`{3,}(?=[^`\n]*(?:\n|\Z))|~{3,})(?P<info>[^\n]*)(?:\n|\Z)"
)
FENCE_END = re.compile(r"^ {0,3}(?P<mark>`{3,}|~{3,})[ \t\r]*(?:\n|\Z)", re.M)

# A formula on lines of its own; nobody means one with an empty line in it.
FORMULA = re.compile(r" {0,3}(?P<mark>\$\$|\\\[)")
FORMULA_ENDS = {"$$": "$$", "\\[": "\\]"}
LONGEST_FORMULA = 2000

# Details are read where their summary is given: a tag that somebody only mentions folds nothing.
DETAILS = re.compile(
    r" {0,3}<details(?: open)?>[ \t\r]*\n?[ \t]*<summary>(?P<summary>[^\n]*)</summary>[ \t\r]*\n",
    re.I,
)
# Details in details that are looked into.
DEEPEST = 3
DETAILS_END = re.compile(r"[ \t]*</details>[ \t\r]*(?:\n|\Z)", re.I)
_DETAILS_LINE = re.compile(
    r"^[ \t]*(?:(?P<open><details(?: open)?>)|(?P<close></details>[ \t\r]*(?:\n|\Z))"
    r"|(?P<mark>`{3,}|~{3,}))",
    re.M | re.I,
)


def close_formula(text: str, start: int, end: int) -> int:
    """Where the line after a formula begins, of which nothing else stands on its last line.

    Args:
        text: the text.
        start: where the formula's first line begins.
        end: where the text is over.

    Returns:
        0 where it has no end, or more behind it.
    """
    opening = FORMULA.match(text, start, end)
    if opening is None:
        return 0
    mark = FORMULA_ENDS[opening["mark"]]
    latest = min(end, start + LONGEST_FORMULA)
    stop = text.find(mark, opening.end(), latest)
    body = text[opening.end() : stop]
    if stop < 0 or not body.strip() or _has_blank_line(body):
        return 0
    line_end = text.find("\n", stop, end)
    line_end = end if line_end < 0 else line_end
    if text[stop + len(mark) : line_end].strip():
        return 0
    return min(end, line_end + 1)


def is_open_formula(text: str, start: int, end: int) -> bool:
    """Whether a formula begins with a line, of which the end may still come behind the text."""
    opening = FORMULA.match(text, start, end)
    if opening is None or end - start > LONGEST_FORMULA:
        return False
    body = text[opening.end() : end]
    return FORMULA_ENDS[opening["mark"]] not in body and not _has_blank_line(body)


def _has_blank_line(text: str) -> bool:
    return any(not line.strip() for line in text.split("\n")[1:-1])


def close_details(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The line that closes details, as where it begins and where it ends.

    Args:
        text: the text.
        start: where what is in them begins.
        end: where the text is over.
    """
    depth, fence = 1, ""
    for line in _DETAILS_LINE.finditer(text, start, end):
        if mark := line["mark"]:
            # In code, tags are text.
            fence = "" if fence and mark.startswith(fence) else fence or mark
        elif not fence:
            depth += 1 if line["open"] else -1
            if depth == 0:
                return line.start(), line.end()
    return None
