"""What each room says it is: the evidence in Matrix, weighed room by room.

A claim is a room with the binding it goes by and how its Space links it. Nothing is settled
here between rooms (that is conflicts.py) and nothing is written (that is plan.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attr

from ..topology.model import Binding, Status, Topology
from ..topology.snapshot import Room, Snapshot
from .choose_space import SpaceChoice
from .findings import ChatCandidate, Findings
from .space_links import SpaceLinks
from .upgrades import RoomUpgrades

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


class RoomClassifier:
    """Weighs every room that the joined list, the Spaces or the cache mention."""

    def __init__(
        self, snapshot: Snapshot, cached: Topology, choice: SpaceChoice, upgrades: RoomUpgrades
    ) -> None:
        self.snapshot = snapshot
        self.cached = cached
        self.choice = choice
        self.upgrades = upgrades
        self.findings = Findings(to_read=set(upgrades.to_read))
        self.links = SpaceLinks(snapshot, choice)

    def classify(self) -> Findings:
        """Weigh each room once; sorted, so that reports come in the same order everywhere."""
        for room_id in sorted(self._mentioned()):
            self._weigh_room(room_id)
        return self.findings

    def _mentioned(self) -> Iterator[RoomID]:
        spaces = self.choice.owners.keys() | {
            space.room_id for space in self.choice.chosen.values()
        }
        mentioned = {
            *self.links.rooms,
            *self.snapshot.joined,
            *self.snapshot.unread,
            *self.cached.chats,
        }
        return (room_id for room_id in mentioned if room_id not in spaces)

    def _weigh_room(self, room_id: RoomID) -> None:
        room = self.snapshot.rooms.get(room_id)
        if room_id not in self.snapshot.joined:
            self._weigh_left(room_id)
        elif room is not None:
            self._weigh_read(room)
        elif room_id in self.snapshot.unread:
            self._weigh_unread(room_id)
        else:
            self._weigh_by_mirror(room_id)

    def _weigh_read(self, room: Room) -> None:
        self.findings.problems.extend(room.problems)
        if room.bound_elsewhere:
            self.findings.elsewhere.add(room.room_id)
            return
        if room.superseded_by is not None:
            self.findings.marked_upgraded.add(room.room_id)
        if room.superseded_by is not None or room.room_id in self.upgrades.replacements:
            self.findings.upgraded.add(room.room_id)
            return
        if (before := room.predecessor) is not None and self._is_unread_chat(before):
            self.findings.to_read.add(before)
        binding = room.binding or self.links.mirror(room.room_id) or self._inherited(room.room_id)
        if binding is not None:
            self._claim(room.room_id, binding.matrix_user_id, binding, room)
            return
        if room.creator != self.snapshot.bot:
            self.findings.foreign.add(room.room_id)
            self._report_links(room.room_id)
        elif not room.is_space:
            self._weigh_unbound(room)

    def _weigh_unbound(self, room: Room) -> None:
        """A room of the bot's that says nothing of being a chat: a link may."""
        linked_by = self.links.linked_by_bot(room.room_id)
        owner = self.choice.owners[linked_by] if linked_by is not None else None
        link = self.links.link(room.room_id, owner)
        if owner is not None and (link is None or not link.removed):
            self._claim(room.room_id, owner, None, room)
            return
        self._report_links(room.room_id)
        if room.room_id in self.cached.chats:
            self.findings.lost_binding.add(room.room_id)

    def _weigh_by_mirror(self, room_id: RoomID) -> None:
        """A joined room nobody read: its mirror will do, unless something calls for a look."""
        mirror = self.links.mirror(room_id)
        cached = self.cached.chats.get(room_id)
        # The room itself still says that it is in the Space, if it was taken out just now; and of
        # one that is in it, and was archived, only the room tells whether its owner is there.
        removed = mirror is not None and self._is_removed(room_id, mirror.matrix_user_id)
        usual = Status.ARCHIVED if removed else Status.LIVE
        doubted = self.links.is_disputed(room_id) or (
            cached is not None
            and (
                cached.status is not usual
                or cached.binding != mirror
                or (removed and cached.stale)
            )
        )
        settled = self.snapshot.looked_at(room_id) or not (doubted or self.snapshot.full)
        if mirror is not None and settled:
            self._claim(room_id, mirror.matrix_user_id, mirror)
        elif room_id in self.snapshot.foreign and self.links.linked_by_bot(room_id) is None:
            self._report_links(room_id)
        elif cached is not None and cached.owner in self.choice.unread_owners and mirror is None:
            self._keep_cached(room_id)
        elif room_id in self.snapshot.gone:
            # Joined, and yet refused: the next list of joined rooms will tell.
            self._weigh_unread(room_id)
        else:
            self.findings.to_read.add(room_id)

    def _weigh_unread(self, room_id: RoomID) -> None:
        mirror, cached = self.links.mirror(room_id), self.cached.chats.get(room_id)
        if mirror is not None and (cached is None or cached.binding == mirror):
            self._claim(room_id, mirror.matrix_user_id, mirror)
            candidate = self.findings.candidates[room_id]
            if cached is not None and cached.status is Status.ARCHIVED:
                # Its owner may have left, which only the room itself tells.
                self._put(attr.evolve(candidate, status=Status.ARCHIVED, stale=True))
        elif cached is not None:
            # Where the two differ, the room was bound anew and its mirror not yet.
            self._keep_cached(room_id)
        else:
            self.findings.unread.add(room_id)

    def _weigh_left(self, room_id: RoomID) -> None:
        """The bot is not in this room: only a mirror of its own tells what it was."""
        mirror = self.links.mirror(room_id)
        cached = self.cached.chats.get(room_id)
        if mirror is not None:
            link = self.links.link(room_id)
            self._put(ChatCandidate(room_id, mirror.matrix_user_id, mirror, Status.LOST, link))
        elif cached is not None and cached.owner in self.choice.unread_owners:
            self._put(
                ChatCandidate(room_id, cached.owner, cached.binding, Status.LOST, stale=True)
            )
        else:
            self._report_links(room_id)

    def _claim(
        self, room_id: RoomID, owner: UserID, binding: Binding | None, room: Room | None = None
    ) -> None:
        self._report_links(room_id, owner)
        link = self.links.link(room_id, owner)
        left = room is not None and room.members.get(owner) in ("leave", "ban")
        ended = room_id in self.upgrades.ended
        removed = self.links.is_removed(room_id, owner, link)
        cached = self.cached.chats.get(room_id)
        if link is None and owner in self.choice.unread_owners and cached is not None:
            # The Space that could not be read has the say, not one that was passed over.
            removed = cached.status is Status.ARCHIVED
        replaced = [
            (space_id, before)
            for before in self.upgrades.before.get(room_id, ())
            for space_id in self.links.standing(before, owner)
        ]
        self._put(
            ChatCandidate(
                room_id,
                owner,
                binding,
                Status.ARCHIVED if left or ended or removed else Status.LIVE,
                link,
                room,
                stale=owner in self.choice.unread_owners
                or room_id in self.snapshot.unread
                or room_id in self.upgrades.unread_owners,
                removed=removed,
                replaces=tuple(sorted(replaced)),
                supersedes=tuple(self._unmarked(room_id)),
            )
        )

    def _is_removed(self, room_id: RoomID, owner: UserID) -> bool:
        return self.links.is_removed(room_id, owner, self.links.link(room_id, owner))

    def _inherited(self, room_id: RoomID) -> Binding | None:
        """The binding of a room that this one took over from."""
        bindings = (
            self.snapshot.rooms[before].binding or self.links.mirror(before)
            for before in self._unmarked(room_id)
        )
        return next((binding for binding in bindings if binding is not None), None)

    def _unmarked(self, room_id: RoomID) -> list[RoomID]:
        """The rooms that this one took over from and that do not say so yet."""
        before = self.upgrades.before.get(room_id, ())
        return [one for one in before if self.snapshot.rooms[one].superseded_by is None]

    def _is_unread_chat(self, room_id: RoomID) -> bool:
        known = room_id in self.links.rooms or room_id in self.cached.chats
        return known and room_id in self.snapshot.joined and not self.snapshot.looked_at(room_id)

    def _keep_cached(self, room_id: RoomID) -> None:
        chat = self.cached.chats[room_id]
        self._put(ChatCandidate(room_id, chat.owner, chat.binding, chat.status, stale=True))

    def _report_links(self, room_id: RoomID, owner: UserID | None = None) -> None:
        self.findings.problems.extend(self.links.foreign(room_id, owner))

    def _put(self, candidate: ChatCandidate) -> None:
        self.findings.candidates[candidate.room_id] = candidate
