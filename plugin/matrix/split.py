"""Cuts a long text into messages, always in the same places.

How much of an answer stands in a room already is told by the number of its messages, over kills
and restarts: so where it is cut depends on its text alone, and never on how it looks. It is also
cut while it is being written. So each cut depends on no more than what fits into one message, and
all messages but the last of a text that is not whole are those of the whole one.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as to_json

import attr

from ..markup.cuts import Cut, find_cut
from ..markup.syntax import BLANK

PIECE_BYTES = 12_000
# A text stands in its event twice, as text and as HTML, where it is encrypted with everything
# but ASCII as `\\u1234`: this leaves it room for both.
PIECE_JSON = 18_000
MOST_JSON = PIECE_JSON - 2
# What a cell of a table takes in its HTML beyond what it takes in the text, half of it.
CELL = 5
# Parts of a message that are kept for what closes, and that may be used for what opens again,
# a block that goes on in the next one.
CLOSING, OPENING = 64, 8


def split_message(text: str) -> list[str]:
    """Cut a text into the pieces that fit into one event each.

    Blocks stay whole where they can. Code that is cut is closed and opened again in its language,
    a table repeats its header, details their summary; otherwise nothing is added, and nothing but
    white space at the cuts is left out.
    """
    return split_text(text)


def split_text(text: str, limit: int = PIECE_BYTES) -> list[str]:
    """Cut a text into pieces of at most `limit` bytes of UTF-8, otherwise as `split_message`."""
    pieces, rest, added = [], text.strip(), 0
    while (fits := _fitting(rest, limit, MOST_JSON)) < len(rest):
        piece, cut = _first_piece(rest[:fits], added, limit)
        pieces.append(piece)
        opening, rest = _go_on(rest, cut, limit // OPENING)
        added, rest = len(opening), opening + rest
    return [*pieces, rest]


def _first_piece(text: str, added: int, limit: int) -> tuple[str, Cut]:
    """The first piece of a text of which so much fits, and where it is cut."""
    piece, cut = _close(text, find_cut(text, added), limit)
    if _fitting(piece, limit, MOST_JSON) < len(piece):
        # What closes it needs room.
        room = _fitting(text, limit - limit // CLOSING, MOST_JSON - MOST_JSON // CLOSING)
        piece, cut = _close(text, find_cut(text[:room], added), limit)
    return piece, cut


def _close(text: str, cut: Cut, limit: int) -> tuple[str, Cut]:
    cut = _affordable(cut, limit)
    return text[: cut.at].rstrip() + "".join(one.closing for one in cut.blocks[::-1]), cut


def _fitting(text: str, limit: int, most: int) -> int:
    """How many characters of a text fit into `limit` bytes and have a weight of `most`."""
    # A character has a byte at least, so no more than `limit` of them are looked at.
    head = text[:limit].encode()[:limit].decode(errors="ignore")
    if _weight(head) <= most:
        return len(head)
    at = 0
    for step in (512, 32, 1):
        while (size := _weight(head[at : at + step])) <= most and at < len(head):
            at, most = at + step, most - size
    return at


def _weight(text: str) -> int:
    """How much of an event a text takes, in bytes of JSON, without the quotes around it."""
    return len(to_json(text)) - 2 + CELL * text.count("|")


def _affordable(cut: Cut, limit: int) -> Cut:
    """The cut, without what it adds where that is too much of a message."""
    closing = sum(_weight(one.closing) for one in cut.blocks)
    opening = sum(_weight(one.opening) for one in cut.blocks)
    if closing <= limit // CLOSING and opening <= limit // OPENING:
        return cut
    return attr.evolve(cut, blocks=())


def _go_on(text: str, cut: Cut, most_indent: int) -> tuple[str, str]:
    """What opens again behind a cut, and the rest of the text."""
    blocks = list(cut.blocks)
    at = _skip_blank(text, cut.at)
    while blocks and (end := blocks[-1].end) and (last_line := end.match(text, at)):
        # It is over here, and the message before has closed it. A message of nothing is none.
        if not text[last_line.end() :].strip():
            break
        blocks.pop()
        at = _skip_blank(text, last_line.end())
    words = len(text) - len(text[at:].lstrip())
    is_line = text[at - 1] == "\n"
    at = at if is_line and cut.keeps_indent and words - at <= most_indent else words
    return "".join(one.opening for one in blocks), text[at:]


def _skip_blank(text: str, at: int) -> int:
    blank = BLANK.match(text, at)
    return blank.end() if blank else at
