"""Which command a message is: by its name, in whatever case, or by one that is nearly it.

Pure: what the commands are is handed in. What is no command is the assistant's, so a guess is
made only where little else can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import attr

MARKS = ("!", "/")
COMMAND = re.compile(r"([!/]\s*)([A-Za-z]{1,30})(?:\s+(.*))?", re.DOTALL)
# Shorter names are too near to too many words.
SHORTEST_GUESSED = 4
LONG = 6

Takes = Callable[[str, str], bool]


@attr.frozen
class Invocation:
    """A command that somebody gave.

    Attributes:
        name: its name, in the lower case.
        words: what follows the name.
        exact: it was written as commands are; if not, it is what was probably meant.
    """

    name: str
    words: str
    exact: bool = True


def split_command(text: str) -> Invocation | None:
    """A message in its parts, if it has the form of a command, whether there is one or not."""
    match = COMMAND.fullmatch(text.strip())
    if match is None:
        return None
    mark, name, words = match.groups()
    return Invocation(name.lower(), (words or "").strip(), exact=mark == "!")


def recognize(text: str, names: Iterable[str], takes: Takes) -> Invocation | None:
    """The command that a message is, or that was probably meant.

    Args:
        text: the message.
        names: the names of the commands.
        takes: whether a command makes sense with some words behind its name.

    Returns:
        None if the message is none.
    """
    said = split_command(text)
    if said is None:
        return None
    if said.name in names:
        return said if takes(said.name, said.words) else None
    near = [name for name in names if _is_near(said.name, name)]
    if said.exact and len(near) == 1 and takes(near[0], said.words):
        return Invocation(near[0], said.words, exact=False)
    return None


def _is_near(word: str, name: str) -> bool:
    if len(name) < SHORTEST_GUESSED:
        return False
    distance = edit_distance(word, name)
    return distance == 1 or (distance == 2 and len(name) >= LONG and word[0] == name[0])


def edit_distance(one: str, other: str) -> int:
    """How many letters were left out, added, replaced or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, counterpart in enumerate(other, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != counterpart))
            swapped = i > 1 and j > 1 and one[i - 2 : i] == _swapped_pair(other, j)
            row.append(min(cost, earlier[j - 2] + 1) if swapped else cost)
    return row[-1]


def _swapped_pair(word: str, end: int) -> str:
    """The two letters of a word up to a place, in the other order."""
    return word[end - 1] + word[end - 2]
