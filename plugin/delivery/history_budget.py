"""How much of a chat's history is told: whole turns, newest first, as many as have a place.

A turn that is too long for its share is shortened in its middle, and the text says so; it must
not push everything else out. No text is read here.
"""

from __future__ import annotations

import attr

from .sentences import LEFT_OUT_HERE

# Characters below which no turn is shortened: what would be left of it says nothing.
SHORTEST = 1_000
LEAST = 100


@attr.frozen
class Exchange:
    """One turn: a question, and the whole answer to it."""

    question: str
    answer: str

    @property
    def size(self) -> int:
        return len(self.question) + len(self.answer)

    def shortened(self, size: int) -> Exchange:
        """This turn in at most so many characters, the longer text shortened first."""
        shorter = min(len(self.question), len(self.answer), size // 2)
        if len(self.question) < len(self.answer):
            return Exchange(
                _shorten(self.question, shorter), _shorten(self.answer, size - shorter)
            )
        return Exchange(_shorten(self.question, size - shorter), _shorten(self.answer, shorter))


class HistoryBudget:
    """Gives turns their places.

    Attributes:
        left_out: whether something had no place.
    """

    def __init__(self, characters: int) -> None:
        self._left = characters
        # One long turn leaves as much for all those before it as it takes.
        self._share = max(characters // 2, min(characters, LEAST))
        self._places: list[tuple[Exchange, int]] = []
        self.left_out = False

    def add(self, exchange: Exchange) -> bool:
        """Give a turn, newest first, a place.

        Returns:
            Whether there was one. The first turn without a place ends the history.
        """
        room = min(self._left, self._share)
        least = max(LEAST, min(SHORTEST, self._share))
        if exchange.size > room and room < least:
            self.left_out = True
            return False
        taken = min(exchange.size, room)
        self._places.append((exchange, taken))
        self._left -= taken
        return True

    def fill(self) -> list[Exchange]:
        """The turns, oldest first; what is left over goes to the newest of those that are too
        long for their share."""
        filled = []
        for exchange, taken in self._places:
            size = min(exchange.size, taken + self._left)
            self._left -= size - taken
            self.left_out = self.left_out or size < exchange.size
            filled.append(exchange.shortened(size))
        return filled[::-1]


def _shorten(text: str, size: int) -> str:
    if len(text) <= size:
        return text
    mark = LEFT_OUT_HERE.format(count=len(text) - size)
    kept = max(0, size - len(mark))
    end = kept // 3
    return f"{text[: kept - end]}{mark}{text[len(text) - end :]}"[:size]
