"""The numbers of each owner's chats: no two of one owner's have the same, none is given twice.

The oldest rooms come first (create time, then room id). Nobody is given a number while a room
that may have it could not be read: what waits for that keeps the names it has, and nothing is
written for it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attr

from ..topology.contents import backfilled_id
from ..topology.model import Binding, Problem, Reason, Status, Topology
from .choose_space import SpaceChoice
from .findings import ChatCandidate, Findings

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

Handle = tuple["UserID", str]


class Numbering:
    """Settles which number is whose; `unsure` are the owners of whom not all is known."""

    def __init__(self, findings: Findings, choice: SpaceChoice, cached: Topology) -> None:
        self.findings = findings
        self.choice = choice
        self.cached = cached
        stale = {candidate.owner for candidate in findings.candidates.values() if candidate.stale}
        self.unread_owners = choice.unread_owners | findings.unread_owners | stale
        self.taken: dict[UserID, set[int]] = defaultdict(set)

    def wait(self) -> None:
        """Leave everything as it is for a time when all rooms can be read."""
        self.findings.postpone([*self._legacy(), *self._lost_binding()], self.cached)
        for group in self.findings.sharing(_handle):
            self._hold(group)

    def settle(self, default_platform: str) -> set[RoomID]:
        """Give every chat a number of its own, and the legacy ones a binding.

        Returns:
            The rooms whose binding was made here.
        """
        for candidate in self.findings.candidates.values():
            if candidate.binding is not None:
                self.taken[candidate.owner].add(candidate.binding.number)
        self._forget_lost()
        return self._renumber() | self._backfill(default_platform)

    def _forget_lost(self) -> None:
        """A lost chat whose number another has is no longer reached by it, nor by anything."""
        candidates = self.findings.candidates
        lost = sorted(room_id for room_id, one in candidates.items() if one.status is Status.LOST)
        if not lost:
            return
        held = {
            _handle(candidate)
            for candidate in candidates.values()
            if candidate.status is not Status.LOST
        }
        for room_id in lost:
            handle = _handle(candidates[room_id])
            if handle not in held:
                held.add(handle)
            elif candidates[room_id].owner not in self.unread_owners:
                del candidates[room_id]
                what = "a lost chat, the number of which another one has"
                self.findings.problems.append(Problem(room_id, what, Reason.LOST))

    def _renumber(self) -> set[RoomID]:
        """Give the younger of two chats with one number their owner's next one."""
        younger: list[ChatCandidate] = []
        for group in self.findings.sharing(_handle):
            unread = [one.room_id for one in group if one.room is None and not one.stale]
            self.findings.to_read.update(unread)
            if group[0].owner in self.unread_owners or unread:
                self._hold(group)
            else:
                younger += sorted(group, key=_by_age)[1:]
        for candidate in sorted(younger, key=_by_age):
            assert candidate.binding is not None
            fresh = candidate.binding._replace(chat_id=self._next_handle(candidate.owner))
            self.findings.rebind(
                candidate, fresh, f"another chat was {candidate.binding.chat_id} first"
            )
        return {candidate.room_id for candidate in younger}

    def _backfill(self, default_platform: str) -> set[RoomID]:
        """Bind the legacy chats, oldest first, to their owners' next free numbers."""
        if self.choice.unread_owners:
            # Whose they are, is known when all Spaces were read that may link them.
            self.findings.postpone([*self._legacy(), *self._lost_binding()], self.cached)
            return set()
        waiting = [
            candidate for candidate in self._legacy() if candidate.owner in self.unread_owners
        ]
        if waiting:
            self.findings.postpone(waiting, self.cached)
        backfilled: set[RoomID] = set()
        for candidate in sorted(self._legacy(), key=_by_age):
            if candidate.owner not in self.choice.chosen:
                del self.findings.candidates[candidate.room_id]
                self.findings.unread.add(candidate.room_id)
                continue
            binding = Binding(
                room_type="chat",
                chat_id=self._next_handle(candidate.owner),
                space_id=self.choice.chosen[candidate.owner].room_id,
                matrix_user_id=candidate.owner,
                platform=default_platform,
                platform_chat_id=backfilled_id(candidate.room_id),
            )
            self.findings.candidates[candidate.room_id] = attr.evolve(candidate, binding=binding)
            backfilled.add(candidate.room_id)
        return backfilled

    def _legacy(self) -> list[ChatCandidate]:
        """The chats without a binding."""
        return [
            candidate
            for candidate in self.findings.candidates.values()
            if candidate.binding is None
        ]

    def _lost_binding(self) -> list[ChatCandidate]:
        """The chats that only the cache still knows as such."""
        known = [self.cached.chats[room_id] for room_id in self.findings.lost_binding]
        return [ChatCandidate(chat.room_id, chat.owner, None, chat.status) for chat in known]

    def _hold(self, group: list[ChatCandidate]) -> None:
        """One of these will have another number, and it is not known which."""
        for candidate in group:
            self.findings.candidates[candidate.room_id] = attr.evolve(candidate, stale=True)

    def _next_handle(self, owner: UserID) -> str:
        number = max(self.taken[owner], default=0) + 1
        self.taken[owner].add(number)
        return f"C{number}"


def _handle(candidate: ChatCandidate) -> Handle | None:
    return None if candidate.binding is None else (candidate.owner, candidate.binding.chat_id)


def _by_age(candidate: ChatCandidate) -> tuple[int, str]:
    return candidate.age
