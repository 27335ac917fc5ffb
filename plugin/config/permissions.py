"""Who may use the bot, and how much: the `permissions` of the configuration.

Kept apart from config.py because the rule which entry counts is a story of its own. It must not
ask the homeserver anything: a user id says all that is needed.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..fields import describe, label, suggest
from .problems import MOST_PROBLEMS

if TYPE_CHECKING:
    from mautrix.types import UserID

LOCAL = "local"
EVERYONE = "*"

_SERVER = r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_WHO = re.compile(rf"\*|{_SERVER}|@[^\s:*]+:{_SERVER}")


class Level(enum.IntEnum):
    """What somebody may do; a higher level includes the lower ones."""

    NONE = 0
    USER = 1
    ADMIN = 2


LEVELS: Mapping[str, Level] = {level.name.lower(): level for level in Level}


def find_level(permissions: Mapping[str, Level], user_id: UserID, own_server: str) -> Level:
    """The level of `user_id`; `own_server` is the name of the bot's homeserver.

    The most specific entry counts: the user id, the homeserver, `local`, then `*`. Somebody whom
    no entry covers has Level.NONE. Server names are compared without case (appendices, section
    4.1), the names before them with it, as user ids from before Matrix 1.0 have capitals.

    Args:
        permissions: the entries, from `parse_permissions`.
    """
    name, _, server = user_id.partition(":")
    server = server.lower()
    entries = [f"{name}:{server}"]
    if server != LOCAL:
        # A homeserver that calls itself so is not meant by the word.
        entries.append(server)
    if server == own_server.lower():
        entries.append(LOCAL)
    entries.append(EVERYONE)
    return next((permissions[entry] for entry in entries if entry in permissions), Level.NONE)


def parse_permissions(
    raw: Mapping[Any, Any], fallback: Mapping[str, Level]
) -> tuple[Mapping[str, Level], list[str]]:
    """Read the `permissions` mapping: the entries, and one sentence for each that is wrong, as far
    as anybody reads them.

    An entry with an unknown level keeps the one in `fallback`, or else means Level.NONE: a slip
    of the pen must not let somebody in.
    """
    permissions: dict[str, Level] = {}
    problems: list[Callable[[], str]] = []
    for who, word in raw.items():
        where = f"permissions.{label(who)}"
        if not isinstance(who, str) or not _WHO.fullmatch(who):
            problems.append(partial(_describe_nobody, where))
            continue
        entry = _normalise(who)
        if not isinstance(word, str) or word not in LEVELS:
            level = fallback.get(entry, Level.NONE)
            problems.append(partial(_describe_no_level, where, word))
        else:
            level = LEVELS[word]
        if entry in permissions:
            problems.append(partial("{}: {} stands there already".format, where, label(entry)))
        permissions[entry] = min(level, permissions.get(entry, level))
    return permissions, [say() for say in problems[: MOST_PROBLEMS + 1]]


def _describe_nobody(where: str) -> str:
    expected = 'a user id (@name:server), the name of a homeserver, local or "*"'
    return f"{where}: this is nobody, expected {expected}"


def _describe_no_level(where: str, word: object) -> str:
    return f"{where}: found {describe(word)}, which is no level, {suggest(word, LEVELS)}"


def _normalise(who: str) -> str:
    """An entry with its server's name as `find_level` looks for it."""
    name, colon, server = who.partition(":") if who.startswith("@") else ("", "", who)
    return f"{name}{colon}{server.lower()}"
