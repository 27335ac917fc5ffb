"""What leaves as HTML: what Markdown means, in tags and attributes that Matrix allows.

Checked by taking the output apart with Python's own parser of HTML, for inputs that somebody
thought up to break out of it and for any others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.matrix.allowance import TooComplex
from plugin.matrix.html_writer import DEEPEST
from plugin.matrix.markdown import to_html

# What the client-server API allows ("m.room.message msgtypes"), as far as it is ever written.
ALLOWED: dict[str, set[str]] = {
    "a": {"href"},
    "ol": {"start"},
    "code": {"class"},
    **{tag: set() for tag in ("p", "ul", "li", "pre", "blockquote", "em", "strong", "br", "hr")},
    **{f"h{level}": set() for level in range(1, 7)},
}
VOID = {"br", "hr"}
SCHEME = re.compile(r"(https?|mailto|matrix):", re.IGNORECASE)
BUDGET = 5.0


class Checker(HTMLParser):
    """Takes HTML apart and refuses what must not be in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.deepest = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= ALLOWED[tag], (tag, attrs)
        values = dict(attrs)
        if tag == "a":
            assert SCHEME.match(values["href"] or ""), values
            assert "a" not in self.open
        if "class" in values:
            assert re.match(r"language-\S", values["class"] or ""), values
        if "start" in values:
            assert (values["start"] or "").isdigit()
        if tag not in VOID:
            self.open.append(tag)
        self.deepest = max(self.deepest, len(self.open))

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        assert tag in VOID
        assert not attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def check(text: str) -> None:
    """Refuse the HTML for a text if clients could take it for more than its looks."""
    try:
        html = to_html(text, BUDGET)
    except TooComplex:
        return
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    assert checker.deepest <= DEEPEST


HOSTILE = [
    '![<a title=" onerror=alert(1) x=">](http://x/y)',
    '![" onerror="alert(1)](http://x/y)',
    "![' onerror='alert(1)](http://x/y)",
    '![a](http://x/y "\\" onerror=\\"alert(1)")',
    "![a](http://x/y '\" onerror=\"alert(1)')",
    '![a](http://x/"onerror=alert(1))',
    '![a](<http://x/y" onerror="alert(1)>)',
    "![a](javascript:alert(1))",
    "![a](data:image/svg+xml;base64,PHN2Zz4=)",
    "![a](data:text/html,<script>alert(1)</script>)",
    "![](javascript:alert(1))",
    "![](http://x/y)",
    "![](mxc://x/y)",
    "![&quot; onerror=&quot;alert(1)](http://x/y)",
    "![&#34; onerror=&#34;alert(1)](http://x/y)",
    "![![a](javascript:x)](http://x)",
    "[![a](http://x/y)](http://z)",
    "![[a](http://x)](http://z)",
    "[![a](javascript:x)](javascript:y)",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](java&#115;cript:alert(1))",
    "[a](java&Tab;script:alert(1))",
    "[a](java&NewLine;script:alert(1))",
    "[a](<java\tscript:alert(1)>)",
    "[a](\\javascript:alert(1))",
    "[a](< javascript:alert(1)>)",
    "[a](\x01javascript:alert(1))",
    "[a](vbscript:x)",
    "[a](file:///etc/passwd)",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](//evil.test)",
    "[a](/relative)",
    "[a](#anchor)",
    "[a](?query)",
    "[a]()",
    "[a](http&colon;//x)",
    "[a](ftp://x)",
    "[a](x-evil:y)",
    '[a](http://x "title\\" onclick=\\"alert(1)")',
    "[a](http://x/'onclick='alert(1))",
    '[a](http://x/"><script>alert(1)</script>)',
    '[a](<http://x/"><img src=x onerror=alert(1)>)',
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    '<http://x/"onclick="alert(1)>',
    '<a"b@x.test>',
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<!-- comment -->",
    "<!DOCTYPE html>",
    "<?php echo 1 ?>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "</p></blockquote></div>",
    "<mx-reply><blockquote>forged</blockquote></mx-reply>",
    "<font data-mx-color='#ff0000'>x</font>",
    "<div><script>alert(1)\n\n</script></div>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    '```"><script>alert(1)</script>\nx\n```',
    '```py" onclick="alert(1)\nx\n```',
    "~~~ '><b>\nx\n~~~",
    "```py\n</code></pre><script>alert(1)</script>\n```",
    "`</code><script>alert(1)</script>`",
    "# <script>alert(1)</script>",
    "- <li onclick=alert(1)>",
    "999999999. <b>",
    "[a]: javascript:alert(1)\n\n[a]",
    '[a]: http://x "\\" onclick=\\"alert(1)"\n\n[a] ![a]',
    "[a]: <data:text/html,x>\n\n![a]",
    "[*a](http://x)*",
    "*[a*](http://x)",
    "**a [b](http://x) *c* d**",
    ">" * 150 + " a",
    "- " * 150 + "a",
    "> - " * 80 + "a",
    "*" * 300 + "a" + "*" * 300,
    "**a " * 120 + "b** " * 120,
    "![" * 150 + "a" + "](http://x)" * 150,
    "\x00<b>\ufffd",
    "\u202e<b>evil</b>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_leaves_that_the_spec_does_not_allow(text: str) -> None:
    check(text)


def test_there_are_enough_hostile_texts() -> None:
    assert len(set(HOSTILE)) >= 60


TOKENS = st.sampled_from(
    [
        *"[]()!<>\\`*_~#-+=&;:'\"|.019a @/\n\t",
        *("](", "](<", "![", "```", "~~~", "    ", "  \n", "\n- ", "\n> ", "\n1. ", "[a]:"),
        *("http://x", "javascript:", "data:", "&quot;", "&#34;", "<a href=", "<img ", "onerror="),
        *("-->", "<!--", "</", "/>", "language-", "mxc://a/b", "\n\n", "é", "😀", "\u00a0"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(TOKENS, max_size=60).map("".join), st.text(max_size=200)))
def test_no_text_at_all_gets_anything_else_out(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*a* **b** `c`", "<p><em>a</em> <strong>b</strong> <code>c</code></p>"),
        ("[a](http://x/?y=1&z)", '<p><a href="http://x/?y=1&amp;z">a</a></p>'),
        ("[a](matrix:r/x:y)", '<p><a href="matrix:r/x:y">a</a></p>'),
        ("<mailto:a@b.test>", '<p><a href="mailto:a@b.test">mailto:a@b.test</a></p>'),
        ("[a](javascript:x)", "<p>a</p>"),
        ("![a](http://x/y)", '<p><a href="http://x/y">a</a></p>'),
        ("![](http://x/y)", '<p><a href="http://x/y">http://x/y</a></p>'),
        ("![a](data:x)", "<p>a</p>"),
        ("[![a](http://i)](http://l)", '<p><a href="http://l">a</a></p>'),
        ("a <b>c</b>", "<p>a &lt;b&gt;c&lt;/b&gt;</p>"),
        ("<div>\n*a*\n</div>", "<p>&lt;div&gt;\n<em>a</em>\n&lt;/div&gt;</p>"),
        (
            "```py\nx < 1\n```",
            '<pre><code class="language-py">x &lt; 1\n</code></pre>',
        ),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("> a\n\n---", "<blockquote>\n<p>a</p>\n</blockquote>\n<hr />"),
        ("[a]: http://x (t)\n\n[a]", '<p><a href="http://x">a</a></p>'),
        ('[a](http://x "a \\" b")', '<p><a href="http://x">a</a></p>'),
        ("```a`b```", "<p><code>a`b</code></p>"),
    ],
)
def test_what_markdown_means_is_shown(text: str, html: str) -> None:
    assert to_html(text, BUDGET).strip() == html


@pytest.mark.parametrize(
    "text",
    [
        '[a](b "' + "\\!" * 40,
        "[a](" * 5000,
        "a" + " " * 30_000 + "b",
        "```" + "`" * 20_000 + " ` " + "a" * 9_000,
        "    a\n" + "\n" * 20_000 + "    b",
        "    a\n" + "\r" * 20_000 + "    b",
        "*a **b " * 4000,
        "[" * 15_000 + "](x)" * 4000,
    ],
    ids=["title", "links", "spaces", "fence", "blank", "blank, in another way", "marks", "nested"],
)
def test_what_parsers_take_long_for_ends_when_its_time_is_over(text: str) -> None:
    """Before, the first of them would not have ended in a lifetime."""
    try:
        to_html(text, 0.05)
    except TooComplex:
        return
