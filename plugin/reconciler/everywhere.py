"""Everything in a running instance, in parts: some owners after others, then rooms of nobody.

Each part is read, planned and put in force by itself, so that neither memory nor the time for
which the garbage collector stops the process grows with the number of chats. A start without a
cache knows no owners yet, so it looks at all rooms at once (observe.py). Nothing is read here but
the list of joined rooms.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from ..matrix.api import NoAnswer
from ..topology.model import Chat, Status
from ..topology.routes import Routes
from ..topology.scope import Scope
from ..topology.snapshot import Snapshot
from .known_rooms import KnownRooms
from .looks import MAX_RECHECKS
from .non_chats import NoChat, NonChats

# Rooms whose ids are freed at once.
SLICE = 20_000
# What a room's state may say anew; superseded Spaces are read with their owners' rooms.
TO_READ_AGAIN = (None, NoChat.CREATED_BY_OTHERS, NoChat.OTHER_INSTANCE)


@attr.define(eq=False)
class Survey:
    """Which rooms there are, against those that are known.

    Attributes:
        routes: the routes in force.
        missing: chats and Spaces that the list of joined rooms lacks.
        unexplained: rooms in the list of which it is not known for good what they are.
    """

    routes: Routes
    missing: set[RoomID]
    unexplained: set[RoomID]

    def parts(self, size: int, full: bool) -> Iterator[Scope]:
        """Where to look, part by part. What one part reads may make later ones smaller.

        Args:
            size: about how many chats there are in a part.
            full: each chat's own state is to be read too, not its mirror in the Space alone.
        """
        routes = self.routes
        owners: dict[UserID, None] = dict.fromkeys((*routes.rooms_of, *routes.spaces))
        for batch in routes.in_batches(owners, size):
            chats = routes.part(batch).chats
            yield Scope(batch, frozenset(chats) if full else self._doubted(chats))
        while self.unexplained:
            rooms = frozenset(itertools.islice(self.unexplained, size))
            self.unexplained -= rooms
            yield Scope(rooms=rooms)

    def note(self, read: Snapshot) -> None:
        """Take out what was read."""
        self.unexplained.difference_update(read.rooms)

    @property
    def gone(self) -> Scope:
        """The chats and Spaces that the bot was in and that the list lacks, with their owners."""
        owners: dict[RoomID, UserID] = {}
        for room_id in self.missing:
            chat, owner = self.routes.lookup(room_id), self.routes.owner_of(room_id)
            if chat is not None and chat.status is not Status.LOST:
                owners[room_id] = chat.owner
            elif owner is not None:
                owners[room_id] = owner
        return Scope(frozenset(owners.values()), frozenset(owners))

    def is_doubtful(self) -> bool:
        """Whether most of what was known is gone at once: more likely a fault than the truth."""
        routes = self.routes
        known = len(routes.owners) + len(routes.chats) - routes.counts[Status.LOST]
        return len(self.gone.rooms) * 2 > known

    def _doubted(self, chats: Mapping[RoomID, Chat]) -> frozenset[RoomID]:
        """The chats of which the list says something else than the routes: whether the bot is in
        them is for each room itself to say."""
        return frozenset(
            room_id
            for room_id, chat in chats.items()
            if (chat.status is Status.LOST) is not (room_id in self.missing)
        )


class Everywhere:
    """Finds out what there is to look at in one instance."""

    def __init__(self, known_rooms: KnownRooms, doubt: float, part: int) -> None:
        """
        Args:
            known_rooms: lists the joined rooms, and knows which of them are no chats.
            doubt: seconds before a second look, where the first saw far less than there was.
            part: about how many chats are looked at together.
        """
        self.known_rooms = known_rooms
        self.doubt = doubt
        self.part = part

    async def survey(self) -> Survey:
        """List the joined rooms, and forget what others were.

        Raises:
            NoAnswer, MatrixRequestError: they could not be listed.
        """
        non_chats = await self.known_rooms.non_chats()
        routes, reader = self.known_rooms.routes, self.known_rooms.reader
        # Before the list: a room that is joined after it has not been left.
        others = routes.unread.union(routes.elsewhere, non_chats.rooms)
        listed: frozenset[RoomID] | None = None
        for _ in range(MAX_RECHECKS + 1):
            before, listed = listed, await reader.joined_rooms()
            # Of a million chats that takes a while, for which nothing else must stand still.
            survey = await asyncio.to_thread(compare, listed, routes, non_chats)
            if listed == before or not survey.is_doubtful():
                self.known_rooms.forget(others - listed)
                # All its texts freed at once would hold the interpreter like a parser.
                slices = await asyncio.to_thread(_in_slices, listed)
                before = listed = None
                await asyncio.to_thread(_let_go, slices)
                return survey
            await asyncio.sleep(self.doubt)
        raise NoAnswer("the list of joined rooms changes from look to look")

    async def owners_missing_rooms(self) -> Scope:
        """The owners who have chats or Spaces that the bot is no longer in, and these rooms: an
        administrator who purges a room sends no event."""
        try:
            return (await self.survey()).gone
        except (NoAnswer, MatrixRequestError) as error:
            self.known_rooms.log.warning("The joined rooms could not be listed: %s", error)
            return Scope()


def compare(listed: frozenset[RoomID], routes: Routes, non_chats: NonChats) -> Survey:
    """Compare a list of the joined rooms with what is known.

    Args:
        listed: the joined rooms.
        routes: the routes in force; they may change meanwhile.
        non_chats: the rooms known to be no chats.
    """
    known = itertools.chain(*list(routes.rooms_of.values()), list(routes.owners))
    return Survey(
        routes,
        {room_id for room_id in known if room_id not in listed},
        {
            room_id
            for room_id in listed
            if room_id not in routes.chats
            and room_id not in routes.owners
            and non_chats.reason(room_id) in TO_READ_AGAIN
        },
    )


def _in_slices(rooms: frozenset[RoomID]) -> list[list[RoomID]]:
    rest, slices = iter(rooms), []
    while some := list(itertools.islice(rest, SLICE)):
        slices.append(some)
    return slices


def _let_go(slices: list[list[RoomID]]) -> None:
    while slices:
        slices.pop()
