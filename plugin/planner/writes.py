"""What is to be written: the state events that are missing or differ, chat by chat.

Only what is known to differ is written, and nothing for an owner of whom something could not be
read. Which binding is whose was decided before, in conflicts.py; no event is sent here.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any, NamedTuple

import attr

from ..topology.contents import (
    child_content,
    join_rules_content,
    moved_content,
    parent_content,
    removed_child_content,
)
from ..topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Chat,
    Identity,
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
    """One state event to send.

    Attributes:
        room_id: the room to send it to.
        event_type: the event's type.
        state_key: its state key.
        content: its whole content.
        owner: whose Space or chat it concerns.
        chat: the chat that must not be routed until the event stands; None for a Space's own.
    """

    room_id: RoomID
    event_type: str
    state_key: str
    content: Mapping[str, Any]
    owner: UserID
    chat: RoomID | None = None


class PlannedChat(NamedTuple):
    """One chat as it is to be, why, and what to write for that; with `to_read`, its room must be
    read first. A named tuple, for there may be a million."""

    chat: Chat
    reason: Reason
    writes: tuple[Write, ...] = ()
    to_read: bool = False


class WritePlanner:
    """Says what is to be written for each Space and each chat.

    Args:
        choice: whose each Space is.
        identity: the bot and the instance.
        backfilled: chats whose binding was made by this plan.
    """

    def __init__(self, choice: SpaceChoice, identity: Identity, backfilled: Set[RoomID]) -> None:
        self.choice = choice
        self.identity = identity
        self.backfilled = backfilled
        self.superseded = frozenset(choice.superseded)

    def plan_markers(self, snapshot: Snapshot) -> list[Write]:
        """The markers that differ: a superseded Space says so and is kept, one that replaces
        another is marked as the owner's. Sorted by Space; never raises."""
        instance = self.identity.instance
        return [
            Write(space_id, MARKER_TYPE, "", marker.content(instance), marker.matrix_user_id)
            for space_id, marker in sorted(self.choice.markers.items())
            if snapshot.rooms[space_id].marker != marker or snapshot.rooms[space_id].anonymous
        ]

    def plan_chat(self, candidate: ChatCandidate) -> PlannedChat:
        """The chat that a candidate becomes.

        Args:
            candidate: the candidate; it has a binding.

        Returns:
            The chat, and the writes that it takes, in the order in which to send them. There are
            none for a lost chat, nor where a read failed. Never raises.
        """
        if not self._may_write(candidate):
            return PlannedChat(candidate.chat, self._reason(candidate, False, False))
        chosen, adopted = self.choice.chosen.get(candidate.owner), False
        if chosen is None:
            # Its owner has no Space now; its binding must stand all the same.
            repairs = self._binding_writes(candidate)
        else:
            binding = candidate.chat.binding
            if adopted := binding.space_id != chosen.room_id:
                # The Space that the binding names is gone or superseded.
                binding = binding._replace(space_id=chosen.room_id)
                candidate = attr.evolve(candidate, binding=binding)
            # The room first: what its Space mirrors must stand in the room already.
            repairs = self._room_writes(candidate) + self._link_writes(candidate)
        reason = self._reason(candidate, adopted, bool(repairs))
        writes = repairs + self._predecessor_writes(candidate)
        # Which other state of the room names the old Space is known once it was read.
        return PlannedChat(candidate.chat, reason, writes, adopted and candidate.room is None)

    def _may_write(self, candidate: ChatCandidate) -> bool:
        owner = candidate.owner
        unread = candidate.stale or owner in self.choice.unread_owners
        if unread or candidate.status is Status.LOST:
            return False
        return owner in self.choice.chosen or candidate.room is not None

    def _reason(self, candidate: ChatCandidate, adopted: bool, repaired: bool) -> Reason:
        """What the report names first, where several things are true of a chat."""
        if candidate.status is Status.LOST:
            return Reason.LOST
        if candidate.stale:
            return Reason.STALE
        if candidate.status is Status.ARCHIVED:
            return Reason.ARCHIVED
        if candidate.room_id in self.backfilled:
            return Reason.BACKFILLED
        if adopted:
            return Reason.ADOPTED
        return Reason.RELINKED if repaired else Reason.OK

    def _room_writes(self, candidate: ChatCandidate) -> tuple[Write, ...]:
        """The room's own binding, parent and join rules, where they are known to differ."""
        writes, room = self._binding_writes(candidate), candidate.room
        if room is None:
            return writes
        space_id = candidate.chat.binding.space_id
        # Some clients go by the parents alone: a chat taken out of the Space has none, and one
        # that moved does not keep the Space before.
        ours = (space_id, room.binding and room.binding.space_id)
        standing = {one for one in room.parents if one in ours or one in self.superseded}
        for parent in sorted(standing ^ (set() if candidate.removed else {space_id})):
            wanted = parent == space_id and not candidate.removed
            content = parent_content(self.identity.bot, candidate.owner) if wanted else {}
            writes += (_write(candidate, room.room_id, (PARENT_TYPE, parent), content),)
        if room.allowed_rooms is not None and space_id not in room.allowed_rooms:
            content = join_rules_content(space_id)
            writes += (_write(candidate, room.room_id, ("m.room.join_rules", ""), content),)
        return writes

    def _binding_writes(self, candidate: ChatCandidate) -> tuple[Write, ...]:
        binding, room, link = candidate.binding, candidate.room, candidate.link
        assert binding is not None
        if binding == (room.binding if room is not None else link and link.mirror):
            return ()
        content = binding.content(self.identity.instance)
        return (_write(candidate, candidate.room_id, (BINDING_TYPE, ""), content),)

    def _link_writes(self, candidate: ChatCandidate) -> tuple[Write, ...]:
        """The link with its mirror; one without `via` for a chat that was taken out."""
        binding, link = candidate.binding, candidate.link
        assert binding is not None
        if link is not None and (link.removed or link.mirror == binding):
            return ()
        content = child_content(binding, self.identity, link.content if link is not None else None)
        if candidate.removed:
            content = removed_child_content(content)
        return (_write(candidate, binding.space_id, (CHILD_TYPE, candidate.room_id), content),)

    def _predecessor_writes(self, candidate: ChatCandidate) -> tuple[Write, ...]:
        """The rooms that this one replaces are unlinked, then marked as upgraded: last, when the
        binding stands in this room; the links first, for a marked room is linked nowhere."""
        if not (candidate.old_links or candidate.unmarked):
            return ()
        moved = moved_content(candidate.room_id, self.identity)
        return (
            *(_write(candidate, at, (CHILD_TYPE, old), {}) for at, old in candidate.old_links),
            *(_write(candidate, old, (BINDING_TYPE, ""), moved) for old in candidate.unmarked),
        )


def _write(
    candidate: ChatCandidate, room_id: RoomID, kind: tuple[str, str], content: dict[str, Any]
) -> Write:
    """One state event for a candidate; `kind` is its type and its state key."""
    return Write(room_id, *kind, content, candidate.owner, candidate.room_id)
