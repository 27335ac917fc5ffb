"""Cuts a long text into messages, always in the same places.

How much of an answer stands in a room already is told by the number of its messages, over kills
and restarts: so where it is cut depends on its text alone, and never on how it looks.
"""

from __future__ import annotations

import json

PIECE_BYTES = 12_000
# A text stands in its event twice, as text and as HTML, where it is encrypted with everything
# but ASCII as `\\u1234`: this leaves it room for both.
PIECE_JSON = 18_000


def split_message(text: str) -> list[str]:
    """Cut a text into the pieces that fit into one event each. Where one ends depends on nothing
    after it: a text that is still being written is cut where it will be as a whole."""
    pieces, rest = [], text.strip()
    while rest:
        limit = PIECE_BYTES
        while len(json.dumps(_head(rest, limit))) > PIECE_JSON:
            limit //= 2
        pieces.append(_first_piece(rest, limit))
        rest = rest[len(pieces[-1]) :].lstrip()
    return pieces or [""]


def split_text(text: str, limit: int = PIECE_BYTES) -> list[str]:
    """Cut a text into pieces of at most `limit` bytes of UTF-8, at the best place there is.

    A paragraph's end is better than a line's, a line's better than a word's; a piece without
    any of them is cut between characters. Nothing but white space at the cuts is left out.
    """
    pieces, rest = [], text.strip()
    while rest:
        pieces.append(_first_piece(rest, limit))
        rest = rest[len(pieces[-1]) :].lstrip()
    return pieces or [""]


def _first_piece(text: str, limit: int) -> str:
    # A character has a byte at least, so no more than `limit` of them are looked at.
    if len(text[: limit + 1].encode()) <= limit:
        return text
    head = _head(text, limit)
    cut = next((at for mark in ("\n\n", "\n", " ") if (at := head.rfind(mark)) > 0), len(head))
    return text[:cut].rstrip()


def _head(text: str, limit: int) -> str:
    return text[:limit].encode()[:limit].decode(errors="ignore")
