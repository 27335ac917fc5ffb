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
    """Cut a text into the pieces that fit into one event each."""
    limit = PIECE_BYTES
    while True:
        pieces = split_text(text, limit)
        if all(len(json.dumps(piece)) <= PIECE_JSON for piece in pieces):
            return pieces
        limit //= 2


def split_text(text: str, limit: int = PIECE_BYTES) -> list[str]:
    """Cut a text into pieces of at most `limit` bytes of UTF-8, at the best place there is.

    A paragraph's end is better than a line's, a line's better than a word's; a piece without
    any of them is cut between characters. Nothing but white space at the cuts is left out.
    """
    pieces = []
    text = text.strip()
    start = 0
    # A character has a byte at least, so no more than `limit` of them are looked at.
    while len(text[start : start + limit + 1].encode()) > limit:
        head = text[start : start + limit].encode()[:limit].decode(errors="ignore")
        cut = next((at for mark in ("\n\n", "\n", " ") if (at := head.rfind(mark)) > 0), len(head))
        pieces.append(text[start : start + cut].rstrip())
        start += cut
        while text[start].isspace():
            start += 1
    return [*pieces, text[start:]]
