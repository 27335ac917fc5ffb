"""The words of `!status`: a person's chats, the last look at Matrix, and what is wrong."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from ..config.active import ActiveConfig
from ..reconciler.report import Report
from ..topology.model import Chat, Status
from ..topology.routes import Routes


def describe_status(
    chats: Sequence[Chat], routes: Routes, last: Report | None, config: ActiveConfig
) -> str:
    """How things are, for one person.

    Args:
        chats: the person's chats.
        routes: the routes in force, for what could not be read.
        last: the last reconciliation, if there was one.
        config: the configuration in force, and what is wrong with it.
    """
    count = Counter(chat.status for chat in chats)
    stale = sum(chat.stale for chat in chats)
    live, archived, lost = (count[status] for status in Status)
    lines = [f"Your chats: {live} live, {archived} archived."]
    if lost:
        lines.append(f"Lost: {lost}. I am no longer in their rooms.")
    if stale or routes.unread:
        lines.append(
            f"{stale} of your chats could not be checked against Matrix, and "
            f"{len(routes.unread)} rooms could not be read; I keep trying."
        )
    if last is not None:
        ago = max(0, round(time.time() - last.at))
        lines.append(f"I last looked at Matrix {ago} s ago, which took {last.seconds:.1f} s.")
    else:
        lines.append("Nothing had to be looked at in Matrix since my last start.")
    platforms = ", ".join(f"`{name}`" for name in sorted(config.platforms)) or "none"
    lines.append(f"Platforms: {platforms}; new chats use `{config.settings.default_platform}`.")
    text = "  \n".join(lines)
    if config.problems:
        problems = "\n".join(f"- {problem}" for problem in config.problems)
        text += f"\n\nThe configuration has problems:\n\n{problems}"
    return text
