"""Blocks beyond Markdown: formulas on lines of their own, and details that unfold.

Rules of the parser, in the library's form. Their first and last lines are those of syntax.py, by
which a text is cut, too.
"""

from __future__ import annotations

from ..vendored import StateBlock
from .syntax import DETAILS, FORMULA, close_details, close_formula

# Lines of a formula.
MOST_LINES = 100


def formula(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """`$$…$$` and `\\[…\\]` from the beginning of a line to the end of one."""
    if state.is_code_block(line) or not FORMULA.match(state.src, *_span(state, line, line + 1)):
        return False
    text = state.getLines(line, min(end, line + MOST_LINES), state.blkIndent, keepLastLF=False)
    stop = close_formula(text, 0, len(text))
    if not stop:
        return False
    if silent:
        return True
    source = text[:stop].strip()
    state.line = line + source.count("\n") + 1
    token = state.push("formula_block", "div", 0)
    token.map = [line, state.line]
    token.content = source[2:-2].strip()
    return True


def details(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """`<details>` with a `<summary>`, to the `</details>` that closes it, or else to the end."""
    start, _ = _span(state, line, line + 1)
    if state.is_code_block(line) or state.src[start : start + 8].lower() != "<details":
        return False
    first = state.getLines(line, min(end, line + 2), state.blkIndent, keepLastLF=True)
    if DETAILS.match(first) is None:
        return False
    if silent:
        return True
    text = state.getLines(line, end, state.blkIndent, keepLastLF=True) + "\n"
    opening = DETAILS.match(text)
    assert opening is not None
    last = close_details(text, opening.end(), len(text))
    begin = line + text.count("\n", 0, opening.end())
    stop = line + text.count("\n", 0, last[0]) if last else end
    token = state.push("details_open", "details", 1)
    token.map = [line, min(stop + 1, end)]
    state.push("summary_open", "summary", 1)
    summary = state.push("inline", "", 0)
    summary.content, summary.children = opening["summary"].strip(), []
    summary.map = [line, begin]
    state.push("summary_close", "summary", -1)
    _read_inside(state, begin, stop)
    closing = state.push("details_close", "details", -1)
    closing.info = "" if last else "open"
    state.line = min(stop + 1, end)
    return True


def _read_inside(state: StateBlock, begin: int, stop: int) -> None:
    parent, state.parentType = state.parentType, "details"
    latest, state.lineMax = state.lineMax, stop
    state.md.block.tokenize(state, begin, stop)
    state.parentType, state.lineMax = parent, latest


def _span(state: StateBlock, line: int, end: int) -> tuple[int, int]:
    return state.bMarks[line] + state.tShift[line], state.eMarks[end - 1]
