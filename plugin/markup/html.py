"""Markdown to the HTML that Matrix allows, within an allowance of time.

What a text may be rendered as is known to the modules beside this one; this is their door.
"""

from __future__ import annotations

from .allowance import Allowance
from .parser import parse
from .unfinished import closed_prefix
from .writer import HtmlWriter


def to_html(text: str, seconds: float) -> str:
    """The HTML for a text in Markdown.

    Args:
        text: the text, of some 64 kB at most.
        seconds: of this thread's time on the processor that it may take.

    Raises:
        TooComplex: it takes longer, or nests too deep.
    """
    allowance = Allowance(seconds)
    return HtmlWriter(allowance).write(parse(text, allowance))


def unfinished_to_html(text: str, seconds: float) -> str:
    """The HTML for a text that is still being written: its whole blocks as they will look, and the
    rest as it is written, so that nothing that was shown changes its looks.

    Otherwise as `to_html`.
    """
    allowance = Allowance(seconds)
    closed = closed_prefix(text)
    return HtmlWriter(allowance).write(parse(text[:closed], allowance), text[closed:].strip())
