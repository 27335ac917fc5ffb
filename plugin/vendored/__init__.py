"""The one place that imports a library which maubot does not bring along: markdown-it-py.

In a checkout it comes from the environment. ./build.sh packs it into this folder, at the version
and hash in dev/vendored.txt, and makes these imports relative: another plugin in the same maubot
may have it in another version. Nothing else may import it, and this file nothing else.
"""

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock, reference
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

__all__ = [
    "MarkdownIt",
    "ParserInline",
    "StateBlock",
    "StateCore",
    "StateInline",
    "Token",
    "reference",
]
