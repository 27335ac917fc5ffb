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
from ..topology.snapshot import Snapshot
from .choose_space import SpaceChoice
from .findings import ChatCandidate

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


class WritePlanner:
    """Turns settled claims into chats, and into the writes that make them stand."""

    def __init__(self, choice: SpaceChoice, identity: Identity, backfilled: set[RoomID]) -> None:
        self.choice = choice
        self.identity = identity
        self.backfilled = backfilled
        self.chats: dict[RoomID, Chat] = {}
        self.writes: list[Write] = []
        self.reasons: dict[RoomID, Reason] = {}
        self.to_read: set[RoomID] = set()

    def plan_markers(self, snapshot: Snapshot) -> None:
        """The markers: a Space that was passed over says so and is kept, one that took over from
        another is marked as the owner's."""
        for space_id, owner in sorted(self.choice.owners.items()):
            if not self.choice.is_settled(owner):
                continue
            chosen = self.choice.chosen[owner].room_id
            wanted = Marker(owner, None if space_id == chosen else chosen)
            self.reasons[space_id] = Reason.OK if space_id == chosen else Reason.SUPERSEDED
            if snapshot.rooms[space_id].marker != wanted:
                content = wanted.content(self.identity.instance)
                self.writes.append(Write(space_id, MARKER_TYPE, "", content, owner))

    def plan_chat(self, candidate: ChatCandidate) -> None:
        binding, reason = candidate.binding, Reason.OK
        assert binding is not None
        settled = self.choice.is_settled(candidate.owner) and not candidate.stale
        if settled and candidate.status is not Status.LOST:
            space_id = self.choice.chosen[candidate.owner].room_id
            if binding.space_id != space_id:
                # The Space it names is gone or was passed over: the chat comes along. What else
                # in it names that Space is known once it was read.
                binding, reason = binding._replace(space_id=space_id), Reason.ADOPTED
                if candidate.room is None:
                    self.to_read.add(candidate.room_id)
            if candidate.room_id in self.backfilled:
                reason = Reason.BACKFILLED
            if binding is not candidate.binding:
                candidate = attr.evolve(candidate, binding=binding)
            if self._write_room(candidate) | self._write_link(candidate) and reason is Reason.OK:
                reason = Reason.RELINKED
            self._write_successor(candidate)
        elif self._is_homeless(candidate):
            # Its owner has no Space at the moment; what it goes by must stand all the same.
            if self._write_binding(candidate):
                bound_anew = candidate.room_id in self.backfilled
                reason = Reason.BACKFILLED if bound_anew else Reason.RELINKED
            self._write_successor(candidate)
        self.chats[candidate.room_id] = Chat(
            candidate.room_id, binding, candidate.status, candidate.stale
        )
        self.reasons[candidate.room_id] = _final_reason(candidate, reason)

    def _write_room(self, candidate: ChatCandidate) -> bool:
        """The room's own binding and parent, where they are known to differ; a chat that was taken
        out of the Space has none, for some clients go by that alone."""
        assert candidate.binding is not None
        wrote = self._write_binding(candidate)
        space_id = candidate.binding.space_id
        if (
            candidate.room is not None
            and (space_id in candidate.room.parents) == candidate.removed
        ):
            content = (
                {} if candidate.removed else parent_content(self.identity.bot, candidate.owner)
            )
            self._write(candidate, candidate.room_id, (PARENT_TYPE, space_id), content)
            wrote = True
        allowed_rooms = candidate.room.allowed_rooms if candidate.room is not None else None
        if allowed_rooms is not None and space_id not in allowed_rooms:
            content = join_rules_content(space_id)
            self._write(candidate, candidate.room_id, ("m.room.join_rules", ""), content)
            wrote = True
        return wrote

    def _write_binding(self, candidate: ChatCandidate) -> bool:
        assert candidate.binding is not None
        known = (
            candidate.room.binding if candidate.room else candidate.link and candidate.link.mirror
        )
        if known == candidate.binding:
            return False
        content = candidate.binding.content(self.identity.instance)
        self._write(candidate, candidate.room_id, (BINDING_TYPE, ""), content)
        return True

    def _write_successor(self, candidate: ChatCandidate) -> None:
        """Last, when the binding stands here: it no longer stands where it was, nor in a mirror of
        that. A room that says so is linked as a chat nowhere."""
        for space_id, room_id in candidate.replaces:
            self._write(candidate, space_id, (CHILD_TYPE, room_id), {})
        content = moved_content(candidate.room_id, self.identity)
        for room_id in candidate.supersedes:
            self._write(candidate, room_id, (BINDING_TYPE, ""), content)

    def _is_homeless(self, candidate: ChatCandidate) -> bool:
        """Whether a chat that was read has an owner who has no Space, as far as all is known."""
        known = (
            candidate.owner not in self.choice.unread_owners
            and candidate.owner not in self.choice.chosen
        )
        return known and candidate.room is not None and not candidate.stale

    def _write_link(self, candidate: ChatCandidate) -> bool:
        """The link with its mirror; a chat that was taken out of the Space is left out."""
        assert candidate.binding is not None
        link = candidate.link
        if link is not None and (link.removed or link.mirror == candidate.binding):
            return False
        standing = link.content if link is not None else None
        content = child_content(candidate.binding, self.identity, standing)
        if candidate.removed:
            content = removed_child_content(content)
        self._write(
            candidate, candidate.binding.space_id, (CHILD_TYPE, candidate.room_id), content
        )
        return True

    def _write(
        self,
        candidate: ChatCandidate,
        room_id: RoomID,
        kind: tuple[str, str],
        content: dict[str, Any],
    ) -> None:
        """Plan one state event; `kind` is its type and its state key."""
        self.writes.append(Write(room_id, *kind, content, candidate.owner, candidate.room_id))


def _final_reason(candidate: ChatCandidate, reason: Reason) -> Reason:
    if candidate.status is Status.LOST:
        return Reason.LOST
    if candidate.stale:
        return Reason.STALE
    return Reason.ARCHIVED if candidate.status is Status.ARCHIVED else reason
