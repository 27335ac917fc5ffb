"""Writes parsed Markdown as HTML, in the tags and attributes that Matrix allows and in no others.

Client-server API, "m.room.message msgtypes". Whatever stands in a text, only what is written here
leaves: raw HTML is text, and what cannot be a link is its own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..vendored import Token
from .addresses import is_allowed
from .allowance import Allowance, TooComplex
from .tag_pairs import find_pairs

# How deep tags may be nested (same section).
DEEPEST = 100
# What the library's tags are called in Matrix.
NAMES = {"s": "del"}
# Tags behind which a new line begins in the source, for whoever reads that.
BREAK_INSIDE = {"ul", "ol", "blockquote", "table", "thead", "tbody"}
BLOCKS = {*BREAK_INSIDE, "p", "li", "pre", "tr", "hr", "details", *(f"h{n}" for n in range(1, 7))}
LANGUAGE = re.compile(r"[ \t]*([A-Za-z0-9_+#.-]{1,40})(?=[ \t]|$)")
# Signs that mean something in HTML; and marks that turn the order of what follows around, which
# nobody writes but to deceive.
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\u202d": None, "\u202e": None}
)


def escape(text: str) -> str:
    """A text as it stands in HTML."""
    return text.translate(_ESCAPES)


class HtmlWriter:
    """Writes one document."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._out: list[str] = []
        self._depth = 0
        # For each link or image that is open: whether it is one.
        self._links: list[bool] = []
        self._write: dict[str, Callable[[Token], None]] = {
            "text": lambda token: self._text(token.content),
            "softbreak": lambda _: self._text_break(),
            "hardbreak": lambda _: self._text_break(),
            "hr": lambda _: self._line("<hr />"),
            "inline": lambda token: self._inline(token.children or ()),
            "code_inline": lambda token: self._code(token.content),
            "code_block": self._fence,
            "fence": self._fence,
            "image": self._image,
            "link_open": lambda token: self._open_link(str(token.attrGet("href") or "")),
            "link_close": lambda _: self._close_link(),
            "formula": self._formula,
            "formula_block": self._formula,
            "footnote": self._footnote,
            "spoiler_open": lambda _: self._open("span", " data-mx-spoiler"),
        }

    def write(self, tokens: Sequence[Token], tail: str = "") -> str:
        """The HTML for a document.

        Args:
            tokens: the document.
            tail: what follows, as it was written: behind the last block, and in the details that
                are not closed.
        """
        end = len(tokens)
        while tail and end and tokens[end - 1].info == "open" and tokens[end - 1].nesting < 0:
            end -= 1
        for token in tokens[:end]:
            self._token(token)
        if tail:
            self._line("<p>" + escape(tail).replace("\n", "<br />") + "</p>")
        for token in tokens[end:]:
            self._token(token)
        return "".join(self._out)

    def _token(self, token: Token) -> None:
        self._allowance.step()
        write = self._write.get(token.type)
        if write is not None:
            write(token)
        elif token.hidden:
            return
        elif token.nesting > 0:
            start = token.attrGet("start") if token.tag == "ol" else None
            self._open(NAMES.get(token.tag, token.tag), f' start="{start}"' if start else "")
        elif token.nesting < 0:
            self._close(NAMES.get(token.tag, token.tag))
        else:
            raise AssertionError(token.type)

    def _open(self, tag: str, attributes: str = "") -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise TooComplex
        if tag in BLOCKS and self._out and not self._out[-1].endswith("\n"):
            self._out.append("\n")
        self._out.append(f"<{tag}{attributes}>" + "\n" * (tag in BREAK_INSIDE))

    def _close(self, tag: str) -> None:
        self._depth -= 1
        self._out.append(f"</{tag}>" + "\n" * (tag in BLOCKS))

    def _line(self, html: str) -> None:
        if self._out and not self._out[-1].endswith("\n"):
            self._out.append("\n")
        self._out.append(html + "\n")

    def _text(self, text: str) -> None:
        self._out.append(escape(text))

    def _text_break(self) -> None:
        self._out.append("<br />")

    def _inline(self, children: Sequence[Token]) -> None:
        pairs = find_pairs(children)
        for number, token in enumerate(children):
            if token.type != "tag":
                self._token(token)
            elif number not in pairs:
                self._text(token.content)
            elif token.info == "open":
                self._open(token.tag)
            else:
                self._close(token.tag)

    def _code(self, text: str) -> None:
        self._open("code")
        self._text(text)
        self._close("code")

    def _fence(self, token: Token) -> None:
        language = LANGUAGE.match(token.info)
        self._open("pre")
        self._open("code", f' class="language-{language[1]}"' if language else "")
        self._text(token.content)
        self._close("code")
        self._close("pre")

    def _formula(self, token: Token) -> None:
        self._open(token.tag, f' data-mx-maths="{escape(token.content)}"')
        # For clients that show no formulas: its source, in its lines.
        self._out.append(f"<code>{escape(token.content)}</code>".replace("\n", "<br />"))
        self._close(token.tag)

    def _footnote(self, token: Token) -> None:
        self._open("sup")
        self._text(token.content)
        self._close("sup")
        self._out.append(token.info)

    def _image(self, token: Token) -> None:
        # An image is a link to it: no client loads one that is not in Matrix's own storage.
        address = str(token.attrGet("src") or "")
        self._open_link(address)
        self._inline(token.children or ())
        if not token.children:
            self._text(address)
        self._close_link()

    def _open_link(self, address: str) -> None:
        # A link in a link, which only an image can be, is none; what is not allowed is its words.
        shown = not any(self._links) and is_allowed(address)
        self._links.append(shown)
        if shown:
            self._open("a", f' href="{escape(address)}"')

    def _close_link(self) -> None:
        if self._links.pop():
            self._close("a")
