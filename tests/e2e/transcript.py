"""What was asked in a chat and what was answered, read from the room's timeline alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dev.user_client import UserClient

ANSWERS = "chat.spacekeeper.answers"
LIVE = "chat.spacekeeper.live"
EVERYTHING = 1000


@dataclass(frozen=True)
class Transcript:
    """`asked`: the owner's messages, as (event id, words). `answered`: the platform's answers,
    as (event id of the message answered, words). Both in the order of the timeline."""

    asked: list[tuple[str, str]]
    answered: list[tuple[str, str]]

    @property
    def lost(self) -> list[str]:
        """The words of messages that have no answer."""
        answered = {event_id for event_id, _ in self.answered}
        return [words for event_id, words in self.asked if event_id not in answered]

    @property
    def repeated(self) -> int:
        """How many answers came to messages that had one already."""
        return len(self.answered) - len({event_id for event_id, _ in self.answered})

    @property
    def in_order(self) -> bool:
        """Whether the answers stand in the order of their questions."""
        order = [event_id for event_id, _ in self.asked]
        places = [order.index(event_id) for event_id, _ in self.answered]
        return places == sorted(places)


async def read_transcript(person: UserClient, room_id: str) -> Transcript:
    """Read a chat's timeline, commands and notices left out."""
    messages = [
        event
        for event in latest(await person.messages(room_id, EVERYTHING))
        if event["type"] == "m.room.message" and event["content"].get("msgtype") == "m.text"
    ]
    asked = [(one["event_id"], one["content"]["body"]) for one in messages if _is(one, person)]
    answered = [
        (one["content"][ANSWERS], one["content"]["body"])
        for one in messages
        if ANSWERS in one["content"]
    ]
    return Transcript([one for one in asked if not one[1].startswith("!")], answered)


def latest(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of a timeline but edits, each as the last edit of it left it."""
    events = list(events)
    edits = {}
    for event in events:
        if (edited := _edited_by(event)) is not None:
            edits[edited] = event["content"]["m.new_content"]
    return [
        {**event, "content": edits.get(event["event_id"], event["content"])}
        for event in events
        if _edited_by(event) is None
    ]


def _edited_by(event: dict[str, Any]) -> str | None:
    relation = event["content"].get("m.relates_to", {})
    return relation.get("event_id") if relation.get("rel_type") == "m.replace" else None


async def read_when_complete(
    chats: Iterable[tuple[UserClient, str]], within: float = 60
) -> Sequence[Transcript]:
    """Wait until every message in these chats is answered, `within` seconds at most; read them.

    Does not raise: what is missing after that time is missing from the transcripts.
    """
    deadline = time.monotonic() + within
    chats = list(chats)
    while True:
        read = [await read_transcript(person, room_id) for person, room_id in chats]
        if not any(one.lost for one in read) or time.monotonic() > deadline:
            return read
        await asyncio.sleep(0.3)


async def replied_to(person: UserClient, room_id: str) -> list[str]:
    """The events in a room that somebody replied to, in the order of the replies."""
    messages = await person.messages(room_id, EVERYTHING)
    relations = [event["content"].get("m.relates_to", {}) for event in messages]
    replies = [relation["m.in_reply_to"] for relation in relations if "m.in_reply_to" in relation]
    return [reply["event_id"] for reply in replies]


def _is(event: dict[str, Any], person: UserClient) -> bool:
    return bool(event["sender"] == person.user_id)
