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
from ..topology.snapshot import World
from .candidates import Weighing
from .choose_space import Election, elect_spaces
from .conflicts import settle
from .findings import Evidence
from .upgrades import trace_succession
from .writes import Drafting, Write

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
    look: frozenset[RoomID] = frozenset()
    join: frozenset[RoomID] = frozenset()
    writes: tuple[Write, ...] = ()
    reasons: Mapping[RoomID, Reason] = attr.field(factory=dict)
    unread: frozenset[RoomID] = frozenset()
    strangers: frozenset[RoomID] = frozenset()
    retired: frozenset[RoomID] = frozenset()
    elsewhere: frozenset[RoomID] = frozenset()
    passed_over: Mapping[RoomID, UserID] = attr.field(factory=dict)
    unfinished: tuple[UserID, ...] = ()
    problems: tuple[Problem, ...] = ()


def make_plan(world: World, cached: Topology, rules: Rules) -> Plan:
    """Plan what makes cache and routes agree with Matrix.

    Args:
        world: one look at Matrix.
        cached: what the database held; only believed where the look failed.
        rules: the identity, and the platform that legacy chats are bound to.

    Returns:
        The plan. Where its `look` is not empty, read those rooms and plan again.
    """
    succession = trace_succession(world)
    election = elect_spaces(world, cached, succession)
    evidence = Weighing(world, cached, election, succession).weigh()
    backfilled = settle(evidence, election, cached, rules.default_platform)
    drafting = Drafting(election, rules.identity, backfilled)
    drafting.draft_spaces(world)
    for room_id in sorted(evidence.claims):
        drafting.draft(evidence.claims[room_id])
    return Plan(
        topology=Topology(
            {space.room_id: space for space in election.chosen.values()}, drafting.chats
        ),
        look=frozenset(evidence.look | drafting.look) - world.unread - world.gone,
        join=frozenset(succession.join),
        writes=tuple(drafting.writes),
        reasons=_reasons(evidence, drafting),
        unread=frozenset(evidence.unread),
        strangers=frozenset(evidence.strangers),
        retired=frozenset(evidence.retired),
        elsewhere=frozenset(evidence.elsewhere),
        passed_over=election.passed_over,
        unfinished=_unfinished(world, election, evidence),
        problems=tuple(evidence.problems),
    )


def _reasons(evidence: Evidence, drafting: Drafting) -> dict[RoomID, Reason]:
    """What was found about each room; where that is several things, the last of these."""
    malformed = (one.room_id for one in evidence.problems if one.reason is Reason.MALFORMED)
    return {
        **dict.fromkeys(malformed, Reason.MALFORMED),
        **dict.fromkeys(evidence.strangers | evidence.elsewhere, Reason.FOREIGN),
        **dict.fromkeys(evidence.unread, Reason.STALE),
        **drafting.reasons,
        **dict.fromkeys(evidence.upgraded, Reason.UPGRADED),
    }


def _unfinished(world: World, election: Election, evidence: Evidence) -> tuple[UserID, ...]:
    """Owners whose onboarding stopped after the Space: nothing was ever linked there.

    While any room is unread, it may be that first chat: then nobody is named.
    """
    if evidence.unread or evidence.look:
        return ()
    busy = {claim.owner for claim in evidence.claims.values()}
    return tuple(
        sorted(
            owner
            for owner, space in election.chosen.items()
            if election.is_settled(owner)
            and owner not in busy
            and not world.rooms[space.room_id].links
        )
    )
