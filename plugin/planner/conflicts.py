"""Makes bindings unique: no two chats with one conversation, and what follows from that.

The older room keeps what two have (create time, then room id); the other gets a new
`platform_chat_id` by the same rule on every machine. An unread room never gets a new binding: it
waits until it can be read. Numbers are given after that, in numbering.py.
"""

from __future__ import annotations

import attr

from ..topology.contents import backfilled_id
from ..topology.model import Problem, Reason, Topology
from .choose_space import SpaceChoice
from .completion import compute_missing
from .findings import ChatCandidate, Findings
from .numbering import Numbering


def resolve_conflicts(
    findings: Findings, choice: SpaceChoice, cached: Topology, default_platform: str
) -> Findings:
    """Give every candidate a binding that no other has.

    Args:
        findings: what each room is by itself.
        choice: whose each Space is.
        cached: what was known before; a chat that waits for a read goes on by that.
        default_platform: the platform that chats are bound to which name none.

    Returns:
        The findings, with a binding in every candidate; `to_read` grew by the rooms that a
        conflict needs read, `backfilled` names those whose binding was made here. Never raises.
    """
    if any(candidate.binding is None for candidate in findings.candidates.values()):
        findings = compute_missing(findings, choice, cached, default_platform)
    findings = _separate_conversations(findings, cached)
    numbering = Numbering(findings, choice, cached)
    # While a room is unread nobody knows which numbers are free: the same rooms must get the
    # same numbers, however many reads fail.
    if findings.unread or findings.to_read:
        return numbering.postpone(findings)
    return numbering.assign(findings)


def _separate_conversations(findings: Findings, cached: Topology) -> Findings:
    """Leave each conversation to one chat. The others get new ones only if everything was read:
    an unread room may be older than all of them, and another number due at the same time."""
    groups = findings.sharing(_conversation)
    if not groups:
        return findings
    unread = {chat.room_id for group in groups for chat in group if chat.room is None}
    if unread or not findings.is_complete():
        # Whoever had the conversation before keeps it meanwhile.
        waiting = [chat for group in groups for chat in _by_possession(group, cached)[1:]]
        readable = {chat.room_id for group in groups for chat in group if not chat.stale}
        findings = attr.evolve(findings, to_read=findings.to_read | (unread & readable))
        return findings.postpone(waiting, cached)
    younger = [chat for group in groups for chat in sorted(group, key=_precedence)[1:]]
    what = "another chat had its platform_chat_id first"
    return findings.rebind(
        [_with_own_conversation(chat) for chat in younger],
        [Problem(chat.room_id, what, Reason.BACKFILLED) for chat in younger],
    )


def _with_own_conversation(chat: ChatCandidate) -> ChatCandidate:
    assert chat.binding is not None
    binding = chat.binding._replace(platform_chat_id=backfilled_id(chat.room_id))
    return attr.evolve(chat, binding=binding)


def _conversation(chat: ChatCandidate) -> str | None:
    return None if chat.binding is None else chat.binding.platform_chat_id


def _precedence(chat: ChatCandidate) -> tuple[bool, bool, tuple[int, str]]:
    """Oldest first; a conversation that was derived from a room is always that room's, and what
    Matrix says counts for more than what the cache does."""
    return (_conversation(chat) != backfilled_id(chat.room_id), chat.recalled, chat.age)


def _by_possession(group: list[ChatCandidate], cached: Topology) -> list[ChatCandidate]:
    """Who had the conversation before comes first."""

    def newcomer(chat: ChatCandidate) -> tuple[bool, tuple[bool, bool, tuple[int, str]]]:
        known = cached.chats.get(chat.room_id)
        had = known is not None and known.platform_chat_id == _conversation(chat)
        return (not had, _precedence(chat))

    return sorted(group, key=newcomer)
