"""Single values out of Matrix: who is in a room, what somebody is called, what is usual here.

Asked for when somebody needs to be told or served, one request each. What the topology is read
from is for reader.py.
"""

from __future__ import annotations

import asyncio
import enum
import json
from collections.abc import Mapping
from typing import Any

import attr
from mautrix.api import Method, Path
from mautrix.errors import MatrixRequestError, MNotFound
from mautrix.types import RoomID, UserID

from .api import NoAnswer, RetryingAPI

# Marks in the bot's messages, in the open where a room is encrypted: rooms are being prepared for
# somebody, and they were welcomed.
PREPARING_KEY = "chat.spacekeeper.preparing"
WELCOME_KEY = "chat.spacekeeper.welcome"
GREETING_KEYS = (PREPARING_KEY, WELCOME_KEY)
# Bytes of a room's list of members, enough for two thousand: only two of them make no group.
LARGEST_MEMBER_LIST = 1_000_000
# Of the bot's own in a room, among which such a mark is looked for.
LAST_MESSAGES = 20


class Greeting(enum.Enum):
    """How far the bot came in greeting somebody in a room."""

    NONE = "nothing was said"
    PREPARING = "they were told that their rooms take a while"
    WELCOMED = "they were welcomed, or more was said since"


@attr.frozen
class Creation:
    """What a room's create event tells (client-server API, section 11.2); `creator` is empty
    where the homeserver sent its content alone and the room version keeps none there."""

    creator: str
    is_space: bool
    is_upgrade: bool

    def is_foreign(self, bot: UserID) -> bool:
        """Whether the room is for good none of the bot's: somebody else made it, and not in the
        place of another room, which may have been one of the bot's."""
        return self.creator not in ("", bot) and not self.is_upgrade


class Lookups:
    """Looks up single values as the bot sees them."""

    def __init__(self, api: RetryingAPI, bot: UserID, moment: float) -> None:
        """
        Args:
            api: the homeserver.
            bot: who looks.
            moment: seconds that a room's name is worth waiting for.
        """
        self.api = api
        self.bot = bot
        self.moment = moment

    async def members(self, room_id: RoomID) -> frozenset[UserID]:
        """Who is in a room of the bot's, or invited to it (client-server API, section 11.5).

        Raises:
            TooLarge: far more people than are ever counted.
            NoAnswer, MatrixRequestError: that is not known.
        """
        path, query = Path.v3.rooms[room_id].members, {"not_membership": "leave"}
        answer = await self.api.request(
            Method.GET, path, query_params=query, most=LARGEST_MEMBER_LIST
        )
        events = answer.get("chunk") if isinstance(answer, dict) else None
        if not isinstance(events, list):
            raise NoAnswer("the answer lists no members")
        members = {}
        for event in events:
            content = event.get("content") if isinstance(event, dict) else None
            user = event.get("state_key") if isinstance(event, dict) else None
            if isinstance(content, dict) and isinstance(user, str):
                members[UserID(user)] = content.get("membership")
        return frozenset(user for user, what in members.items() if what in ("join", "invite"))

    async def state_value(self, room_id: RoomID, event_type: str, key: str, state_key: str) -> str:
        """One string out of a state event's content; empty where there is none."""
        value = (await self._state(room_id, event_type, state_key) or {}).get(key)
        return value if isinstance(value, str) else ""

    async def room_name(self, room_id: RoomID) -> str | None:
        """What a room is called, empty if it has no name that the bot may know; None if that
        cannot be read in a moment: nobody waits for one room to be told of others."""
        reading = self.state_value(room_id, "m.room.name", "name", "")
        try:
            return await asyncio.wait_for(reading, self.moment)
        except (NoAnswer, asyncio.TimeoutError):
            return None
        except MatrixRequestError:
            return ""

    async def creation(self, room_id: RoomID) -> Creation:
        """Who made a room, and as what: one small read where all of its state is too much.

        Raises:
            NoAnswer: that is not known.
            MatrixRequestError: the bot may not look into that room.
        """
        path = Path.v3.rooms[room_id].state["m.room.create"][""]
        # Without this, the sender is not told; servers that do not know it send the content.
        answer = await self.api.request(Method.GET, path, query_params={"format": "event"})
        if not isinstance(answer, dict):
            raise NoAnswer("the answer is no create event")
        nested = answer.get("content")
        content = nested if isinstance(nested, dict) and "sender" in answer else answer
        creator = answer.get("sender") or content.get("creator")
        return Creation(
            creator=creator if isinstance(creator, str) else "",
            is_space=content.get("type") == "m.space",
            is_upgrade="predecessor" in content,
        )

    async def tombstone(self, room_id: RoomID) -> Mapping[str, Any] | None:
        """What stands in a room's tombstone, or None if the room is open (section 11.35)."""
        return await self._state(room_id, "m.room.tombstone", "")

    async def is_encrypted(self, room_id: RoomID) -> bool:
        """Whether what is said in a room is encrypted (section 11.12.2)."""
        return await self._state(room_id, "m.room.encryption", "") is not None

    async def display_name(self, user_id: UserID) -> str:
        """A user's display name, or the name in their user id."""
        try:
            answer = await self.api.request(Method.GET, Path.v3.profile[user_id].displayname)
        except (MatrixRequestError, NoAnswer):
            answer = None
        name = answer.get("displayname") if isinstance(answer, dict) else None
        return name if isinstance(name, str) and name else user_id[1:].partition(":")[0]

    async def default_room_version(self) -> str:
        """The version the homeserver gives new rooms (section 6.3, capabilities)."""
        answer = await self.api.request(Method.GET, Path.v3.capabilities)
        value: Any = answer
        for key in ("capabilities", "m.room_versions", "default"):
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, str) else "1"

    async def greeting(self, room_id: RoomID) -> Greeting:
        """How far the bot came in greeting somebody in a room, as its last messages there tell."""
        chosen = {"senders": [self.bot], "types": ["m.room.message", "m.room.encrypted"]}
        query = {"dir": "b", "limit": LAST_MESSAGES, "filter": json.dumps(chosen)}
        path = Path.v3.rooms[room_id].messages
        answer = await self.api.request(Method.GET, path, query_params=query)
        chunk = answer.get("chunk") if isinstance(answer, dict) else None
        if not isinstance(chunk, list):
            raise NoAnswer("the answer lists no messages")
        for event in chunk:
            content = event.get("content") if isinstance(event, dict) else None
            for key in GREETING_KEYS:
                if isinstance(content, dict) and content.get(key) is True:
                    return Greeting.PREPARING if key == PREPARING_KEY else Greeting.WELCOMED
        # Who is greeted without delay reads no more than the welcome, which had no mark once.
        return Greeting.WELCOMED if chunk else Greeting.NONE

    async def _state(
        self, room_id: RoomID, event_type: str, state_key: str
    ) -> Mapping[str, Any] | None:
        path = Path.v3.rooms[room_id].state[event_type][state_key]
        try:
            content = await self.api.request(Method.GET, path)
        except MNotFound:
            return None
        return content if isinstance(content, dict) else {}
