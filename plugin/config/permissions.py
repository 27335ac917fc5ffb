"""Who may use the bot, and how much: the `permissions` of the configuration.

Kept apart from config.py because the rule which entry counts is a story of its own. It must not
ask the homeserver anything: a user id says all that is needed.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..fields import describe, suggest

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
    no entry covers has Level.NONE.
    """
    server = user_id.partition(":")[2]
    entries: list[str] = [user_id, server, EVERYONE]
    if server == own_server:
        entries.insert(2, LOCAL)
    return next((permissions[entry] for entry in entries if entry in permissions), Level.NONE)


def parse_permissions(
    raw: Mapping[Any, Any], fallback: Mapping[str, Level]
) -> tuple[Mapping[str, Level], list[str]]:
    """Read the `permissions` mapping: the entries, and one sentence for each that is wrong.

    An entry with an unknown level keeps the one in `fallback`, or else means Level.NONE: a slip
    of the pen must not let somebody in.
    """
    permissions: dict[str, Level] = {}
    problems: list[str] = []
    for who, word in raw.items():
        where = f"permissions.{who}"
        if not isinstance(who, str) or not _WHO.fullmatch(who):
            problems.append(
                f"{where}: this is nobody, expected a user id (@name:server), "
                f'the name of a homeserver, local or "*"'
            )
        elif not isinstance(word, str) or word not in LEVELS:
            permissions[str(who)] = fallback.get(who, Level.NONE)
            problems.append(
                f"{where}: found {describe(word)}, which is no level, {suggest(word, LEVELS)}"
            )
        else:
            permissions[str(who)] = LEVELS[word]
    return permissions, problems
