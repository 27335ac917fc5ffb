"""What cannot be settled room by room: two chats with one conversation, and what follows of it.

The older room keeps what two claim (create time, then room id); the other gets a new
`platform_chat_id` by the same rule on every machine. What could not be read is never bound anew:
it waits until it can. Numbers are given after that, by numbering.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..topology.contents import backfilled_id
from ..topology.model import Topology
from .choose_space import Election
from .findings import Claim, Evidence
from .numbering import Numbering

if TYPE_CHECKING:
    from mautrix.types import RoomID


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
    changed = _part(evidence, cached)
    numbering = Numbering(evidence, election, cached)
    # While a room is unread nobody knows which numbers are free: the same rooms must get the
    # same numbers whether or not the homeserver was in a good mood.
    if evidence.unread or evidence.look:
        numbering.wait()
        return changed
    return changed | numbering.settle(default_platform)


def _part(evidence: Evidence, cached: Topology) -> set[RoomID]:
    """Leave each conversation to one chat.

    Who must give way gets a new conversation only where everything was read: another number may
    be due at the same time, or a room that is older than all of these.
    """
    groups = evidence.sharing(_conversation)
    unread = any(claim.room is None for group in groups for claim in group)
    if groups and (unread or not evidence.is_complete()):
        postponed = [claim for group in groups for claim in _who_waits(evidence, group, cached)]
        evidence.postpone(postponed, cached)
        return set()
    changed: set[RoomID] = set()
    for group in groups:
        for claim in sorted(group, key=_by_right)[1:]:
            assert claim.binding is not None
            fresh = claim.binding._replace(platform_chat_id=backfilled_id(claim.room_id))
            evidence.rebind(claim, fresh, "another chat had its platform_chat_id first")
            changed.add(claim.room_id)
    return changed


def _conversation(claim: Claim) -> str | None:
    return None if claim.binding is None else claim.binding.platform_chat_id


def _by_right(claim: Claim) -> tuple[bool, tuple[int, str]]:
    """Oldest first; a conversation that was derived from a room is always that room's."""
    return (_conversation(claim) != backfilled_id(claim.room_id), claim.age)


def _who_waits(evidence: Evidence, group: list[Claim], cached: Topology) -> list[Claim]:
    """Not all was read: whoever had the conversation before keeps it, the others wait."""

    def newcomer(claim: Claim) -> tuple[bool, tuple[bool, tuple[int, str]]]:
        before = cached.chats.get(claim.room_id)
        had = before is not None and before.binding.platform_chat_id == _conversation(claim)
        return (not had, _by_right(claim))

    others = sorted(group, key=newcomer)[1:]
    evidence.look.update(
        claim.room_id for claim in group if claim.room is None and not claim.stale
    )
    return others
