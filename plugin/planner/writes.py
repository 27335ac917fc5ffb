"""Settled claims become chats, and the state events that make them stand in Matrix.

Only what is known to differ is written, and nothing for an owner of whom something could not be
read. Who is right where rooms disagree was settled before; nothing is weighed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attr

from ..topology.contents import (
    child_content,
    join_rules_content,
    moved_content,
    parent_content,
    removed_child_content,
)
from ..topology.marks import Identity
from ..topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Chat,
    Marker,
    Reason,
    Status,
)
from ..topology.snapshot import World
from .choose_space import Election
from .findings import Claim

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


@attr.frozen
class Write:
    """One state event to send; `chat` is the chat that must not be routed until it stands."""

    room_id: RoomID
    event_type: str
    state_key: str
    content: Mapping[str, Any]
    owner: UserID
    chat: RoomID | None = None


class Drafting:
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
                binding, reason = binding._replace(space_id=space_id), Reason.ADOPTED
                if claim.room is None:
                    self.look.add(claim.room_id)
            if claim.room_id in self.backfilled:
                reason = Reason.BACKFILLED
            if binding is not claim.binding:
                claim = attr.evolve(claim, binding=binding)
            if self._write_room(claim) | self._write_link(claim) and reason is Reason.OK:
                reason = Reason.RELINKED
            self._write_successor(claim)
        elif self._is_homeless(claim):
            # Its owner has no Space at the moment; what it goes by must stand all the same.
            if self._write_binding(claim):
                bound_anew = claim.room_id in self.backfilled
                reason = Reason.BACKFILLED if bound_anew else Reason.RELINKED
            self._write_successor(claim)
        self.chats[claim.room_id] = Chat(claim.room_id, binding, claim.status, claim.stale)
        self.reasons[claim.room_id] = _final_reason(claim, reason)

    def _write_room(self, claim: Claim) -> bool:
        """The room's own binding and parent, where they are known to differ; a chat that was taken
        out of the Space has none, for some clients go by that alone."""
        assert claim.binding is not None
        wrote = self._write_binding(claim)
        space_id = claim.binding.space_id
        if claim.room is not None and (space_id in claim.room.parents) == claim.removed:
            content = {} if claim.removed else parent_content(self.identity.bot, claim.owner)
            self._write(claim, claim.room_id, (PARENT_TYPE, space_id), content)
            wrote = True
        admits = claim.room.admits if claim.room is not None else None
        if admits is not None and space_id not in admits:
            content = join_rules_content(space_id)
            self._write(claim, claim.room_id, ("m.room.join_rules", ""), content)
            wrote = True
        return wrote

    def _write_binding(self, claim: Claim) -> bool:
        assert claim.binding is not None
        known = claim.room.binding if claim.room else claim.link and claim.link.mirror
        if known == claim.binding:
            return False
        content = claim.binding.content(self.identity.instance)
        self._write(claim, claim.room_id, (BINDING_TYPE, ""), content)
        return True

    def _write_successor(self, claim: Claim) -> None:
        """Last, when the binding stands here: it no longer stands where it was, nor in a mirror of
        that. A room that says so is linked as a chat nowhere."""
        for space_id, room_id in claim.replaces:
            self._write(claim, space_id, (CHILD_TYPE, room_id), {})
        content = moved_content(claim.room_id, self.identity)
        for room_id in claim.supersedes:
            self._write(claim, room_id, (BINDING_TYPE, ""), content)

    def _is_homeless(self, claim: Claim) -> bool:
        """Whether a chat that was read has an owner who has no Space, as far as all is known."""
        known = claim.owner not in self.election.unsure and claim.owner not in self.election.chosen
        return known and claim.room is not None and not claim.stale

    def _write_link(self, claim: Claim) -> bool:
        """The link with its mirror; a chat that was taken out of the Space is left out."""
        assert claim.binding is not None
        link = claim.link
        if link is not None and (link.removed or link.mirror == claim.binding):
            return False
        standing = link.content if link is not None else None
        content = child_content(claim.binding, self.identity, standing)
        if claim.removed:
            content = removed_child_content(content)
        self._write(claim, claim.binding.space_id, (CHILD_TYPE, claim.room_id), content)
        return True

    def _write(
        self, claim: Claim, room_id: RoomID, kind: tuple[str, str], content: dict[str, Any]
    ) -> None:
        """Plan one state event; `kind` is its type and its state key."""
        self.writes.append(Write(room_id, *kind, content, claim.owner, claim.room_id))


def _final_reason(claim: Claim, reason: Reason) -> Reason:
    if claim.status is Status.LOST:
        return Reason.LOST
    if claim.stale:
        return Reason.STALE
    return Reason.ARCHIVED if claim.status is Status.ARCHIVED else reason
