"""What the rooms said, in values: one claim a room, and what is still to be read.

Made by claims.py, settled by conflicts.py, carried out by plan.py.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING

import attr

from ..topology.model import Binding, Problem, Reason, Status, Topology
from ..topology.snapshot import Link, Room

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.frozen
class ChatCandidate:
    """One room that is a chat, or shall become one.

    Attributes:
        owner: whose chat it is.
        binding: what it goes by; None for a legacy chat that is yet to be given one.
        link: how the chosen Space links it; None where it does not, or could not be read.
        room: the room's own state, where that was read.
        stale: rests on the cache or on a mirror because a look failed.
        removed: somebody took it out of the Space, this one or the one before it.
        replaces: rooms that this one took over from, each with a Space that still links it.
        supersedes: rooms that this one took over from and that do not say so yet.
    """

    room_id: RoomID
    owner: UserID
    binding: Binding | None
    status: Status
    link: Link | None = None
    room: Room | None = None
    stale: bool = False
    removed: bool = False
    replaces: tuple[tuple[RoomID, RoomID], ...] = ()
    supersedes: tuple[RoomID, ...] = ()

    @property
    def age(self) -> tuple[int, str]:
        """Sorts claims oldest first, the same way on every machine."""
        return self.room.age if self.room is not None else (0, self.room_id)


@attr.define
class Findings:
    """Everything the rooms said: claims, what must be read first, what was left out.

    `upgraded` are rooms of which another one is the chat now, `retired` those among them that
    say so themselves: whatever becomes of the other one, they are no chats again. `elsewhere`
    are rooms that another instance, or a later version of this plugin, has marked as its own;
    `unbound` are chats by the cache alone, as far as was read; `unsure` are owners of whom
    something could not be settled.
    """

    candidates: dict[RoomID, ChatCandidate] = attr.field(factory=dict)
    to_read: set[RoomID] = attr.field(factory=set)
    unread: set[RoomID] = attr.field(factory=set)
    foreign: set[RoomID] = attr.field(factory=set)
    upgraded: set[RoomID] = attr.field(factory=set)
    marked_upgraded: set[RoomID] = attr.field(factory=set)
    elsewhere: set[RoomID] = attr.field(factory=set)
    lost_binding: set[RoomID] = attr.field(factory=set)
    unread_owners: set[UserID] = attr.field(factory=set)
    problems: list[Problem] = attr.field(factory=list)

    def is_complete(self) -> bool:
        """Whether everything was read that may claim a name."""
        read = not (self.unread or self.to_read)
        return read and not any(candidate.stale for candidate in self.candidates.values())

    def sharing(self, name: Callable[[ChatCandidate], Hashable]) -> list[list[ChatCandidate]]:
        """The claims that share a name, where there are several; a lost chat disputes nothing."""
        first: dict[Hashable, ChatCandidate] = {}
        groups: dict[Hashable, list[ChatCandidate]] = {}
        for candidate in self.candidates.values():
            if candidate.binding is None or candidate.status is Status.LOST:
                continue
            key = name(candidate)
            holder = first.setdefault(key, candidate)
            if holder is not candidate:
                groups.setdefault(key, [holder]).append(candidate)
        return list(groups.values())

    def postpone(self, candidates: Iterable[ChatCandidate], cached: Topology) -> None:
        """Let chats wait until all can be read: each goes on as it was known before, if nobody
        else has that conversation now.

        Args:
            claims: the chats; none of them has a claim afterwards but by what was known.
            cached: what the cache held.
        """
        waiting = sorted(candidates, key=lambda candidate: candidate.room_id)
        for candidate in waiting:
            self.candidates.pop(candidate.room_id, None)
        taken = {
            candidate.binding.platform_chat_id
            for candidate in self.candidates.values()
            if candidate.binding is not None and candidate.status is not Status.LOST
        }
        for candidate in waiting:
            known = cached.chats.get(candidate.room_id)
            self.unread_owners.add(candidate.owner)
            if known is None or known.binding.platform_chat_id in taken:
                self.unread.add(candidate.room_id)
                continue
            taken.add(known.binding.platform_chat_id)
            archived = Status.ARCHIVED in (candidate.status, known.status)
            status = Status.ARCHIVED if archived else Status.LIVE
            self.candidates[candidate.room_id] = ChatCandidate(
                candidate.room_id, known.owner, known.binding, status, stale=True
            )

    def rebind(self, candidate: ChatCandidate, binding: Binding, why: str) -> None:
        """Give a claim another binding, and say why."""
        self.candidates[candidate.room_id] = attr.evolve(candidate, binding=binding)
        self.problems.append(Problem(candidate.room_id, why, Reason.BACKFILLED))
