"""The names of Spaces and chats: templates from the configuration, filled in for one person.

They are str.format templates of which only plain placeholders such as {displayname} are
allowed: no attributes, no indexes, no formats. A template that was checked here cannot fail
when it is filled in.
"""

from __future__ import annotations

import string
from collections.abc import Collection
from typing import TYPE_CHECKING

from ..fields import describe, label, suggest

if TYPE_CHECKING:
    from mautrix.types import UserID

SPACE_PLACEHOLDERS = ("displayname", "localpart", "user_id")
CHAT_PLACEHOLDERS = ("number", *SPACE_PLACEHOLDERS)

# Far below what an event may hold, and longer than any client shows.
LONGEST_TITLE = 250


def check_template(template: str, placeholders: Collection[str], where: str) -> str:
    """Return `template` when it can be filled in with `placeholders`.

    Raises ValueError with one sentence; `where` is the dotted key that it names.
    """
    listed = ", ".join(f"{{{name}}}" for name in placeholders)
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError:
        raise ValueError(
            f"{where}: found {describe(template)} with braces that do not match, expected text "
            f"with {listed}"
        ) from None
    for _, name, form, conversion in fields:
        if name is None:
            continue
        if form or conversion:
            raise ValueError(f"{where}: {{{label(name)}}} must stand alone, without a format")
        if name not in placeholders:
            hint = suggest(name, placeholders)
            raise ValueError(f"{where}: there is no placeholder {{{label(name)}}}, {hint}")
    return template


def make_space_title(template: str, user_id: UserID, displayname: str | None) -> str:
    """The name of somebody's Space; without a display name the localpart stands in."""
    return _fill(template, _describe_person(user_id, displayname))


def make_chat_title(template: str, number: int, user_id: UserID, displayname: str | None) -> str:
    """The name of somebody's chat number `number`."""
    return _fill(template, {"number": str(number), **_describe_person(user_id, displayname)})


def _describe_person(user_id: UserID, displayname: str | None) -> dict[str, str]:
    localpart = user_id[1:].partition(":")[0]
    shown = (displayname or "").strip() or localpart
    return {"displayname": shown, "localpart": localpart, "user_id": user_id}


def _fill(template: str, values: dict[str, str]) -> str:
    # People may choose display names with line breaks, or without end.
    return " ".join(template.format(**values).split())[:LONGEST_TITLE]
