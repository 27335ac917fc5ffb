"""The plan of a reconciliation: one pure function of what Matrix said and what the cache held.

Where Matrix, cache and routes agree the plan is empty; the order in which events came makes no
difference, and nothing is ever concluded from a read that failed. Nothing is sent or stored here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attr

from ..topology.model import Identity, Problem, Reason, Topology
from ..topology.snapshot import Snapshot
from .candidates import RoomClassifier
from .choose_space import SpaceChoice, choose_spaces
from .conflicts import resolve_conflicts
from .findings import Findings
from .upgrades import trace_upgrades
from .writes import PlannedChat, Write, WritePlanner

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.frozen
class Rules:
    """What a plan depends on beside what was read.

    Attributes:
        identity: the bot and the instance.
        default_platform: the platform that legacy chats are bound to.
    """

    identity: Identity
    default_platform: str


@attr.frozen
class Plan:
    """What Spaces and chats there are to be, and what that takes.

    Attributes:
        topology: every Space and chat, as cache and routes are to have them.
        to_read: rooms to read before this plan may be applied.
        to_join: rooms that the bot must try to join before this plan may be applied.
        writes: state events to send, in this order.
        reasons: what was found about each room.
        unread: joined rooms of which it is not known what they are.
        foreign: joined rooms that the bot did not create and that are no chats.
        marked_upgraded: rooms that say that another one replaces them; never chats again.
        elsewhere: rooms that another instance, or a later version of this plugin, has marked.
        superseded: Spaces of owners who have another one, with their owners.
        unfinished: owners with a Space in which there has never been a chat.
        problems: what was ignored or changed, and why.
    """

    topology: Topology
    to_read: frozenset[RoomID] = frozenset()
    to_join: frozenset[RoomID] = frozenset()
    writes: tuple[Write, ...] = ()
    reasons: Mapping[RoomID, Reason] = attr.field(factory=dict)
    unread: frozenset[RoomID] = frozenset()
    foreign: frozenset[RoomID] = frozenset()
    marked_upgraded: frozenset[RoomID] = frozenset()
    elsewhere: frozenset[RoomID] = frozenset()
    superseded: Mapping[RoomID, UserID] = attr.field(factory=dict)
    unfinished: tuple[UserID, ...] = ()
    problems: tuple[Problem, ...] = ()


def make_plan(snapshot: Snapshot, cached: Topology, rules: Rules) -> Plan:
    """Plan what makes cache and routes agree with Matrix.

    Args:
        snapshot: what was read of Matrix.
        cached: what the database held; it counts only where a read failed.
        rules: the identity, and the platform that legacy chats are bound to.

    Returns:
        The plan. Where its `to_read` or `to_join` is not empty, read or join those rooms and plan
        again. Never raises.
    """
    # Upgrades first, for a Space may be replaced too; then whose each Space is, which says whose
    # links count; then each room by itself, and last what rooms dispute with each other.
    upgrades = trace_upgrades(snapshot)
    choice = choose_spaces(snapshot, cached, upgrades)
    found = RoomClassifier(snapshot, cached, choice, upgrades).classify()
    findings = resolve_conflicts(found, choice, cached, rules.default_platform)
    planner = WritePlanner(choice, rules.identity, findings.backfilled)
    candidates = findings.candidates
    planned = [planner.plan_chat(candidates[room_id]) for room_id in sorted(candidates)]
    to_read = findings.to_read | {one.chat.room_id for one in planned if one.to_read}
    return Plan(
        topology=Topology(
            {space.room_id: space for space in choice.chosen.values()},
            {one.chat.room_id: one.chat for one in planned},
        ),
        to_read=frozenset(to_read - snapshot.unread - snapshot.refused_read),
        to_join=upgrades.to_join,
        writes=(*planner.plan_markers(snapshot), *(w for one in planned for w in one.writes)),
        reasons=_reasons(findings, choice, planned),
        unread=frozenset(findings.unread),
        foreign=frozenset(findings.foreign),
        marked_upgraded=frozenset(findings.marked_upgraded),
        elsewhere=frozenset(findings.elsewhere),
        superseded=choice.superseded,
        unfinished=_unfinished(snapshot, choice, findings),
        problems=findings.problems,
    )


def _reasons(
    findings: Findings, choice: SpaceChoice, planned: list[PlannedChat]
) -> dict[RoomID, Reason]:
    """What was found about each room; where several things were, the last of these."""
    malformed = (one.room_id for one in findings.problems if one.reason is Reason.MALFORMED)
    return {
        **dict.fromkeys(malformed, Reason.MALFORMED),
        **dict.fromkeys(findings.foreign | findings.elsewhere, Reason.FOREIGN),
        **dict.fromkeys(findings.unread, Reason.STALE),
        **dict.fromkeys(choice.markers, Reason.OK),
        **dict.fromkeys(choice.superseded, Reason.SUPERSEDED),
        **{one.chat.room_id: one.reason for one in planned},
        **dict.fromkeys(findings.upgraded | findings.marked_upgraded, Reason.UPGRADED),
    }


def _unfinished(snapshot: Snapshot, choice: SpaceChoice, findings: Findings) -> tuple[UserID, ...]:
    """Owners whose onboarding stopped after the Space: nothing was ever linked there.

    While any room is unread, it may be that first chat: then nobody is named.
    """
    if findings.unread or findings.to_read:
        return ()
    with_chats = {candidate.owner for candidate in findings.candidates.values()}
    return tuple(
        sorted(
            owner
            for owner, space in choice.chosen.items()
            if choice.is_final(owner)
            and owner not in with_chats
            and not snapshot.rooms[space.room_id].links
        )
    )
