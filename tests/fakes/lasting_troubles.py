"""What may fail for good: rooms, people, platforms, the database; and whom each of them hits.

Everybody else must not notice. Each trouble lasts until it is healed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import attr
import pytest
from mautrix.util.async_db import Database

from .failpoints import refuse_writes
from .faults import ANY, ROOM_READS, Answer, Fault, Hold, refusal
from .maubot import BOT, Bot
from .moody_platform import Mood, MoodyPlatform
from .rooms import Refusal, Room
from .users import BINDING, User

READS = ROOM_READS
SENDS = r"^PUT rooms/[^/]*/(send|state)/"
MANY = 130
MOODS: tuple[Mood, ...] = ("hangs", "fails", "trickles")


class Town:
    """The people, their rooms, and what they talk to.

    Attributes:
        residents: alice, bob and carol, with a Space and two chats each.
        control: everybody's control room.
        group: a room of strangers that the bot is in.
        is_cold: the last start had no database.
    """

    def __init__(self, bot: Bot, platforms: Mapping[str, MoodyPlatform]) -> None:
        self.bot = bot
        self.world = bot.server.world
        self.platforms = platforms
        self.residents: list[User] = []
        self.control: dict[str, Room] = {}
        self.patch: pytest.MonkeyPatch | None = None
        self.is_cold = False
        self.faults: list[Fault] = []
        self.strangers = (User(self.world, "mona", "far"), User(self.world, "nils", "far"))
        self.group = self.strangers[0].invite_bot(self.strangers[1])
        self.world.join(BOT, self.group.room_id)
        self.strangers[1].join(self.group)

    @property
    def chats(self) -> list[Room]:
        """Six chats: the first two of each resident."""
        return [room for person in self.residents for room in person.chats[:2]]

    @property
    def rooms(self) -> list[Room]:
        """The same, and the residents' control rooms."""
        return [*self.chats, *(self.control[person.id] for person in self.residents)]

    def owner_of(self, room: Room) -> User:
        """Whose chat or control room it is."""
        owner = room.content(BINDING).get("matrix_user_id") or room.creator
        (person,) = [one for one in self.residents if one.id == owner] or [
            User(self.world, owner[1:].partition(":")[0])
        ]
        return person

    def handle_of(self, room: Room) -> str:
        """A chat's handle."""
        return str(room.content(BINDING)["chat_id"])

    def before_start(self) -> None:
        """While nobody is there, strangers talk."""
        for number in range(MANY):
            self.strangers[number % 2].write(self.group, f"Among us {number}")

    def inject(self, fault: Fault) -> None:
        """Let it strike until `heal`."""
        self.faults.append(self.bot.server.inject(fault))

    def heal(self) -> None:
        """Let nothing fail any more."""
        self.bot.server.lift(*self.faults)
        self.faults.clear()
        for platform in self.platforms.values():
            platform.become("well")
        self.bot.server.endpoints.invitation_limit = None
        if self.patch is not None:
            self.patch.undo()
            self.patch = None


class Trouble:
    """Something that fails for good."""

    def strike(self, town: Town) -> None:
        """Let it begin."""
        raise NotImplementedError

    def heal(self, town: Town) -> None:
        """Let it end."""
        town.heal()

    def hits(self, town: Town, room: Room) -> bool:
        """Whether what is asked in a chat may have to wait."""
        return self.hits_room(town, room)

    def hits_room(self, town: Town, room: Room) -> bool:
        """Whether nothing at all can be said in a room."""
        return False

    def hits_person(self, town: Town, person: User) -> bool:
        """Whether a person's Space and list of chats cannot be changed."""
        return False

    def hits_platform(self, name: str) -> bool:
        """Whether chats on this platform have to wait."""
        return False

    def leaves_unsure(self, town: Town) -> bool:
        """Whether a room cannot be read that may be anybody's, for all that is known."""
        return False


@attr.frozen
class SickRoom(Trouble):
    """Requests about one of Alice's rooms, or of the strangers', fail or hang."""

    which: str
    hangs: bool
    requests: str = ANY

    def strike(self, town: Town) -> None:
        room_id = self._room(town).room_id
        if self.hangs:
            town.inject(Hold(self.requests, None, room_id=room_id))
        else:
            body = refusal("M_UNKNOWN")
            town.inject(Answer(self.requests, None, room_id=room_id, status=500, body=body))

    def hits_room(self, town: Town, room: Room) -> bool:
        if self.which == "space" and town.is_cold:
            # Without the database nothing but the Space says which chats are hers.
            return town.owner_of(room) is town.residents[0]
        return room is self._room(town)

    def hits_person(self, town: Town, person: User) -> bool:
        return self.which != "group" and person is town.residents[0]

    def leaves_unsure(self, town: Town) -> bool:
        return town.is_cold

    def _room(self, town: Town) -> Room:
        alice = town.residents[0]
        return {
            "chat": alice.chats[0],
            "space": alice.space,
            "control": town.control[alice.id],
            "group": town.group,
        }[self.which]


@attr.frozen
class SickPlatform(Trouble):
    """One platform is unwell; chats on it wait."""

    name: str
    mood: Mood

    def strike(self, town: Town) -> None:
        town.platforms[self.name].become(self.mood)

    def hits(self, town: Town, room: Room) -> bool:
        return bool(room.content(BINDING)["platform"] == self.name)

    def hits_platform(self, name: str) -> bool:
        return name == self.name


class Exhausted:
    """Of one person's invitations there were too many."""

    def __init__(self, person: str) -> None:
        self.person = person

    def count(self, person: str) -> None:
        if person == self.person:
            raise Refusal(429, "M_LIMIT_EXCEEDED", "Too Many Requests", retry_after_ms=300_000)


@attr.frozen
class HardToInvite(Trouble):
    """Alice left her Space, cannot be invited again, and asks for that all the same."""

    def strike(self, town: Town) -> None:
        alice = town.residents[0]
        town.bot.server.endpoints.invitation_limit = Exhausted(alice.id)  # type: ignore[assignment]
        if alice.space.membership(alice.id) == "join":
            alice.leave(alice.space)
        for _ in range(3):
            alice.write(town.control[alice.id], "!space")

    def hits(self, town: Town, room: Room) -> bool:
        return self.hits_person(town, town.owner_of(room))

    def hits_room(self, town: Town, room: Room) -> bool:
        return self.hits(town, room)

    def hits_person(self, town: Town, person: User) -> bool:
        return person is town.residents[0]


@attr.frozen
class Flood(Trouble):
    """Alice writes without end."""

    def strike(self, town: Town) -> None:
        alice = town.residents[0]
        for number in range(MANY):
            alice.write(alice.chats[0], f"!help {number}" if number % 3 else f"Flood {number}")

    def hits(self, town: Town, room: Room) -> bool:
        return town.owner_of(room) is town.residents[0]

    def hits_room(self, town: Town, room: Room) -> bool:
        return self.hits(town, room)

    def hits_person(self, town: Town, person: User) -> bool:
        return person is town.residents[0]


@attr.frozen
class SickDatabase(Trouble):
    """Nothing can be written any more, or not read either; nobody notices."""

    reads: bool

    def strike(self, town: Town) -> None:
        town.patch = pytest.MonkeyPatch()
        refuse_writes(town.patch)
        if self.reads:

            async def refuse(*_: Any, **__: Any) -> Any:
                raise sqlite3.OperationalError("disk I/O error")

            town.patch.setattr(Database, "fetch", refuse)


TROUBLES: list[Trouble] = [
    *(SickRoom(one, bool(n)) for one in ("chat", "control", "space", "group") for n in range(2)),
    *(SickRoom("chat", bool(n % 2), (READS, SENDS)[n // 2]) for n in range(4)),
    *(SickPlatform("one", mood) for mood in MOODS),
    HardToInvite(),
    Flood(),
    SickDatabase(reads=False),
    SickDatabase(reads=True),
]
