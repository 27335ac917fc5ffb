"""Links to rooms, as every client understands them (appendices, section 4.7.2: matrix.to)."""

from __future__ import annotations

from urllib.parse import quote

from mautrix.types import RoomID, UserID

from ..topology.contents import via_servers

# Neither both brackets of a kind nor both parentheses: escaped, they are those of a formula.
ESCAPED = "\\`*_{}[<>)#+-.!|~&$"
BRACKET = "&#93;"
# Characters of a name that a line of a list shows; whoever chose it may have chosen 60,000.
LONGEST = 100


def room_url(room_id: RoomID, bot: UserID, owner: UserID) -> str:
    """The matrix.to address of a room; version 12 ids name no server, so `via` does."""
    via = "&".join(f"via={quote(server)}" for server in via_servers(bot, owner))
    return f"https://matrix.to/#/{quote(room_id, safe='!:')}?{via}"


def plain(text: str) -> str:
    """A name that somebody chose, on one line, so that it stands in Markdown as it is."""
    name = " ".join(text[: 2 * LONGEST].split())
    if len(name) > LONGEST or len(text) > 2 * LONGEST:
        name = f"{name[: LONGEST - 1]}…"
    escaped = "".join(f"\\{mark}" if mark in ESCAPED else mark for mark in name)
    return escaped.replace("]", BRACKET)


def link(title: str, url: str) -> str:
    """A Markdown link with somebody's own words in it."""
    return f"[{plain(title)}]({url})"
