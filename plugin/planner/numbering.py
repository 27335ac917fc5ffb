"""The numbers of each owner's chats: no two of one owner's are the same, none is given twice.

The oldest rooms come first (create time, then room id). No number is given while a room that may
have it is unread: what waits for that keeps the binding it has, and nothing is written for it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attr

from ..topology.model import Problem, Reason, Status, Topology
from .choose_space import SpaceChoice
from .findings import ChatCandidate, Findings

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


class Numbering:
    """Decides which number is whose.

    Args:
        findings: the candidates, each with a conversation of its own.
        choice: whose each Space is.
        cached: what was known before.
    """

    def __init__(self, findings: Findings, choice: SpaceChoice, cached: Topology) -> None:
        self.choice = choice
        self.cached = cached
        candidates = findings.candidates.values()
        stale = {candidate.owner for candidate in candidates if candidate.stale}
        # Their chats may have numbers that were not read.
        self.partly_read = choice.unread_owners | findings.postponed_owners | stale
        # A lost chat's number counts too: none is ever given twice.
        self.highest: dict[UserID, int] = defaultdict(int)
        for candidate in candidates:
            if candidate.binding is not None and candidate.binding.chat_id:
                number = candidate.binding.number
                self.highest[candidate.owner] = max(number, self.highest[candidate.owner])

    def postpone(self, findings: Findings) -> Findings:
        """Leave all numbers as they are until every room can be read."""
        # Another room may say what of these the cache alone says.
        recalled = [chat for chat in findings.candidates.values() if chat.recalled]
        findings = findings.postpone([*self._unnumbered(findings), *recalled], self.cached)
        return findings.mark_stale(findings.sharing(_handle))

    def assign(self, findings: Findings) -> Findings:
        """Give every chat a number of its own.

        Args:
            findings: the candidates; no room is unread.
        """
        # In this order on every machine: chats that had a number get their next one before
        # those that never had any.
        findings = self._renumber(self._drop_lost(findings))
        return self._number(findings)

    def _drop_lost(self, findings: Findings) -> Findings:
        """Drop the lost chats whose number another one has: no command can name them."""
        chats = findings.candidates.values()
        lost = sorted(chat.room_id for chat in chats if chat.status is Status.LOST)
        if not lost:
            return findings
        held = {_handle(chat) for chat in chats if chat.status is not Status.LOST}
        dropped = []
        for chat in (findings.candidates[room_id] for room_id in lost):
            if _handle(chat) not in held:
                held.add(_handle(chat))
            elif chat.owner not in self.partly_read:
                dropped.append(chat.room_id)
        what = "a lost chat, the number of which another one has"
        return findings.drop(
            set(dropped), [Problem(room_id, what, Reason.LOST) for room_id in dropped]
        )

    def _renumber(self, findings: Findings) -> Findings:
        """Give the younger of two chats with one number their owner's next one."""
        groups = findings.sharing(_handle)
        if not groups:
            return findings
        younger: list[ChatCandidate] = []
        undecided: list[list[ChatCandidate]] = []
        to_read: set[RoomID] = set()
        for group in groups:
            unread = {chat.room_id for chat in group if chat.room is None and not chat.stale}
            to_read |= unread
            if unread or group[0].owner in self.partly_read:
                undecided.append(group)
            else:
                younger += sorted(group, key=_by_right)[1:]
        younger.sort(key=_by_age)
        problems = [
            Problem(chat.room_id, f"another chat was {_chat_id(chat)} first", Reason.BACKFILLED)
            for chat in younger
        ]
        renumbered = [self._with_next_number(chat) for chat in younger]
        findings = findings.mark_stale(undecided).rebind(renumbered, problems)
        return attr.evolve(findings, to_read=findings.to_read | to_read)

    def _number(self, findings: Findings) -> Findings:
        """Give the chats that have none their owners' next free numbers, oldest first."""
        if self.choice.unread_owners:
            # Whose they are is known only when all Spaces were read that may link them.
            return findings.postpone(self._unnumbered(findings), self.cached)
        waiting = [chat for chat in _unnumbered(findings) if chat.owner in self.partly_read]
        if waiting:
            findings = findings.postpone(waiting, self.cached)
        unnumbered = sorted(_unnumbered(findings), key=_by_age)
        if not unnumbered:
            return findings
        bound = [self._with_next_number(chat) for chat in unnumbered if chat.binding is not None]
        without_space = {chat.room_id for chat in unnumbered if chat.binding is None}
        findings = findings.rebind(bound).drop(without_space)
        return attr.evolve(findings, unread=findings.unread | without_space)

    def _with_next_number(self, chat: ChatCandidate) -> ChatCandidate:
        assert chat.binding is not None
        binding = chat.binding._replace(chat_id=self._next_chat_id(chat.owner))
        return attr.evolve(chat, binding=binding)

    def _next_chat_id(self, owner: UserID) -> str:
        self.highest[owner] += 1
        return f"C{self.highest[owner]}"

    def _unnumbered(self, findings: Findings) -> list[ChatCandidate]:
        """The chats without a binding, and those that have one by the cache alone."""
        known = (self.cached.chats[room_id] for room_id in findings.lost_binding)
        lost = [ChatCandidate(chat.room_id, chat.owner, None, chat.status) for chat in known]
        return [*_unnumbered(findings), *lost]


def _unnumbered(findings: Findings) -> list[ChatCandidate]:
    return [chat for chat in findings.candidates.values() if _chat_id(chat) is None]


def _handle(chat: ChatCandidate) -> tuple[UserID, str] | None:
    chat_id = _chat_id(chat)
    return (chat.owner, chat_id) if chat_id is not None else None


def _chat_id(chat: ChatCandidate) -> str | None:
    return None if chat.binding is None else chat.binding.chat_id or None


def _by_right(chat: ChatCandidate) -> tuple[bool, tuple[int, str]]:
    """Whose number is known from the cache alone comes after those for whom Matrix says it."""
    return (chat.recalled, chat.age)


def _by_age(chat: ChatCandidate) -> tuple[int, str]:
    return chat.age
