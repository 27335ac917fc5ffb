"""Fuzzed: the texts that people and platforms write: how they look, where they are cut, and what
is taken for a command.

Of HTML nothing leaves that the specification does not list.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser

from plugin.commands.arguments import parse_title
from plugin.commands.recognize import recognize, split_command
from plugin.delivery.history_budget import Exchange, HistoryBudget
from plugin.errors import UserError
from plugin.markup.allowance import TooComplex
from plugin.markup.html import to_html, unfinished_to_html
from plugin.matrix.links import BRACKET, LONGEST, plain
from plugin.matrix.render import LONGEST as LONGEST_RENDERED
from plugin.matrix.render import MARKUP, RenderLimits
from plugin.matrix.split import PIECE_BYTES, split_message
from plugin.message import sanitize, trim_reply_fallback

from .target import SLOW, Target, from_text

BUDGET = RenderLimits().work
# Client-server API, "m.room.message msgtypes".
TAGS = {
    *("del", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "p", "a", "ul", "ol", "sup", "sub"),
    *("li", "b", "i", "u", "strong", "em", "s", "code", "hr", "br", "div", "table", "thead"),
    *("tbody", "tr", "th", "td", "caption", "pre", "span", "details", "summary"),
}
ATTRIBUTES = {
    "a": {"href"},
    "ol": {"start"},
    "code": {"class"},
    "span": {"data-mx-maths", "data-mx-spoiler"},
    "div": {"data-mx-maths"},
}
VOID = {"br", "hr"}
COMMANDS = ("new", "chats", "rename", "archive", "restore", "retry", "cancel", "space", "help")
MARKDOWN = """# Title

A *word*, a **strong** one, `code` and ~~gone~~ <b>raw</b> &amp; &#35;

> quoted
> - [x] a [link](https://example.org "title") and ![alt](http://x/y)
>   1. one
>   2. two

| a | b |
|---|:-:|
| 1 | $x^2$ |

```python
print("``")
```
    indented
[a]: <http://example.org> 'title'
***\\* http://example.org [a][a] [^1] ||secret|| \\(x_1\\) $5

[^1]: note
- [ ] task

\\[
y = x
\\]
<details>
<summary>More</summary>

inside

</details>
"""
# What a text has that a cut may have to open again.
REOPENED = ("```", "~~~", "|", "<details")


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, f"<{tag}>"
        for name, value in attrs:
            assert name in ATTRIBUTES.get(tag, ()), f"{name} of <{tag}>"
            if name == "href":
                scheme = (value or "").partition(":")[0].lower()
                assert scheme in ("http", "https", "mailto", "matrix", "ftp", "magnet"), value
            if name == "class":
                assert (value or "").startswith("language-")
        if tag not in VOID:
            self._open.append(tag)
        assert len(self._open) <= 100

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag, f"</{tag}>"

    def close(self) -> None:
        super().close()
        assert self._open == []


def read_markdown(text: str) -> None:
    """A text in Markdown, of the length that is rendered at all."""
    _render(to_html, text)


def read_unfinished(text: str) -> None:
    """A text in Markdown that is still being written."""
    _render(unfinished_to_html, text)


def _render(convert: Callable[[str, float], str], text: str) -> None:
    text = sanitize(text)[:LONGEST_RENDERED]
    try:
        html = convert(text, BUDGET)
    except TooComplex:
        return
    checker = _Checker()
    checker.feed(html)
    checker.close()
    html.encode()


def read_answer(text: str) -> None:
    """An answer: cut into pieces that fit. Only white space is left out, and nothing is added but
    what closes and opens a block."""
    text = sanitize(text)
    pieces = split_message(text)
    assert all(len(piece.encode()) <= PIECE_BYTES for piece in pieces)
    told, wanted = "".join("".join(pieces).split()), "".join(text.split())
    if any(sign in text for sign in REOPENED):
        letters = iter(told)
        assert all(letter in letters for letter in wanted)
    else:
        assert told == wanted
    MARKUP.search(text)
    assert len(plain(text).replace("\\", "").replace(BRACKET, "]")) <= LONGEST
    budget = HistoryBudget(1000)
    budget.add(Exchange(text, text[:100]))
    assert sum(one.size for one in budget.fill()) <= 1000
    json.dumps(pieces)


def read_command(text: str) -> None:
    """A message that may be a command."""
    text = trim_reply_fallback(sanitize(text))
    for takes in (lambda *_: True, lambda *_: False):
        recognize(text, COMMANDS, takes)
    said = split_command(text)
    if said is not None:
        try:
            parse_title(said.words)
        except UserError:
            return


TARGETS = (
    Target("pieces", from_text(read_answer), [MARKDOWN.encode() * 3, "é💬 \n".encode() * 99]),
    Target(
        "commands",
        from_text(read_command),
        [*(f"!{one} C1 x".encode() for one in COMMANDS), b"> <@a:b> x\n\n!new", b"/helpp", b"! n"],
    ),
    # It runs in a thread of its own, for as long as its allowance lets it.
    Target("markdown", from_text(read_markdown), [MARKDOWN.encode()], slow=BUDGET + SLOW),
    Target("unfinished", from_text(read_unfinished), [MARKDOWN.encode()], slow=BUDGET + SLOW),
)
