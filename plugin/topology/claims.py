"""What each room says it is: the evidence in Matrix, weighed room by room.

A claim is a room with the binding it goes by and how its Space links it. Nothing is settled
here between rooms (that is conflicts.py) and nothing is written (that is plan.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attr

from .election import Election
from .evidence import Claim, Evidence
from .model import Binding, Link, Problem, Reason, Room, Status, Topology, World
from .succession import Succession

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


class Weighing:
    """Weighs every room that the joined list, the Spaces or the cache mention."""

    def __init__(
        self, world: World, cached: Topology, election: Election, succession: Succession
    ) -> None:
        self.world = world
        self.cached = cached
        self.election = election
        self.succession = succession
        self.before: dict[RoomID, list[RoomID]] = defaultdict(list)
        for room_id, heir in sorted(succession.heirs.items()):
            self.before[heir].append(room_id)
        self.evidence = Evidence(look=set(succession.look))
        self.links: dict[RoomID, list[tuple[RoomID, Link]]] = defaultdict(list)
        for space_id in election.owners:
            for link in world.rooms[space_id].links:
                self.links[link.room_id].append((space_id, link))

    def weigh(self) -> Evidence:
        """Weigh each room once; sorted, so that reports come in the same order everywhere."""
        for room_id in sorted(self._mentioned()):
            self._weigh_room(room_id)
        return self.evidence

    def _mentioned(self) -> Iterator[RoomID]:
        spaces = self.election.owners.keys() | {
            space.room_id for space in self.election.chosen.values()
        }
        mentioned = {*self.links, *self.world.joined, *self.world.unread, *self.cached.chats}
        return (room_id for room_id in mentioned if room_id not in spaces)

    def _weigh_room(self, room_id: RoomID) -> None:
        room = self.world.rooms.get(room_id)
        if room_id not in self.world.joined:
            self._weigh_left(room_id)
        elif room is not None:
            self._weigh_read(room)
        elif room_id in self.world.unread:
            self._weigh_unread(room_id)
        else:
            self._weigh_by_mirror(room_id)

    def _weigh_read(self, room: Room) -> None:
        self.evidence.problems.extend(room.problems)
        if room.bound_elsewhere:
            self.evidence.elsewhere.add(room.room_id)
            return
        if room.room_id in self.succession.heirs:
            self.evidence.retired.add(room.room_id)
            return
        if (before := room.predecessor) is not None and self._is_unread_chat(before):
            self.evidence.look.add(before)
        binding = room.binding or self._mirror(room.room_id) or self._inherited(room.room_id)
        if binding is not None:
            self._claim(room.room_id, binding, room)
            return
        if room.creator != self.world.bot:
            self.evidence.strangers.add(room.room_id)
            self._report_foreign_links(room.room_id)
            return
        if room.is_space:
            return
        linked_by = self._linked_by_bot(room.room_id)
        owner = self.election.owners[linked_by] if linked_by is not None else None
        link = self._link(room.room_id, owner)
        if owner is not None and (link is None or not link.removed):
            left = room.members.get(owner) in ("leave", "ban")
            status = Status.ARCHIVED if left else Status.LIVE
            self._put(Claim(room.room_id, owner, None, status, link, room))
        else:
            self._report_foreign_links(room.room_id)

    def _weigh_by_mirror(self, room_id: RoomID) -> None:
        """A joined room nobody read: its mirror will do, unless something calls for a look."""
        mirror = self._mirror(room_id)
        cached = self.cached.chats.get(room_id)
        doubted = self._is_disputed(room_id) or (
            cached is not None and (cached.status is not Status.LIVE or cached.binding != mirror)
        )
        settled = self.world.looked_at(room_id) or not (doubted or self.world.thorough)
        if mirror is not None and settled:
            self._claim(room_id, mirror, None)
        elif room_id in self.world.foreign and self._linked_by_bot(room_id) is None:
            self._report_foreign_links(room_id)
        elif cached is not None and cached.owner in self.election.unsure and mirror is None:
            self._keep_cached(room_id)
        elif room_id in self.world.gone:
            # Joined, and yet refused: the next list of joined rooms will tell.
            self._weigh_unread(room_id)
        else:
            self.evidence.look.add(room_id)

    def _weigh_unread(self, room_id: RoomID) -> None:
        mirror, cached = self._mirror(room_id), self.cached.chats.get(room_id)
        if mirror is not None and (cached is None or cached.binding == mirror):
            self._claim(room_id, mirror, None)
            claim = self.evidence.claims[room_id]
            if cached is not None and cached.status is Status.ARCHIVED:
                # Its owner may have left, which only the room itself tells.
                self._put(attr.evolve(claim, status=Status.ARCHIVED, stale=True))
        elif cached is not None:
            # Where the two differ, the room was bound anew and its mirror not yet.
            self._keep_cached(room_id)
        else:
            self.evidence.unread.add(room_id)

    def _weigh_left(self, room_id: RoomID) -> None:
        """The bot is not in this room: only a mirror of its own tells what it was."""
        mirror = self._mirror(room_id)
        cached = self.cached.chats.get(room_id)
        if mirror is not None:
            self._put(
                Claim(room_id, mirror.matrix_user_id, mirror, Status.LOST, self._link(room_id))
            )
        elif cached is not None and cached.owner in self.election.unsure:
            self._put(Claim(room_id, cached.owner, cached.binding, Status.LOST, stale=True))
        else:
            self._report_foreign_links(room_id)

    def _claim(self, room_id: RoomID, binding: Binding, room: Room | None) -> None:
        owner = binding.matrix_user_id
        self._report_foreign_links(room_id, owner)
        link = self._link(room_id, owner)
        left = room is not None and room.members.get(owner) in ("leave", "ban")
        ended = room_id in self.succession.ended
        removed = self._is_removed(room_id, owner, link)
        cached = self.cached.chats.get(room_id)
        if link is None and owner in self.election.unsure and cached is not None:
            # The Space that could not be read may say that it was taken out.
            removed = removed or cached.status is Status.ARCHIVED
        replaced = [
            before
            for before in self.before[room_id]
            if (standing := self._link(before, owner)) is not None and not standing.removed
        ]
        self._put(
            Claim(
                room_id,
                owner,
                binding,
                Status.ARCHIVED if left or ended or removed else Status.LIVE,
                link,
                room,
                stale=owner in self.election.unsure
                or room_id in self.world.unread
                or room_id in self.succession.unsure,
                removed=removed,
                replaces=tuple(replaced),
            )
        )

    def _inherited(self, room_id: RoomID) -> Binding | None:
        """The binding of a room that this one took over from."""
        bindings = (
            self.world.rooms[before].binding or self._mirror(before)
            for before in self.before[room_id]
        )
        return next((binding for binding in bindings if binding is not None), None)

    def _is_unread_chat(self, room_id: RoomID) -> bool:
        known = room_id in self.links or room_id in self.cached.chats
        return known and room_id in self.world.joined and not self.world.looked_at(room_id)

    def _keep_cached(self, room_id: RoomID) -> None:
        chat = self.cached.chats[room_id]
        self._put(Claim(room_id, chat.owner, chat.binding, chat.status, stale=True))

    def _put(self, claim: Claim) -> None:
        self.evidence.claims[claim.room_id] = claim

    def _mirror(self, room_id: RoomID) -> Binding | None:
        """The binding the bot left in one of its Spaces for this room, the chosen Space first."""
        found = [
            (not self._is_chosen(space_id), space_id, link.mirror)
            for space_id, link in self.links[room_id]
            if link.mirror is not None
            and link.mirror.matrix_user_id == self.election.owners[space_id]
        ]
        return min(found, key=lambda one: one[:2])[2] if found else None

    def _is_disputed(self, room_id: RoomID) -> bool:
        """Whether Spaces mirror different conversations for one room: it has to say which."""
        if len(self.links[room_id]) < 2:
            return False
        mirrors = (link.mirror for _, link in self.links[room_id] if link.mirror is not None)
        return len({(one.matrix_user_id, one.platform_chat_id) for one in mirrors}) > 1

    def _link(self, room_id: RoomID, owner: UserID | None = None) -> Link | None:
        """How the owner's chosen Space links the room, if it does."""
        for space_id, link in self.links[room_id]:
            if self._is_chosen(space_id) and owner in (None, self.election.owners[space_id]):
                return link
        return None

    def _is_chosen(self, space_id: RoomID) -> bool:
        chosen = self.election.chosen.get(self.election.owners[space_id])
        return chosen is not None and chosen.room_id == space_id

    def _is_removed(self, room_id: RoomID, owner: UserID, link: Link | None) -> bool:
        """Whether the chosen Space links the room no more; where it never did, whether the
        owner's other Spaces do not either although they did."""
        if link is not None:
            return link.removed
        others = [
            other
            for space_id, other in self.links[room_id]
            if self.election.owners[space_id] == owner
        ]
        return bool(others) and all(other.removed for other in others)

    def _linked_by_bot(self, room_id: RoomID) -> RoomID | None:
        spaces = [
            space_id
            for space_id, link in self.links[room_id]
            if link.sender == self.world.bot and not link.removed
        ]
        return min(spaces, default=None)

    def _report_foreign_links(self, room_id: RoomID, owner: UserID | None = None) -> None:
        for space_id, link in self.links[room_id]:
            if not link.removed and self.election.owners[space_id] != owner:
                what = f"a link to {room_id}, which carries no binding of this Space's owner"
                self.evidence.problems.append(Problem(space_id, what, Reason.FOREIGN))
