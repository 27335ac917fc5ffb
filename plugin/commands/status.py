"""The words of `!status`: a person's chats, the last look at Matrix, and what is wrong."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from ..config.active import ActiveConfig
from ..reconciler.report import Report
from ..topology.model import Chat, Status
from ..topology.routes import Routes
from . import sentences


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
    lines = [sentences.CHATS_COUNTED.format(live=live, archived=archived)]
    if lost:
        lines.append(sentences.CHATS_LOST.format(lost=lost))
    if stale or routes.unread:
        lines.append(sentences.NOT_CHECKED.format(stale=stale, unread=len(routes.unread)))
    if last is not None:
        ago = max(0, round(time.time() - last.at))
        lines.append(sentences.LAST_LOOK.format(ago=ago, seconds=last.seconds))
    else:
        lines.append(sentences.NO_LOOK)
    platforms = (
        ", ".join(f"`{name}`" for name in sorted(config.platforms)) or sentences.NO_PLATFORMS
    )
    default = config.settings.default_platform
    lines.append(sentences.PLATFORMS.format(platforms=platforms, default=default))
    text = "  \n".join(lines)
    if config.problems:
        problems = "\n".join(f"- {problem}" for problem in config.problems)
        text += f"\n\n{sentences.PROBLEMS}\n\n{problems}"
    return text
