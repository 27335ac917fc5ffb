"""From what Matrix said and what the cache held to what shall be: one pure function.

The plan of a world that already agrees with itself is empty, the order in which events came
makes no difference, and nothing is ever concluded from a look that failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attr

from ..topology.marks import Identity
from ..topology.model import Problem, Reason, Topology
from ..topology.snapshot import Snapshot
from .candidates import RoomClassifier
from .choose_space import SpaceChoice, choose_spaces
from .conflicts import settle
from .findings import Findings
from .upgrades import trace_upgrades
from .writes import Write, WritePlanner

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.frozen
class Rules:
    """What a plan goes by beside the world: who we are, and where legacy chats belong."""

    identity: Identity
    default_platform: str


@attr.frozen
class Plan:
    """What shall be, and what it takes.

    Attributes:
        topology: every Space and chat, as cache and routes shall have it.
        look: rooms that must be read before this plan may be applied.
        join: rooms the bot must try to join before this plan may be applied.
        writes: state events to send, in this order.
        reasons: what was found about each room.
        unread: joined rooms of which it is not known what they are.
        strangers: joined rooms that the bot did not create.
        retired: rooms that were upgraded, say so, and are chats no longer.
        elsewhere: rooms of another instance's.
        passed_over: Spaces that another one took the place of, and whose they are.
        unfinished: owners with a Space in which there has never been a chat.
        problems: what was left out of account.
    """

    topology: Topology
    to_read: frozenset[RoomID] = frozenset()
    join: frozenset[RoomID] = frozenset()
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
        world: one look at Matrix.
        cached: what the database held; only believed where the look failed.
        rules: the identity, and the platform that legacy chats are bound to.

    Returns:
        The plan. Where its `look` is not empty, read those rooms and plan again.
    """
    upgrades = trace_upgrades(snapshot)
    choice = choose_spaces(snapshot, cached, upgrades)
    findings = RoomClassifier(snapshot, cached, choice, upgrades).classify()
    backfilled = settle(findings, choice, cached, rules.default_platform)
    planner = WritePlanner(choice, rules.identity, backfilled)
    planner.plan_markers(snapshot)
    for room_id in sorted(findings.candidates):
        planner.plan_chat(findings.candidates[room_id])
    return Plan(
        topology=Topology(
            {space.room_id: space for space in choice.chosen.values()}, planner.chats
        ),
        to_read=frozenset(findings.to_read | planner.to_read) - snapshot.unread - snapshot.gone,
        join=frozenset(upgrades.join),
        writes=tuple(planner.writes),
        reasons=_reasons(findings, planner),
        unread=frozenset(findings.unread),
        foreign=frozenset(findings.foreign),
        marked_upgraded=frozenset(findings.marked_upgraded),
        elsewhere=frozenset(findings.elsewhere),
        superseded=choice.superseded,
        unfinished=_unfinished(snapshot, choice, findings),
        problems=tuple(findings.problems),
    )


def _reasons(findings: Findings, planner: WritePlanner) -> dict[RoomID, Reason]:
    """What was found about each room; where that is several things, the last of these."""
    malformed = (one.room_id for one in findings.problems if one.reason is Reason.MALFORMED)
    return {
        **dict.fromkeys(malformed, Reason.MALFORMED),
        **dict.fromkeys(findings.foreign | findings.elsewhere, Reason.FOREIGN),
        **dict.fromkeys(findings.unread, Reason.STALE),
        **planner.reasons,
        **dict.fromkeys(findings.upgraded, Reason.UPGRADED),
    }


def _unfinished(snapshot: Snapshot, choice: SpaceChoice, findings: Findings) -> tuple[UserID, ...]:
    """Owners whose onboarding stopped after the Space: nothing was ever linked there.

    While any room is unread, it may be that first chat: then nobody is named.
    """
    if findings.unread or findings.to_read:
        return ()
    busy = {candidate.owner for candidate in findings.candidates.values()}
    return tuple(
        sorted(
            owner
            for owner, space in choice.chosen.items()
            if choice.is_settled(owner)
            and owner not in busy
            and not snapshot.rooms[space.room_id].links
        )
    )
