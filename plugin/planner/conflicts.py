"""What cannot be settled room by room: two chats with one conversation, and what follows of it.

The older room keeps what two claim (create time, then room id); the other gets a new
`platform_chat_id` by the same rule on every machine. What could not be read is never bound anew:
it waits until it can. Numbers are given after that, by numbering.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..topology.contents import backfilled_id
from ..topology.model import Topology
from .choose_space import SpaceChoice
from .findings import ChatCandidate, Findings
from .numbering import Numbering

if TYPE_CHECKING:
    from mautrix.types import RoomID


def settle(
    findings: Findings, choice: SpaceChoice, cached: Topology, default_platform: str
) -> set[RoomID]:
    """Give every claim a binding of its own, in place.

    Args:
        evidence: the claims; `look` and `unread` grow where a conflict needs a read.
        election: whose Space is which.
        cached: what the cache held; who was there before stays where nobody could be read.
        default_platform: what a legacy chat is bound to.

    Returns:
        The rooms whose binding was made here and is yet to be written.
    """
    changed = _part(findings, cached)
    numbering = Numbering(findings, choice, cached)
    # While a room is unread nobody knows which numbers are free: the same rooms must get the
    # same numbers whether or not the homeserver was in a good mood.
    if findings.unread or findings.to_read:
        numbering.wait()
        return changed
    return changed | numbering.settle(default_platform)


def _part(findings: Findings, cached: Topology) -> set[RoomID]:
    """Leave each conversation to one chat.

    Who must give way gets a new conversation only where everything was read: another number may
    be due at the same time, or a room that is older than all of these.
    """
    groups = findings.sharing(_conversation)
    unread = any(candidate.room is None for group in groups for candidate in group)
    if groups and (unread or not findings.is_complete()):
        postponed = [
            candidate for group in groups for candidate in _who_waits(findings, group, cached)
        ]
        findings.postpone(postponed, cached)
        return set()
    changed: set[RoomID] = set()
    for group in groups:
        for candidate in sorted(group, key=_by_right)[1:]:
            assert candidate.binding is not None
            fresh = candidate.binding._replace(platform_chat_id=backfilled_id(candidate.room_id))
            findings.rebind(candidate, fresh, "another chat had its platform_chat_id first")
            changed.add(candidate.room_id)
    return changed


def _conversation(candidate: ChatCandidate) -> str | None:
    return None if candidate.binding is None else candidate.binding.platform_chat_id


def _by_right(candidate: ChatCandidate) -> tuple[bool, tuple[int, str]]:
    """Oldest first; a conversation that was derived from a room is always that room's."""
    return (_conversation(candidate) != backfilled_id(candidate.room_id), candidate.age)


def _who_waits(
    findings: Findings, group: list[ChatCandidate], cached: Topology
) -> list[ChatCandidate]:
    """Not all was read: whoever had the conversation before keeps it, the others wait."""

    def newcomer(candidate: ChatCandidate) -> tuple[bool, tuple[bool, tuple[int, str]]]:
        before = cached.chats.get(candidate.room_id)
        had = before is not None and before.binding.platform_chat_id == _conversation(candidate)
        return (not had, _by_right(candidate))

    others = sorted(group, key=newcomer)[1:]
    findings.to_read.update(
        candidate.room_id for candidate in group if candidate.room is None and not candidate.stale
    )
    return others
