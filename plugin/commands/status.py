"""The words of `!status`: how somebody's chats are, and more for administrators.

What is wrong with the configuration is for administrators alone: nobody else can mend it, and it
may tell too much.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from ..config.active import ActiveConfig
from ..reconciler.report import Report
from ..topology.model import Chat, Status
from ..topology.routes import Routes
from . import sentences


def describe_chats(chats: Sequence[Chat], aside: int, config: ActiveConfig) -> str:
    """How things are, for one person.

    Args:
        chats: the person's chats.
        aside: how many of their messages were set aside.
        config: the configuration in force.
    """
    troubles = _troubles(chats, aside, config)
    counted = _count([chat for chat in chats if chat.status is not Status.LOST])
    return " ".join([counted, *(troubles or [sentences.ALL_WELL])])


def _count(chats: Sequence[Chat]) -> str:
    if not chats:
        return sentences.NO_CHATS
    archived = sum(chat.status is Status.ARCHIVED for chat in chats)
    counted = sentences.ONE_CHAT if len(chats) == 1 else sentences.CHATS.format(count=len(chats))
    return sentences.YOU_HAVE.format(
        chats=counted, archived=archived if archived else sentences.NONE_ARCHIVED
    )


def _troubles(chats: Sequence[Chat], aside: int, config: ActiveConfig) -> list[str]:
    count = Counter(chat.status for chat in chats)
    stale = sum(chat.stale for chat in chats)
    mute = [chat for chat in chats if chat.platform not in config.platforms]
    troubles = []
    if aside:
        troubles.append(sentences.UNANSWERED.format(count=aside))
    if count[Status.LOST]:
        troubles.append(sentences.CHATS_LOST.format(lost=count[Status.LOST]))
    if stale:
        troubles.append(sentences.NOT_CHECKED.format(stale=stale))
    if any(chat.status is Status.LIVE for chat in mute):
        handles = ", ".join(f"`{chat.chat_id}`" for chat in mute if chat.status is Status.LIVE)
        troubles.append(sentences.NO_ASSISTANT.format(handles=handles))
    return troubles


def describe_instance(routes: Routes, last: Report | None, config: ActiveConfig) -> str:
    """How the instance is, for administrators.

    Args:
        routes: the routes in force, for what could not be read.
        last: the last reconciliation, if there was one.
        config: the configuration in force, and what is wrong with it.
    """
    lines = []
    if routes.stale or routes.unread:
        stale, unread = len(routes.stale), len(routes.unread)
        lines.append(sentences.NOT_READ.format(stale=stale, unread=unread))
    if last is not None:
        ago = max(0, round(time.time() - last.at))
        lines.append(sentences.LAST_LOOK.format(ago=ago, seconds=last.seconds))
    else:
        lines.append(sentences.NO_LOOK)
    platforms = ", ".join(f"`{name}`" for name in sorted(config.platforms))
    lines.append(
        sentences.PLATFORMS.format(
            platforms=platforms or sentences.NO_PLATFORMS, default=config.settings.default_platform
        )
    )
    text = "  \n".join(lines)
    if config.problems:
        problems = "\n".join(f"- {problem}" for problem in config.problems)
        text += f"\n\n{sentences.PROBLEMS}\n\n{problems}"
    return text
