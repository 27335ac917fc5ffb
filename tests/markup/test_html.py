"""What an answer looks like: what Markdown means, and what assistants write besides."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from plugin.markup.html import to_html, unfinished_to_html

from .allowed_html import read
from .documents import DOCUMENTS

SECONDS = 5.0


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
        ("a <x>c</x>", "<p>a &lt;x&gt;c&lt;/x&gt;</p>"),
        ("<div>\n*a*\n</div>", "<p>&lt;div&gt;<br /><em>a</em><br />&lt;/div&gt;</p>"),
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
    assert to_html(text, SECONDS).strip() == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a\nb", "<p>a<br />b</p>"),
        ("a  \nb", "<p>a<br />b</p>"),
        ("~~a~~", "<p><del>a</del></p>"),
        ("||*a*||", "<p><span data-mx-spoiler><em>a</em></span></p>"),
        ("a || b || c, x||y||z", "<p>a || b || c, x||y||z</p>"),
        ("- [ ] a\n- [x] b\n- [c] d", "<ul>\n<li>☐ a</li>\n<li>☑ b</li>\n<li>[c] d</li>\n</ul>"),
        ("1. a\n   - b", "<ol>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ol>"),
        ("Note[^1].\n\n[^1]: More.", "<p>Note<sup>[1]</sup>.</p>\n<p><sup>[1]</sup> More.</p>"),
        ("[^n]\n\n[^n]: http://x", "<p><sup>[n]</sup></p>\n<p><sup>[n]</sup> http://x</p>"),
        ("all but [^a-z]", "<p>all but [^a-z]</p>"),
        ("H<sub>2</sub>O<BR>m<sup>2</sup>", "<p>H<sub>2</sub>O<br />m<sup>2</sup></p>"),
        ("<kbd>Ctrl</kbd>, <ins>*a*</ins>", "<p><code>Ctrl</code>, <u><em>a</em></u></p>"),
        ("write <b> first", "<p>write &lt;b&gt; first</p>"),
        ("<b>*x</b>*", "<p>&lt;b&gt;<em>x&lt;/b&gt;</em></p>"),
        ('<b class="x">y</b>', "<p>&lt;b class=&quot;x&quot;&gt;y&lt;/b&gt;</p>"),
        ("```c++ {1,2}\nx\n```", '<pre><code class="language-c++">x\n</code></pre>'),
        ('```"><b>\nx\n```', "<pre><code>x\n</code></pre>"),
        ("a\u202eb `c\u202ed`", "<p>ab <code>cd</code></p>"),
        ("@room [A](https://matrix.to/#/@a:b)", "<p>@room A</p>"),
        ("[A](matrix:u/a:b)", "<p>A</p>"),
        ("[R](https://matrix.to/#/!r:b)", '<p><a href="https://matrix.to/#/!r:b">R</a></p>'),
    ],
)
def test_what_assistants_write_besides_is_shown(text: str, html: str) -> None:
    assert to_html(text, SECONDS).strip() == html


def test_a_table_is_a_table_and_formulas_stand_in_it() -> None:
    html = to_html("| a | b |\n|:--|--:|\n| *1*<br>2 | $x_1$ |\n| only |", SECONDS)

    assert html == (
        "<table>\n<thead>\n<tr><th>a</th><th>b</th></tr>\n</thead>\n<tbody>\n"
        "<tr><td><em>1</em><br />2</td>"
        '<td><span data-mx-maths="x_1"><code>x_1</code></span></td></tr>\n'
        "<tr><td>only</td><td></td></tr>\n</tbody>\n</table>\n"
    )


def formula(source: str, tag: str = "span") -> str:
    """The HTML for a formula."""
    lines = source.replace("\n", "<br />")
    return f'<{tag} data-mx-maths="{source}"><code>{lines}</code></{tag}>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("$a_1*b_2*c$", f"<p>{formula('a_1*b_2*c')}</p>"),
        ("so $x$, $y$; ($z$)", f"<p>so {formula('x')}, {formula('y')}; ({formula('z')})</p>"),
        ("\\(x*y*z\\) ok", f"<p>{formula('x*y*z')} ok</p>"),
        ("is $$E=mc^2$$ so", f"<p>is {formula('E=mc^2')} so</p>"),
        ("is \\[a_1 = 2\\] so", f"<p>is {formula('a_1 = 2')} so</p>"),
        ("$\\text{5\\$}$", f"<p>{formula('&#92;text{5&#92;$}').replace('&#92;', chr(92))}</p>"),
        ("$$\n- a\n= b\n$$", formula("- a\n= b", "div")),
        ("\\[\n> a\n| b |\n\\]", formula("&gt; a\n| b |", "div")),
        ("a:\n\\[ x \\]\nb", f"<p>a:</p>\n{formula('x', 'div')}\n<p>b</p>"),
        ("- a\n  $$\n  x\n  $$", f"<ul>\n<li>a{formula('x', 'div')}</li>\n</ul>"),
    ],
)
def test_nothing_in_a_formula_is_touched(text: str, html: str) -> None:
    assert to_html(text, SECONDS).strip() == html


@pytest.mark.parametrize(
    "text",
    [
        "It is $5 and $6.",
        "$5-$10, US$7 or 8$",
        "between $20 and 30$ a month",
        "$HOME/$USER",
        "a $ b $ c",
        "100$$ and $$$",
        "$a\n\nb$",
        "pay $1,000 (or $2)",
        "array \\[0\\]",
    ],
)
def test_prices_and_signs_are_no_formulas(text: str) -> None:
    html = to_html(text, SECONDS)

    assert "data-mx-maths" not in html
    assert read(html).text.split() == text.replace("\\", "").split()


def test_code_keeps_what_would_be_a_formula() -> None:
    assert to_html("`$x$ \\(y\\)`", SECONDS) == "<p><code>$x$ \\(y\\)</code></p>\n"
    assert "maths" not in to_html("```\n$$\nx\n$$\n```", SECONDS)


def test_details_unfold_and_hold_whatever_there_is() -> None:
    text = "<details>\n<summary>More *of* it</summary>\n\n- a\n\n```\n</details>\n```\n"
    text += "</details>\n\nb"

    assert to_html(text, SECONDS) == (
        "<details><summary>More <em>of</em> it</summary>\n<ul>\n<li>a</li>\n</ul>\n"
        "<pre><code>&lt;/details&gt;\n</code></pre>\n</details>\n<p>b</p>\n"
    )


def test_details_without_a_summary_fold_nothing() -> None:
    assert to_html("<details>\n\nAn important word.", SECONDS) == (
        "<p>&lt;details&gt;</p>\n<p>An important word.</p>\n"
    )


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a**\n\n**b", "<p><strong>a</strong></p>\n<p>**b</p>\n"),
        ("# a\n\n```py\n*x*", "<h1>a</h1>\n<p>```py<br />*x*</p>\n"),
        ("- **a**\n- **b", "<ul>\n<li><strong>a</strong></li>\n</ul>\n<p>- **b</p>\n"),
        ("<b", "<p>&lt;b</p>\n"),
        (
            "<details>\n<summary>R</summary>\n\n*a*\n\n*b",
            "<details><summary>R</summary>\n<p><em>a</em></p>\n<p>*b</p>\n</details>\n",
        ),
    ],
)
def test_what_is_being_written_is_shown_as_it_is_until_its_block_is_whole(
    text: str, html: str
) -> None:
    assert unfinished_to_html(text, SECONDS) == html


@settings(max_examples=100)
@given(DOCUMENTS)
def test_no_word_of_a_text_is_missing_from_its_html(text: str) -> None:
    for convert in (to_html, unfinished_to_html):
        shown = read(convert(text, SECONDS)).text
        for word in ("one", "two,", "three.", "four", "five", "sechs", "日本", "😀", "$8"):
            assert shown.count(word) == text.count(word), word


@settings(max_examples=30)
@given(DOCUMENTS)
def test_an_unfinished_text_never_shows_a_block_of_code_that_is_open(text: str) -> None:
    for length in range(0, len(text), 5):
        html = unfinished_to_html(text[:length], SECONDS)
        assert html.count("<pre>") <= to_html(text, SECONDS).count("<pre>")
