"""What was found in the rooms, as values: which of them may be chats, and what is still to read.

candidates.py makes them of what was read; conflicts.py returns others, in which no two chats
have the same binding. Nothing is read or written here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from typing import TYPE_CHECKING

import attr

from ..topology.model import Binding, Chat, PartialBinding, Problem, Status, Topology
from ..topology.snapshot import Link, Room

if TYPE_CHECKING:
    from mautrix.types import RoomID, UserID


class RoomKind(enum.Enum):
    """What a room is that is no chat candidate; `Findings` says more of each."""

    TO_READ = enum.auto()
    UNREAD = enum.auto()
    FOREIGN = enum.auto()
    UPGRADED = enum.auto()
    MARKED_UPGRADED = enum.auto()
    ELSEWHERE = enum.auto()
    LOST_BINDING = enum.auto()
    NO_CHAT = enum.auto()


@attr.frozen
class ChatCandidate:
    """One room that is a chat, or is to become one.

    Attributes:
        room_id: the room.
        owner: whose chat it is.
        binding: its binding; None where a part of it is yet to be computed. Its `chat_id` is empty
            until it is given a number.
        partial: what Matrix and the cache say of a binding that is not whole.
        recalled: its number or its conversation is known from the cache alone.
        status: live, archived or lost.
        link: how the owner's chosen Space links it; None where it does not, or was not read.
        room: the room's own state, where that was read.
        stale: it rests on the cache or on a mirror because a read failed.
        removed: somebody took it out of the Space, or out of the owner's Space before that.
        old_links: links to rooms that it replaces, as the Space and the room.
        unmarked: rooms that it replaces and that do not say so yet.
    """

    room_id: RoomID
    owner: UserID
    binding: Binding | None
    status: Status
    link: Link | None = None
    room: Room | None = None
    stale: bool = False
    removed: bool = False
    old_links: tuple[tuple[RoomID, RoomID], ...] = ()
    unmarked: tuple[RoomID, ...] = ()
    partial: PartialBinding | None = None
    recalled: bool = False

    @property
    def chat(self) -> Chat:
        """The chat that it becomes once conflicts.py gave it a binding."""
        assert self.binding is not None
        return Chat.bound(self.room_id, self.binding, self.status, self.stale)

    @property
    def age(self) -> tuple[int, str]:
        """The sort key that puts the oldest first, on every machine alike; 0 milliseconds where
        the room was not read."""
        return self.room.age if self.room is not None else (0, self.room_id)


def cached_candidate(chat: Chat) -> ChatCandidate:
    """A chat that goes on as it was known, because what it is now could not be read."""
    return ChatCandidate(chat.room_id, chat.owner, chat.binding, chat.status, stale=True)


@attr.frozen
class Findings:
    """Everything that was found, room by room.

    Attributes:
        candidates: the rooms that may be chats.
        to_read: rooms to read before anything is concluded from the rest.
        unread: joined rooms of which it is not known what they are.
        foreign: joined rooms that the bot did not create and that are no chats.
        upgraded: rooms that another one replaces and that do not say so yet.
        marked_upgraded: rooms that say that another one replaces them: they are never chats
            again, whatever becomes of that one.
        elsewhere: rooms that another instance, or a later version of this plugin, has marked.
        lost_binding: rooms that are chats by the cache alone, although they were read.
        postponed_owners: owners of chats that wait until more can be read.
        backfilled: candidates whose binding was made here and is yet to be written.
        problems: what was ignored or changed, and why.
    """

    candidates: Mapping[RoomID, ChatCandidate]
    to_read: Set[RoomID]
    unread: Set[RoomID]
    foreign: Set[RoomID]
    upgraded: Set[RoomID]
    marked_upgraded: Set[RoomID]
    elsewhere: Set[RoomID]
    lost_binding: Set[RoomID]
    problems: tuple[Problem, ...]
    postponed_owners: Set[UserID] = frozenset()
    backfilled: Set[RoomID] = frozenset()

    def is_complete(self) -> bool:
        """Whether every room was read that may dispute another's binding."""
        read = not (self.unread or self.to_read)
        return read and not any(candidate.stale for candidate in self.candidates.values())

    def sharing(
        self, key: Callable[[ChatCandidate], Hashable | None]
    ) -> list[list[ChatCandidate]]:
        """Groups of candidates whose bindings have the same key; a lost chat disputes nothing, and
        neither does one without a key."""
        first: dict[Hashable, ChatCandidate] = {}
        groups: dict[Hashable, list[ChatCandidate]] = {}
        for candidate in self.candidates.values():
            if candidate.binding is None or candidate.status is Status.LOST:
                continue
            if (shared := key(candidate)) is None:
                continue
            holder = first.setdefault(shared, candidate)
            if holder is not candidate:
                groups.setdefault(shared, [holder]).append(candidate)
        return list(groups.values())

    def rebind(self, chats: Iterable[ChatCandidate], problems: Iterable[Problem] = ()) -> Findings:
        """The same findings with bindings that were made here, and why they were."""
        rebound = {chat.room_id: chat for chat in chats}
        return attr.evolve(
            self,
            candidates={**self.candidates, **rebound},
            backfilled=self.backfilled | rebound.keys(),
            problems=(*self.problems, *problems),
        )

    def drop(self, room_ids: Set[RoomID], problems: Iterable[Problem] = ()) -> Findings:
        """The same findings without these candidates, and why they are left out."""
        kept = {one: chat for one, chat in self.candidates.items() if one not in room_ids}
        return attr.evolve(self, candidates=kept, problems=(*self.problems, *problems))

    def mark_stale(self, groups: Iterable[list[ChatCandidate]]) -> Findings:
        """The same findings with these candidates stale: of each group all but one will have
        another binding, and it is not known yet which one keeps it."""
        stale = {chat.room_id: attr.evolve(chat, stale=True) for group in groups for chat in group}
        return attr.evolve(self, candidates={**self.candidates, **stale})

    def postpone(self, chats: Iterable[ChatCandidate], cached: Topology) -> Findings:
        """The same findings with these chats left as they are until more can be read.

        Args:
            chats: the chats that wait.
            cached: what was known before. A chat goes on by that if no other chat has its
                conversation now; otherwise it is unread.
        """
        waiting = {chat.room_id: chat for chat in chats}
        candidates = {
            room_id: candidate
            for room_id, candidate in self.candidates.items()
            if room_id not in waiting
        }
        taken = {
            candidate.binding.platform_chat_id
            for candidate in candidates.values()
            if candidate.binding is not None and candidate.status is not Status.LOST
        }
        unread = set(self.unread)
        for room_id, chat in sorted(waiting.items()):
            known = cached.chats.get(room_id)
            if known is None or known.platform_chat_id in taken:
                unread.add(room_id)
                continue
            taken.add(known.platform_chat_id)
            archived = Status.ARCHIVED in (chat.status, known.status)
            status = Status.ARCHIVED if archived else Status.LIVE
            candidates[room_id] = cached_candidate(known._replace(status=status))
        owners = {chat.owner for chat in waiting.values()}
        return attr.evolve(
            self,
            candidates=candidates,
            unread=unread,
            postponed_owners=self.postponed_owners | owners,
        )
