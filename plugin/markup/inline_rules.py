"""What stands inside of a paragraph beyond Markdown: formulas, spoilers, footnotes, a few tags.

Rules of the parser, in the library's form: each looks at one place, says whether it applies there,
and writes tokens unless it is silent. None looks further than a bounded number of characters.
"""

from __future__ import annotations

import re

from ..vendored import StateInline

FARTHEST = 2000

# A price is no formula: no space inside of the marks, no letter or digit outside of them.
DOLLARS = re.compile(r"\$(?![\s$])((?:[^$\\\n]|\\.|\n)+?)(?<![\s\\])\$(?![\w$])")
TWO_DOLLARS = re.compile(r"\$\$(?=[^$])((?:[^$\\]|\\.|\$(?!\$))+?)\$\$(?!\$)", re.S)
# What begins with a number and has words, but nothing of mathematics, is an amount of money.
AMOUNT = re.compile(r"\d[^\\^_=+<>{}*/]*\s[^\\^_=+<>{}*/]*")
MATHEMATICS = re.compile(r"[\\^_=+<>{}]")

SPOILER_END = re.compile(r"(?<=[^\s|])\|\|(?![|\w])")
FOOTNOTE = re.compile(r"\[\^([^\[\]\s^]{1,40})\](:[ \t]*)?")
DEFINITION = re.compile(r"^ {0,3}\[\^([^\[\]\s^]{1,40})\]:", re.M)

# Tags that Matrix allows and that do no more than change how words look; what each is written as.
TAGS = {
    **{tag: tag for tag in ("b", "i", "u", "s", "em", "strong", "del", "sub", "sup", "code")},
    **dict.fromkeys(("kbd", "samp", "tt"), "code"),
    "ins": "u",
    "strike": "del",
}
TAG = re.compile(rf"<(?:(?P<close>/?)(?P<tag>{'|'.join(TAGS)})|(?P<br>br[ \t]*/?))>", re.I)


def formula(state: StateInline, silent: bool) -> bool:
    """`$…$`, `$$…$$`, `\\(…\\)` and `\\[…\\]`."""
    source, length = _read_formula(state.src, state.pos, state.posMax)
    if not length:
        return False
    if not silent:
        token = state.push("formula", "span", 0)
        token.content = source
    state.pos += length
    return True


def _read_formula(text: str, at: int, end: int) -> tuple[str, int]:
    """A formula's source and the number of characters that it takes, 0 where there is none."""
    end = min(end, at + FARTHEST)
    if text[at] == "\\":
        return _read_brackets(text, at, end)
    if text[at] != "$" or (at and (text[at - 1].isalnum() or text[at - 1] == "$")):
        return "", 0
    pattern = TWO_DOLLARS if text.startswith("$$", at) else DOLLARS
    found = pattern.match(text, at, end)
    if found is None or not found[1].strip() or AMOUNT.fullmatch(found[1]):
        return "", 0
    return found[1].strip(), len(found[0])


def _read_brackets(text: str, at: int, end: int) -> tuple[str, int]:
    closing = {"(": "\\)", "[": "\\]"}.get(text[at + 1 : at + 2])
    stop = text.find(closing, at + 2, end) if closing else -1
    source = text[at + 2 : stop].strip() if stop > 0 else ""
    # In a line of words somebody may just have escaped a bracket.
    if not source or (closing == "\\]" and not MATHEMATICS.search(source)):
        return "", 0
    return source, stop + 2 - at


def spoiler(state: StateInline, silent: bool) -> bool:
    """`||…||`, as Discord has it."""
    text, at = state.src, state.pos
    if not text.startswith("||", at) or (at and (text[at - 1].isalnum() or text[at - 1] == "|")):
        return False
    begin = at + 2
    if begin >= state.posMax or text[begin].isspace() or text[begin] == "|":
        return False
    end = SPOILER_END.search(text, begin, min(state.posMax, begin + FARTHEST))
    if end is None:
        return False
    if not silent:
        state.push("spoiler_open", "span", 1)
        state.pos, latest, state.posMax = begin, state.posMax, end.start()
        state.md.inline.tokenize(state)
        state.posMax = latest
        state.push("spoiler_close", "span", -1)
    state.pos = end.end()
    return True


def find_footnotes(text: str) -> frozenset[str]:
    """The names of the footnotes that a text has."""
    return frozenset(DEFINITION.findall(text)) if "[^" in text else frozenset()


def footnote(state: StateInline, silent: bool) -> bool:
    """`[^1]`, and `[^1]:` before the note itself.

    A name that is no number is one only with a note: `[^a-z]` means something else.
    """
    found = FOOTNOTE.match(state.src, state.pos, state.posMax)
    if found is None or not (found[1].isdigit() or found[1] in state.env["footnotes"]):
        return False
    is_note = found[2] is not None and (state.pos == 0 or state.src[state.pos - 1] == "\n")
    if not silent:
        token = state.push("footnote", "sup", 0)
        token.content = f"[{found[1]}]"
        token.info = " " if is_note else ""
    state.pos = found.end() if is_note or not found[2] else found.start(2)
    return True


def tag(state: StateInline, silent: bool) -> bool:
    """A tag that is shown as what it means, if it has its other half."""
    found = TAG.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent and found["br"]:
        state.push("hardbreak", "br", 0)
    elif not silent:
        token = state.push("tag", TAGS[found["tag"].lower()], 0)
        token.content = found[0]
        token.info = "close" if found["close"] else "open"
    state.pos = found.end()
    return True
