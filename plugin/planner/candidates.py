"""What each room is: a chat candidate, or something else, by its own state and the Spaces' links.

Each room is classified by itself. What two rooms dispute is resolved in conflicts.py and
numbering.py; nothing is written here, that is writes.py's part.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attr

from ..topology.model import Binding, Problem, Status, Topology
from ..topology.snapshot import Room, Snapshot
from .choose_space import SpaceChoice
from .completion import PartGatherer
from .findings import ChatCandidate, Findings, RoomKind, cached_candidate
from .space_links import SpaceLinks
from .upgrades import RoomUpgrades

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


class RoomClassifier:
    """Classifies every room that the joined list, the Spaces or the cache mention.

    Args:
        snapshot: what was read of Matrix.
        cached: what was known before; it counts only where a read failed.
        choice: whose each Space is.
        upgrades: which room replaces which.
    """

    def __init__(
        self, snapshot: Snapshot, cached: Topology, choice: SpaceChoice, upgrades: RoomUpgrades
    ) -> None:
        self.snapshot = snapshot
        self.cached = cached
        self.choice = choice
        self.upgrades = upgrades
        self.links = SpaceLinks(snapshot, choice)
        self.gatherer = PartGatherer(snapshot, cached, self.links, upgrades)
        self.to_read = set(upgrades.to_read | choice.to_read)
        self.problems: list[Problem] = []

    def classify(self) -> Findings:
        """Classify each room once; never raises."""
        candidates: dict[RoomID, ChatCandidate] = {}
        rooms: dict[RoomKind, set[RoomID]] = defaultdict(set)
        # Sorted, so that problems are reported in the same order on every machine.
        for room_id in sorted(self._mentioned()):
            found = self._classify_room(room_id)
            if isinstance(found, ChatCandidate):
                candidates[room_id] = found
            else:
                rooms[found].add(room_id)
        return Findings(
            candidates,
            to_read=self.to_read | rooms[RoomKind.TO_READ],
            unread=rooms[RoomKind.UNREAD],
            foreign=rooms[RoomKind.FOREIGN],
            upgraded=rooms[RoomKind.UPGRADED],
            marked_upgraded=rooms[RoomKind.MARKED_UPGRADED],
            elsewhere=rooms[RoomKind.ELSEWHERE],
            lost_binding=rooms[RoomKind.LOST_BINDING],
            problems=tuple(self.problems),
        )

    def _mentioned(self) -> set[RoomID]:
        spaces = {space.room_id for space in self.choice.chosen.values()}
        mentioned = {*self.links.by_room, *self.snapshot.joined, *self.snapshot.unread}
        return (mentioned | self.cached.chats.keys()) - self.choice.owners.keys() - spaces

    def _classify_room(self, room_id: RoomID) -> ChatCandidate | RoomKind:
        room = self.snapshot.rooms.get(room_id)
        if room_id not in self.snapshot.joined:
            return self._classify_left(room_id)
        if room is not None:
            return self._classify_read(room)
        if room_id in self.snapshot.unread:
            return self._classify_unread(room_id)
        return self._classify_by_mirror(room_id)

    def _classify_read(self, room: Room) -> ChatCandidate | RoomKind:
        self.problems.extend(room.problems)
        if (space_id := self.links.space_to_read(room)) is not None:
            self.to_read.add(space_id)
        if self.links.is_elsewhere(room):
            return RoomKind.ELSEWHERE
        if room.superseded_by is not None:
            return RoomKind.MARKED_UPGRADED
        if room.room_id in self.upgrades.replacements:
            return RoomKind.UPGRADED
        if (before := room.predecessor) is not None and self._is_unread_chat(before):
            self.to_read.add(before)
        if room.binding is not None:
            return self._candidate(room.room_id, room.binding.matrix_user_id, room.binding, room)
        return self._classify_incomplete(room)

    def _classify_incomplete(self, room: Room) -> ChatCandidate | RoomKind:
        """A room without a whole binding of its own: a chat, if something else says whose."""
        room_id, ours = room.room_id, room.creator == self.snapshot.bot
        replaces = room_id in self.upgrades.unmarked
        if ours or replaces or room.partial is not None or room_id in self.links.by_room:
            gathered = self.gatherer.gather(room)
            if gathered is not None:
                return gathered.complete(self._candidate(room_id, gathered.owner, None, room))
        self._report_links(room_id)
        if not ours:
            return RoomKind.FOREIGN
        known = room_id in self.cached.chats and not room.is_space
        return RoomKind.LOST_BINDING if known else RoomKind.NO_CHAT

    def _classify_by_mirror(self, room_id: RoomID) -> ChatCandidate | RoomKind:
        """A joined room that was not read: its mirror suffices, unless something contradicts."""
        mirror = self.links.mirror(room_id)
        cached = self.cached.chats.get(room_id)
        if mirror is not None and not self._needs_read(room_id, mirror):
            return self._candidate(room_id, mirror.matrix_user_id, mirror)
        if room_id in self.snapshot.foreign and self.links.linked_by_bot(room_id) is None:
            self._report_links(room_id)
            return RoomKind.NO_CHAT
        if cached is not None and cached.owner in self.choice.unread_owners and mirror is None:
            return cached_candidate(cached)
        if room_id in self.snapshot.refused_read:
            # Joined, and yet refused: the next list of joined rooms tells which of them is true.
            return self._classify_unread(room_id)
        return RoomKind.TO_READ

    def _needs_read(self, room_id: RoomID, mirror: Binding) -> bool:
        if self.snapshot.was_requested(room_id):
            return False
        if self.snapshot.full or self.links.mirrors_differ(room_id):
            return True
        cached = self.cached.chats.get(room_id)
        return cached is not None and not self.links.confirm(cached, mirror)

    def _classify_unread(self, room_id: RoomID) -> ChatCandidate | RoomKind:
        mirror, cached = self.links.mirror(room_id), self.cached.chats.get(room_id)
        if mirror is not None and (cached is None or cached.binding == mirror):
            candidate = self._candidate(room_id, mirror.matrix_user_id, mirror)
            if cached is not None and cached.status is Status.ARCHIVED:
                # Its owner may have left, which the room alone tells.
                return attr.evolve(candidate, status=Status.ARCHIVED, stale=True)
            return candidate
        # Where cache and mirror differ, the room was bound anew and its mirror not yet written.
        return cached_candidate(cached) if cached is not None else RoomKind.UNREAD

    def _classify_left(self, room_id: RoomID) -> ChatCandidate | RoomKind:
        """A room that the bot is not in: only a mirror in its Space tells what it was."""
        mirror = self.links.mirror(room_id)
        cached = self.cached.chats.get(room_id)
        if mirror is not None:
            link = self.links.link(room_id)
            return ChatCandidate(room_id, mirror.matrix_user_id, mirror, Status.LOST, link)
        if room_id in self.links.by_room and (found := self.gatherer.gather_left(room_id)):
            link = self.links.link(room_id)
            return found.complete(ChatCandidate(room_id, found.owner, None, Status.LOST, link))
        if cached is not None and cached.owner in self.choice.unread_owners:
            return cached_candidate(cached._replace(status=Status.LOST))
        self._report_links(room_id)
        return RoomKind.NO_CHAT

    def _candidate(
        self, room_id: RoomID, owner: UserID, binding: Binding | None, room: Room | None = None
    ) -> ChatCandidate:
        self._report_links(room_id, owner)
        link = self.links.link(room_id, owner)
        removed = self.links.is_removed(room_id, owner, link)
        cached = self.cached.chats.get(room_id)
        if link is None and owner in self.choice.unread_owners and cached is not None:
            # What the unread Space said last counts, not what a superseded one says.
            removed = cached.status is Status.ARCHIVED
        left = room is not None and room.members.get(owner) in ("leave", "ban")
        archived = left or removed or room_id in self.upgrades.unreplaced
        return ChatCandidate(
            room_id,
            owner,
            binding,
            Status.ARCHIVED if archived else Status.LIVE,
            link,
            room,
            stale=owner in self.choice.unread_owners
            or room_id in self.snapshot.unread
            or room_id in self.upgrades.undecided,
            removed=removed,
            old_links=self.links.links_to_chats(
                self.upgrades.predecessors.get(room_id, ()), owner
            ),
            unmarked=tuple(self.upgrades.unmarked.get(room_id, ())),
        )

    def _is_unread_chat(self, before: RoomID) -> bool:
        known = before in self.links.by_room or before in self.cached.chats
        return known and before in self.snapshot.joined and not self.snapshot.was_requested(before)

    def _report_links(self, room_id: RoomID, owner: UserID | None = None) -> None:
        self.problems.extend(self.links.foreign_links(room_id, owner))
