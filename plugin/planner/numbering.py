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
from .choose_space import Election
from .findings import Claim, Evidence

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

Handle = tuple["UserID", str]


class Numbering:
    """Settles which number is whose; `unsure` are the owners of whom not all is known."""

    def __init__(self, evidence: Evidence, election: Election, cached: Topology) -> None:
        self.evidence = evidence
        self.election = election
        self.cached = cached
        stale = {claim.owner for claim in evidence.claims.values() if claim.stale}
        self.unsure = election.unsure | evidence.unsure | stale
        self.taken: dict[UserID, set[int]] = defaultdict(set)

    def wait(self) -> None:
        """Leave everything as it is for a time when all rooms can be read."""
        self.evidence.postpone([*self._legacy(), *self._unbound()], self.cached)
        for group in self.evidence.sharing(_handle):
            self._hold(group)

    def settle(self, default_platform: str) -> set[RoomID]:
        """Give every chat a number of its own, and the legacy ones a binding.

        Returns:
            The rooms whose binding was made here.
        """
        for claim in self.evidence.claims.values():
            if claim.binding is not None:
                self.taken[claim.owner].add(claim.binding.number)
        self._forget_lost()
        return self._renumber() | self._backfill(default_platform)

    def _forget_lost(self) -> None:
        """A lost chat whose number another has is no longer reached by it, nor by anything."""
        claims = self.evidence.claims
        lost = sorted(room_id for room_id, one in claims.items() if one.status is Status.LOST)
        if not lost:
            return
        held = {_handle(claim) for claim in claims.values() if claim.status is not Status.LOST}
        for room_id in lost:
            handle = _handle(claims[room_id])
            if handle not in held:
                held.add(handle)
            elif claims[room_id].owner not in self.unsure:
                del claims[room_id]
                what = "a lost chat, the number of which another one has"
                self.evidence.problems.append(Problem(room_id, what, Reason.LOST))

    def _renumber(self) -> set[RoomID]:
        """Give the younger of two chats with one number their owner's next one."""
        younger: list[Claim] = []
        for group in self.evidence.sharing(_handle):
            unread = [one.room_id for one in group if one.room is None and not one.stale]
            self.evidence.look.update(unread)
            if group[0].owner in self.unsure or unread:
                self._hold(group)
            else:
                younger += sorted(group, key=_by_age)[1:]
        for claim in sorted(younger, key=_by_age):
            assert claim.binding is not None
            fresh = claim.binding._replace(chat_id=self._next_handle(claim.owner))
            self.evidence.rebind(claim, fresh, f"another chat was {claim.binding.chat_id} first")
        return {claim.room_id for claim in younger}

    def _backfill(self, default_platform: str) -> set[RoomID]:
        """Bind the legacy chats, oldest first, to their owners' next free numbers."""
        if self.election.unsure:
            # Whose they are, is known when all Spaces were read that may link them.
            self.evidence.postpone([*self._legacy(), *self._unbound()], self.cached)
            return set()
        waiting = [claim for claim in self._legacy() if claim.owner in self.unsure]
        if waiting:
            self.evidence.postpone(waiting, self.cached)
        backfilled: set[RoomID] = set()
        for claim in sorted(self._legacy(), key=_by_age):
            if claim.owner not in self.election.chosen:
                del self.evidence.claims[claim.room_id]
                self.evidence.unread.add(claim.room_id)
                continue
            binding = Binding(
                room_type="chat",
                chat_id=self._next_handle(claim.owner),
                space_id=self.election.chosen[claim.owner].room_id,
                matrix_user_id=claim.owner,
                platform=default_platform,
                platform_chat_id=backfilled_id(claim.room_id),
            )
            self.evidence.claims[claim.room_id] = attr.evolve(claim, binding=binding)
            backfilled.add(claim.room_id)
        return backfilled

    def _legacy(self) -> list[Claim]:
        """The chats without a binding."""
        return [claim for claim in self.evidence.claims.values() if claim.binding is None]

    def _unbound(self) -> list[Claim]:
        """The chats that only the cache still knows as such."""
        known = [self.cached.chats[room_id] for room_id in self.evidence.unbound]
        return [Claim(chat.room_id, chat.owner, None, chat.status) for chat in known]

    def _hold(self, group: list[Claim]) -> None:
        """One of these will have another number, and it is not known which."""
        for claim in group:
            self.evidence.claims[claim.room_id] = attr.evolve(claim, stale=True)

    def _next_handle(self, owner: UserID) -> str:
        number = max(self.taken[owner], default=0) + 1
        self.taken[owner].add(number)
        return f"C{number}"


def _handle(claim: Claim) -> Handle | None:
    return None if claim.binding is None else (claim.owner, claim.binding.chat_id)


def _by_age(claim: Claim) -> tuple[int, str]:
    return claim.age
