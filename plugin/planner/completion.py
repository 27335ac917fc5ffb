"""Completes bindings that lack a part: what the room says, then its mirrors, then the cache, and
what none of them says is computed.

A part that something still says is never replaced because another one lacks; least of all the
conversation, which would be lost with its id. Numbers are given in numbering.py, after this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attr

from ..topology.contents import backfilled_id
from ..topology.model import Binding, Chat, PartialBinding, Status, Topology
from ..topology.snapshot import Room, Snapshot
from .choose_space import SpaceChoice
from .findings import ChatCandidate, Findings
from .space_links import SpaceLinks
from .upgrades import RoomUpgrades

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID

# What a room, or a Space of somebody's, says of a binding, and whose it is by that: None where a
# room does not say.
Words = tuple["UserID | None", Binding | PartialBinding]


@attr.frozen
class Gathered:
    """What is said of a room's binding.

    Attributes:
        owner: whose chat the room is.
        parts: what is said of its binding, the owner included.
        recalled: the number or the conversation is said by the cache alone.
        doubtful: a Space that could not be read may say something else.
        guessed: whose it is, links alone say, and the Space that it names may say another.
    """

    owner: UserID
    parts: PartialBinding
    recalled: bool
    doubtful: bool
    guessed: bool = False

    def complete(self, candidate: ChatCandidate) -> ChatCandidate:
        """The candidate with what is said of its binding."""
        whole = None not in self.parts and not self.guessed
        return attr.evolve(
            candidate,
            binding=Binding(*self.parts) if whole else None,  # type: ignore[arg-type]
            partial=None if whole else self.parts,
            recalled=self.recalled,
            stale=candidate.stale or self.doubtful,
        )


class PartGatherer:
    """Gathers what is said of the binding of a room whose own is not whole."""

    def __init__(
        self, snapshot: Snapshot, cached: Topology, links: SpaceLinks, upgrades: RoomUpgrades
    ) -> None:
        self.snapshot = snapshot
        self.cached = cached
        self.links = links
        self.choice = links.choice
        self.upgrades = upgrades

    def gather(self, room: Room) -> Gathered | None:
        """What is said of a room that was read; None if it is no chat. Never raises."""
        own = room.partial if room.partial is not None and any(room.partial) else None
        predecessors = self.upgrades.unmarked.get(room.room_id, ())
        said: list[Words] = [(own.matrix_user_id, own)] if own is not None else []
        said += self.links.mirrored(room.room_id)
        for before in predecessors:
            words = self.snapshot.rooms[before].binding or self.snapshot.rooms[before].partial
            said += [(words.matrix_user_id, words)] if words is not None else []
            said += self.links.mirrored(before)
        known = self._known(room.room_id, *predecessors)
        owner = self._owner_in(said)
        unread = own is not None and own.space_id in self.snapshot.unread
        if owner is not None:
            return self._merge(owner, said, known, unread)
        if (owner := self._owner_by_links(room, known)) is None:
            return None
        # What is not read yet may say it, the Space above all that the room names.
        doubtful = unread or bool(self.choice.unread_owners)
        return attr.evolve(self._merge(owner, said, known, doubtful), guessed=unread)

    def gather_left(self, room_id: RoomID) -> Gathered | None:
        """What is said of a room that the bot is not in; None if no Space mirrors it."""
        said: list[Words] = [*self.links.mirrored(room_id)]
        owner = said[0][0] if said else None
        known = self._known(room_id)
        return self._merge(owner, said, known, False) if owner is not None else None

    def _merge(
        self, owner: UserID, said: Sequence[Words], known: Chat | None, doubtful: bool
    ) -> Gathered:
        parts = PartialBinding(matrix_user_id=owner)
        for whose, words in said:
            if whose in (None, owner):
                parts = _fill(parts, words)
        before = parts
        if known is not None and known.owner == owner:
            parts = _fill(parts, known.binding)
        recalled = (before.chat_id, before.platform_chat_id) != (
            parts.chat_id,
            parts.platform_chat_id,
        )
        return Gathered(owner, parts, recalled, doubtful)

    def _owner_in(self, said: Sequence[Words]) -> UserID | None:
        """Whose chat it is: whom a binding or a mirror names, or, if none names anybody, the owner
        of a Space that one names or stands in."""
        named = (words.matrix_user_id for _, words in said)
        computed = (
            whose or (words.space_id and self.choice.owners.get(words.space_id))
            for whose, words in said
        )
        return next((owner for owner in (*named, *computed) if owner), None)

    def _known(self, *room_ids: RoomID) -> Chat | None:
        """What the cache knows the room as, or one that it replaces."""
        known = (self.cached.chats.get(room_id) for room_id in room_ids)
        return next(filter(None, known), None) if self.cached.reliable else None

    def _owner_by_links(self, room: Room, known: Chat | None) -> UserID | None:
        """Whose a room is that says nothing of it: the bot made it, and linked it or knows it."""
        if room.creator != self.snapshot.bot or room.is_space:
            return None
        linked_by, bound = self.links.linked_by_bot(room.room_id), room.partial is not None
        if linked_by is not None:
            owner = self.choice.owners[linked_by]
            link = self.links.link(room.room_id, owner)
            return owner if bound or link is None or not link.removed else None
        if known is not None:
            link = self.links.link(room.room_id, known.owner)
            return known.owner if bound or (link is not None and not link.removed) else None
        links = self.links.by_room.get(room.room_id, ()) if bound else ()
        # A link that its owner sent proves nothing, unless the room points back.
        named = sorted(link.space_id for link in links if link.space_id in room.parents)
        return self.choice.owners[named[0]] if named else None


def compute_missing(
    findings: Findings, choice: SpaceChoice, cached: Topology, default_platform: str
) -> Findings:
    """Compute the parts that nothing says, but the numbers.

    Args:
        findings: what each room is by itself.
        choice: whose each Space is.
        cached: what was known before; a chat that waits for a read goes on by that.
        default_platform: the platform of chats that name none.

    Returns:
        The findings. Of an owner who has no Space, a chat that names none has no binding. While
        anything of an owner's is unread nothing is computed for them.
    """
    computed, waiting, unusable = [], [], set()
    for candidate in findings.candidates.values():
        if candidate.binding is not None:
            continue
        binding = _compute(candidate, choice, default_platform)
        if candidate.stale:
            waiting.append(candidate)
        elif candidate.status is Status.LOST and not (binding and binding.chat_id):
            unusable.add(candidate.room_id)
        elif binding is not None:
            computed.append(attr.evolve(candidate, binding=binding))
    if not (computed or waiting or unusable):
        return findings
    return findings.rebind(computed).drop(unusable).postpone(waiting, cached)


def _compute(chat: ChatCandidate, choice: SpaceChoice, default_platform: str) -> Binding | None:
    parts, chosen = chat.partial or PartialBinding(), choice.chosen.get(chat.owner)
    pointed_to = sorted(chat.room.parents) if chat.room is not None else []
    space_id = parts.space_id or (chosen and chosen.room_id)
    if space_id is None and not pointed_to:
        return None
    return Binding(
        parts.chat_id or "",
        space_id or pointed_to[0],
        chat.owner,
        parts.platform or default_platform,
        parts.platform_chat_id or backfilled_id(chat.room_id),
    )


def _fill(parts: PartialBinding, words: Binding | PartialBinding) -> PartialBinding:
    filled = (old if old is not None else new for old, new in zip(parts, words, strict=True))
    return PartialBinding(*filled)  # type: ignore[arg-type]
