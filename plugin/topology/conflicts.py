"""What cannot be settled room by room: two chats under one name, and chats without any.

The older room keeps what two claim (create time, then room id); the other gets a new
`platform_chat_id` or number by the same rule on every machine. What could not be read is never
renamed: it waits until it can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING

import attr

from .contents import backfilled_id
from .election import Election
from .evidence import Claim, Evidence
from .model import Binding, Problem, Reason, Status

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


def settle(evidence: Evidence, election: Election, default_platform: str) -> set[RoomID]:
    """Give every claim a binding of its own, in place.

    Args:
        evidence: the claims; `look` and `unread` grow where a conflict needs a read.
        election: whose Space is which.
        default_platform: what a legacy chat is bound to.

    Returns:
        The rooms whose binding was made here and is yet to be written.
    """
    changed: set[RoomID] = set()
    for claim in _losers(evidence, _by_conversation):
        assert claim.binding is not None
        fresh = attr.evolve(claim.binding, platform_chat_id=backfilled_id(claim.room_id))
        _rebind(evidence, claim, fresh, "another chat had its platform_chat_id first")
        changed.add(claim.room_id)
    numbers = _numbers(evidence.claims.values())
    for claim in _losers(evidence, _by_handle):
        assert claim.binding is not None
        handle = _next_handle(numbers[claim.owner])
        fresh = attr.evolve(claim.binding, chat_id=handle)
        _rebind(evidence, claim, fresh, f"another chat was {claim.binding.chat_id} first")
        changed.add(claim.room_id)
    return changed | _backfill(evidence, election, numbers, default_platform)


def _by_conversation(claim: Claim) -> Hashable:
    return claim.binding and claim.binding.platform_chat_id


def _by_handle(claim: Claim) -> Hashable:
    return claim.binding and (claim.owner, claim.binding.chat_id)


def _losers(evidence: Evidence, key: Callable[[Claim], Hashable]) -> list[Claim]:
    """The claims that must yield; those that were never read are asked for, or set aside."""
    groups: dict[Hashable, list[Claim]] = defaultdict(list)
    for claim in evidence.claims.values():
        if claim.binding is not None:
            groups[key(claim)].append(claim)
    losers: list[Claim] = []
    for group in groups.values():
        if len(group) < 2:
            continue
        _, *others = sorted(group, key=_seniority)
        losers += (claim for claim in others if claim.room is not None)
        for claim in group:
            if claim.room is None and claim.status is not Status.LOST and not claim.stale:
                evidence.look.add(claim.room_id)
        for claim in others:
            if claim.room is None:
                del evidence.claims[claim.room_id]
                if claim.status is not Status.LOST:
                    evidence.unread.add(claim.room_id)
    return sorted(losers, key=_seniority)


def _seniority(claim: Claim) -> tuple[bool, bool, tuple[int, str]]:
    """Oldest first; a room that nobody could read comes last, and an id that was derived from
    the room itself is always its own."""
    assert claim.binding is not None
    own = claim.binding.platform_chat_id == backfilled_id(claim.room_id)
    age = claim.room.age if claim.room else (0, claim.room_id)
    return (not own, claim.room is None, age)


def _rebind(evidence: Evidence, claim: Claim, binding: Binding, why: str) -> None:
    evidence.claims[claim.room_id] = attr.evolve(claim, binding=binding)
    evidence.problems.append(Problem(claim.room_id, why, Reason.BACKFILLED))


def _numbers(claims: Iterable[Claim]) -> dict[UserID, set[int]]:
    numbers: dict[UserID, set[int]] = defaultdict(set)
    for claim in claims:
        if claim.binding is not None:
            numbers[claim.owner].add(claim.binding.number)
    return numbers


def _next_handle(taken: set[int]) -> str:
    number = max(taken, default=0) + 1
    taken.add(number)
    return f"C{number}"


def _backfill(
    evidence: Evidence,
    election: Election,
    numbers: dict[UserID, set[int]],
    default_platform: str,
) -> set[RoomID]:
    """Bind the legacy chats, oldest first, to the owner's next free numbers."""
    legacy = [claim for claim in evidence.claims.values() if claim.binding is None]
    backfilled: set[RoomID] = set()
    # While a room is unread nobody knows which numbers are free: the same rooms must get the
    # same numbers whether or not the homeserver was in a good mood.
    waiting = bool(evidence.unread or evidence.look)
    for claim in sorted(legacy, key=lambda claim: claim.room.age if claim.room else (0, "")):
        if waiting or not election.is_settled(claim.owner):
            del evidence.claims[claim.room_id]
            evidence.unread.add(claim.room_id)
            continue
        binding = Binding(
            room_type="chat",
            chat_id=_next_handle(numbers[claim.owner]),
            space_id=election.chosen[claim.owner].room_id,
            matrix_user_id=claim.owner,
            platform=default_platform,
            platform_chat_id=backfilled_id(claim.room_id),
        )
        evidence.claims[claim.room_id] = attr.evolve(claim, binding=binding)
        backfilled.add(claim.room_id)
    return backfilled
