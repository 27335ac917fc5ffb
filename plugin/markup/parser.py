"""The parser: markdown-it-py with what assistants write besides, within an allowance of time.

Nothing can end a rule from outside, so one that does nothing but look at the allowance comes
before all others, and what the library repeats without a rule looks at it too. Raw HTML is text,
but for a few tags. This runs in a thread: it must touch nothing shared.
"""

from __future__ import annotations

import re

from ..vendored import MarkdownIt, ParserInline, StateBlock, StateCore, StateInline, Token
from ..vendored import reference as library_reference
from . import block_rules, inline_rules
from .allowance import Allowance, TooComplex

# How deep blocks may be nested, in tags; the library is never to come to its own limit, beyond
# which it leaves out text.
DEEPEST_BLOCK, LIMIT = 60, 100
# Marks of emphasis in one paragraph: each may be compared with all of those before it.
MOST_MARKS = 1500
# Characters of an address; nobody means a longer one to be followed.
LONGEST_ADDRESS = 2000
# The blocks that a rule of our own ends where it begins.
ENDED = ["paragraph", "reference", "blockquote", "list"]
TASK = re.compile(r"\A\[([ xX])\][ \t]+(?=\S)")


def parse(text: str, allowance: Allowance) -> list[Token]:
    """The tokens of a text, as the library describes them, and those of the rules beside it.

    Raises:
        TooComplex: the allowance is used up, or the text nests too deep.
    """
    footnotes = inline_rules.find_footnotes(text)
    return _Parser().parse(text, {"allowance": allowance, "footnotes": footnotes})


class _Parser(MarkdownIt):
    def __init__(self) -> None:
        super().__init__("commonmark", {"maxNesting": LIMIT})
        self.inline = _Inline()
        self.configure("commonmark", {"maxNesting": LIMIT})
        self.enable(["table", "strikethrough"])
        self.disable(["html_block", "html_inline"])
        self.core.ruler.at("inline", _parse_inline)
        self._add_block_rules()
        self._add_inline_rules()

    def _add_block_rules(self) -> None:
        rules = self.block.ruler
        rules.before("table", "allowance", _look_at_block, {"alt": ENDED})
        rules.before("fence", "formula", block_rules.formula, {"alt": ENDED})
        rules.before("fence", "details", block_rules.details, {"alt": ENDED})
        rules.at("reference", _reference)

    def _add_inline_rules(self) -> None:
        self.inline.add_terminator_char("|")
        rules = self.inline.ruler
        rules.before("text", "allowance", _look_at_inline)
        rules.before("escape", "formula", inline_rules.formula)
        rules.before("link", "footnote", inline_rules.footnote)
        rules.before("link", "spoiler", inline_rules.spoiler)
        rules.before("autolink", "tag", inline_rules.tag)
        self.inline.ruler2.before("balance_pairs", "allowance", _count_marks)

    def normalizeLink(self, url: str) -> str:  # noqa: N802 (the library's name)
        return super().normalizeLink(url) if len(url) <= LONGEST_ADDRESS else ""

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        return link

    def validateLink(self, url: str) -> bool:  # noqa: N802
        # What may be no link is no link when it is written; its words are.
        return True


class _Inline(ParserInline):
    def skipToken(self, state: StateInline) -> None:  # noqa: N802
        # What was skipped once is skipped without a rule.
        state.env["allowance"].step()
        super().skipToken(state)


def _look_at_block(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    state.env["allowance"].look()
    if state.level > DEEPEST_BLOCK:
        raise TooComplex
    return False


def _look_at_inline(state: StateInline, silent: bool) -> bool:
    state.env["allowance"].step()
    return False


def _count_marks(state: StateInline) -> None:
    nested = sum(len(meta["delimiters"]) for meta in state.tokens_meta if meta)
    if len(state.delimiters) + nested > MOST_MARKS:
        raise TooComplex
    state.env["allowance"].look()


def _reference(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    # What looks like one may be a footnote.
    if state.src.startswith("[^", state.bMarks[line] + state.tShift[line]):
        return False
    return library_reference(state, line, end, silent)


def _parse_inline(state: StateCore) -> None:
    before = ""
    for token in state.tokens:
        if token.type == "inline":
            state.env["allowance"].step()
            if before == "list_item_open":
                token.content = TASK.sub(_checkbox, token.content)
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        if token.type != "paragraph_open":
            before = token.type


def _checkbox(task: re.Match[str]) -> str:
    return "☐ " if task[1] == " " else "☑ "
