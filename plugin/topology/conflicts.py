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
from .model import Binding, Problem, Reason, Status, Topology

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


def settle(
    evidence: Evidence, election: Election, cached: Topology, default_platform: str
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
    changed: set[RoomID] = set()
    for group in _groups(evidence, _by_conversation):
        if any(claim.room is None for claim in group):
            _postpone(evidence, group, cached)
            continue
        for claim in sorted(group, key=_by_right)[1:]:
            assert claim.binding is not None
            fresh = attr.evolve(claim.binding, platform_chat_id=backfilled_id(claim.room_id))
            _rebind(evidence, claim, fresh, "another chat had its platform_chat_id first")
            changed.add(claim.room_id)
    # While a room is unread nobody knows which numbers are free: the same rooms must get the
    # same numbers whether or not the homeserver was in a good mood.
    if evidence.unread or evidence.look:
        _wait(evidence)
        return changed
    numbers = _numbers(evidence.claims.values())
    return (
        changed
        | _renumber(evidence, numbers)
        | _backfill(evidence, election, numbers, default_platform)
    )


def _by_conversation(claim: Claim) -> Hashable:
    return claim.binding and claim.binding.platform_chat_id


def _by_handle(claim: Claim) -> Hashable:
    return claim.binding and (claim.owner, claim.binding.chat_id)


def _groups(evidence: Evidence, key: Callable[[Claim], Hashable]) -> list[list[Claim]]:
    """The claims that share a name, where there are several; a lost chat disputes nothing."""
    first: dict[Hashable, Claim] = {}
    groups: dict[Hashable, list[Claim]] = {}
    for claim in evidence.claims.values():
        if claim.binding is None or claim.status is Status.LOST:
            continue
        name = key(claim)
        holder = first.setdefault(name, claim)
        if holder is not claim:
            groups.setdefault(name, [holder]).append(claim)
    return list(groups.values())


def _by_right(claim: Claim) -> tuple[bool, tuple[int, str]]:
    """Oldest first; a conversation that was derived from a room is always that room's."""
    assert claim.binding is not None
    assert claim.room is not None
    own = claim.binding.platform_chat_id == backfilled_id(claim.room_id)
    return (not own, claim.room.age)


def _by_age(claim: Claim) -> tuple[int, str]:
    return claim.room.age if claim.room is not None else (0, claim.room_id)


def _postpone(evidence: Evidence, group: list[Claim], cached: Topology) -> None:
    """Not all of them were read: whoever was known before stays, the others wait."""

    def newcomer(claim: Claim) -> tuple[bool, RoomID]:
        before = cached.chats.get(claim.room_id)
        return (before is None or before.binding != claim.binding, claim.room_id)

    for claim in sorted(group, key=newcomer)[1:]:
        del evidence.claims[claim.room_id]
        evidence.unread.add(claim.room_id)
    evidence.look.update(
        claim.room_id for claim in group if claim.room is None and not claim.stale
    )


def _wait(evidence: Evidence) -> None:
    """Leave the chats that have no binding yet for a time when everything can be read."""
    for claim in [claim for claim in evidence.claims.values() if claim.binding is None]:
        del evidence.claims[claim.room_id]
        evidence.unread.add(claim.room_id)


def _renumber(evidence: Evidence, numbers: dict[UserID, set[int]]) -> set[RoomID]:
    """Give the younger of two chats with one handle its owner's next one."""
    changed: set[RoomID] = set()
    disputes = [
        sorted(group, key=_by_age)
        for group in _groups(evidence, _by_handle)
        if all(claim.room is not None for claim in group)
    ]
    for group in _groups(evidence, _by_handle):
        evidence.look.update(
            claim.room_id for claim in group if claim.room is None and not claim.stale
        )
    for claim in sorted((claim for group in disputes for claim in group[1:]), key=_by_age):
        assert claim.binding is not None
        fresh = attr.evolve(claim.binding, chat_id=_next_handle(numbers[claim.owner]))
        _rebind(evidence, claim, fresh, f"another chat was {claim.binding.chat_id} first")
        changed.add(claim.room_id)
    return changed


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
    for claim in sorted(legacy, key=_by_age):
        if not election.is_settled(claim.owner):
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
