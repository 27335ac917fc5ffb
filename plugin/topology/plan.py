"""From what Matrix said and what the cache held to what shall be: one pure function.

The plan of a world that already agrees with itself is empty, the order in which events came
makes no difference, and nothing is ever concluded from a look that failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attr

from .claims import Weighing
from .conflicts import settle
from .contents import (
    child_content,
    join_rules_content,
    parent_content,
    removed_child_content,
)
from .election import Election, elect_spaces
from .evidence import Claim, Evidence
from .marks import Identity
from .model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Chat,
    Marker,
    Problem,
    Reason,
    Status,
    Topology,
    World,
)
from .succession import trace_succession

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.frozen
class Rules:
    """What a plan goes by beside the world: who we are, and where legacy chats belong."""

    identity: Identity
    default_platform: str


@attr.frozen
class Write:
    """One state event to send; `chat` is the chat that must not be routed until it stands."""

    room_id: RoomID
    event_type: str
    state_key: str
    content: Mapping[str, Any]
    owner: UserID
    chat: RoomID | None = None


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
        retired: rooms that were upgraded and are chats no longer.
        elsewhere: rooms of another instance's.
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
    drafting = _Drafting(election, rules.identity, backfilled)
    drafting.draft_spaces(world)
    for room_id in sorted(evidence.claims):
        drafting.draft(evidence.claims[room_id])
    drafting.reasons.update(dict.fromkeys(evidence.retired, Reason.UPGRADED))
    return Plan(
        topology=Topology(
            {space.room_id: space for space in election.chosen.values()}, drafting.chats
        ),
        look=frozenset(evidence.look | drafting.look) - world.unread - world.gone,
        join=frozenset(succession.join),
        writes=tuple(drafting.writes),
        reasons=drafting.reasons,
        unread=frozenset(evidence.unread),
        strangers=frozenset(evidence.strangers),
        retired=frozenset(evidence.retired),
        elsewhere=frozenset(evidence.elsewhere),
        unfinished=_unfinished(world, election, evidence),
        problems=tuple(evidence.problems),
    )


class _Drafting:
    """Turns settled claims into chats, and into the writes that make them stand."""

    def __init__(self, election: Election, identity: Identity, backfilled: set[RoomID]) -> None:
        self.election = election
        self.identity = identity
        self.backfilled = backfilled
        self.chats: dict[RoomID, Chat] = {}
        self.writes: list[Write] = []
        self.reasons: dict[RoomID, Reason] = {}
        self.look: set[RoomID] = set()

    def draft_spaces(self, world: World) -> None:
        """The markers: a Space that was passed over says so and is kept, one that took over from
        another is marked as the owner's."""
        for space_id, owner in sorted(self.election.owners.items()):
            if not self.election.is_settled(owner):
                continue
            chosen = self.election.chosen[owner].room_id
            wanted = Marker(owner, None if space_id == chosen else chosen)
            self.reasons[space_id] = Reason.OK if space_id == chosen else Reason.SUPERSEDED
            if world.rooms[space_id].marker != wanted:
                content = wanted.content(self.identity.instance)
                self.writes.append(Write(space_id, MARKER_TYPE, "", content, owner))

    def draft(self, claim: Claim) -> None:
        binding, reason = claim.binding, Reason.OK
        assert binding is not None
        settled = self.election.is_settled(claim.owner) and not claim.stale
        if settled and claim.status is not Status.LOST:
            space_id = self.election.chosen[claim.owner].room_id
            if binding.space_id != space_id:
                # The Space it names is gone or was passed over: the chat comes along. What else
                # in it names that Space is known once it was read.
                binding, reason = attr.evolve(binding, space_id=space_id), Reason.ADOPTED
                if claim.room is None:
                    self.look.add(claim.room_id)
            if claim.room_id in self.backfilled:
                reason = Reason.BACKFILLED
            if binding is not claim.binding:
                claim = attr.evolve(claim, binding=binding)
            if self._write_room(claim) | self._write_link(claim) and reason is Reason.OK:
                reason = Reason.RELINKED
        elif claim.room_id in self.backfilled and claim.owner not in self.election.unsure:
            # Its owner has no Space at the moment; what it goes by must stand all the same.
            content = binding.content(self.identity.instance)
            self._write(claim, claim.room_id, BINDING_TYPE, "", content)
            reason = Reason.BACKFILLED
        self.chats[claim.room_id] = Chat(claim.room_id, binding, claim.status, claim.stale)
        self.reasons[claim.room_id] = _final_reason(claim, reason)

    def _write_room(self, claim: Claim) -> bool:
        """The room's own binding and parent, where they are known to differ."""
        assert claim.binding is not None
        wrote = False
        space_id = claim.binding.space_id
        known = claim.room.binding if claim.room else claim.link and claim.link.mirror
        if known != claim.binding:
            content = claim.binding.content(self.identity.instance)
            self._write(claim, claim.room_id, BINDING_TYPE, "", content)
            wrote = True
        if claim.room is not None and space_id not in claim.room.parents:
            content = parent_content(self.identity.bot, claim.owner)
            self._write(claim, claim.room_id, PARENT_TYPE, space_id, content)
            wrote = True
        admits = claim.room.admits if claim.room is not None else None
        if admits is not None and space_id not in admits:
            content = join_rules_content(space_id)
            self._write(claim, claim.room_id, "m.room.join_rules", "", content)
            wrote = True
        return wrote

    def _write_link(self, claim: Claim) -> bool:
        """The link with its mirror; a chat that was taken out of the Space is left out."""
        assert claim.binding is not None
        link = claim.link
        for room_id in claim.replaces:
            self._write(claim, claim.binding.space_id, CHILD_TYPE, room_id, {})
        if link is not None and (link.removed or link.mirror == claim.binding):
            return False
        standing = link.content if link is not None else None
        content = child_content(claim.binding, self.identity, standing)
        if claim.removed:
            content = removed_child_content(content)
        self._write(claim, claim.binding.space_id, CHILD_TYPE, claim.room_id, content)
        return True

    def _write(
        self,
        claim: Claim,
        room_id: RoomID,
        event_type: str,
        state_key: str,
        content: dict[str, Any],
    ) -> None:
        self.writes.append(
            Write(room_id, event_type, state_key, content, claim.owner, claim.room_id)
        )


def _final_reason(claim: Claim, reason: Reason) -> Reason:
    if claim.status is Status.LOST:
        return Reason.LOST
    if claim.stale:
        return Reason.STALE
    return Reason.ARCHIVED if claim.status is Status.ARCHIVED else reason


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
