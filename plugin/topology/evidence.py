"""What the rooms said, in values: one claim a room, and what is still to be read.

Made by claims.py, settled by conflicts.py, carried out by plan.py.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

import attr

from .model import Binding, Problem, Reason, Status
from .world import Link, Room

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.frozen
class Claim:
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
class Evidence:
    """Everything the rooms said: claims, what must be read first, what was left out.

    `upgraded` are rooms of which another one is the chat now, `retired` those among them that
    say so themselves: whatever becomes of the other one, they are no chats again. `elsewhere`
    are rooms that another instance, or a later version of this plugin, has marked as its own;
    `unsure` are owners of whom something could not be settled.
    """

    claims: dict[RoomID, Claim] = attr.field(factory=dict)
    look: set[RoomID] = attr.field(factory=set)
    unread: set[RoomID] = attr.field(factory=set)
    strangers: set[RoomID] = attr.field(factory=set)
    upgraded: set[RoomID] = attr.field(factory=set)
    retired: set[RoomID] = attr.field(factory=set)
    elsewhere: set[RoomID] = attr.field(factory=set)
    unsure: set[UserID] = attr.field(factory=set)
    problems: list[Problem] = attr.field(factory=list)

    def is_complete(self) -> bool:
        """Whether everything was read that may claim a name."""
        read = not (self.unread or self.look)
        return read and not any(claim.stale for claim in self.claims.values())

    def sharing(self, name: Callable[[Claim], Hashable]) -> list[list[Claim]]:
        """The claims that share a name, where there are several; a lost chat disputes nothing."""
        first: dict[Hashable, Claim] = {}
        groups: dict[Hashable, list[Claim]] = {}
        for claim in self.claims.values():
            if claim.binding is None or claim.status is Status.LOST:
                continue
            key = name(claim)
            holder = first.setdefault(key, claim)
            if holder is not claim:
                groups.setdefault(key, [holder]).append(claim)
        return list(groups.values())

    def rebind(self, claim: Claim, binding: Binding, why: str) -> None:
        """Give a claim another binding, and say why."""
        self.claims[claim.room_id] = attr.evolve(claim, binding=binding)
        self.problems.append(Problem(claim.room_id, why, Reason.BACKFILLED))
