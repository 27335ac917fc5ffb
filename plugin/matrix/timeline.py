"""Reads rooms' timelines: what was written in a room before, and what the bot answered.

A conversation's history is kept nowhere else: it survives restarts and a deleted database. Which
of these messages a platform is given is not decided here.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from typing import Any

import attr
from mautrix.types import EventID, RoomID, UserID

from .room_pages import PAGE, RoomPages, Stretch, TooLong
from .sender import ANSWERS_KEY, CONTINUES_KEY, INSTANCE_KEY, SETTLES_KEY
from .timeline_message import TimelineMessage, parse_timeline_event

LOG = logging.getLogger(__name__)
# Pages of a chat that are read for its history.
HISTORY_PAGES = 20


@attr.define
class AnswerStatus:
    """How much of the answer to a message was sent.

    Attributes:
        messages: how many of the bot's messages answer it, or say that it needs no answer.
        whole: the last message of the answer is among them.
    """

    messages: int = 0
    whole: bool = False


class Timeline:
    """Reads the timelines of rooms that the bot is in."""

    def __init__(self, pages: RoomPages, bot: UserID, instance: str) -> None:
        """
        Args:
            pages: reads rooms.
            bot: whose answers count as answers.
            instance: the key of the instance whose answers these are.
        """
        self.pages = pages
        self.bot = bot
        self.instance = instance

    async def before(
        self, room_id: RoomID, event_id: EventID, owner: UserID
    ) -> AsyncIterator[TimelineMessage]:
        """What a chat's owner and the bot wrote before an event, newest first, each message with
        its last edit applied.

        The bot's own that were sent after that event come first: they may answer messages before
        it.

        Args:
            room_id: the chat.
            event_id: the event.
            owner: the chat's owner; what guests wrote is not read.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
            TooLong: there is more than is read.
        """
        edits: dict[str, str] = {}
        reached = False
        theirs = Stretch((owner, self.bot), pages=HISTORY_PAGES)
        async for event in self.pages.events(room_id, theirs):
            if event.get("event_id") == event_id:
                reached = True
            elif event.get("sender") not in (owner, self.bot):
                # A homeserver need not filter.
                continue
            elif (message := parse_timeline_event(event, edits, self.bot)) is not None and (
                reached or message.sender == self.bot
            ):
                yield message

    async def answers(
        self, room_id: RoomID, questions: Collection[EventID], senders: Collection[UserID] = ()
    ) -> dict[EventID, AnswerStatus]:
        """How much of the answer to each of these messages was sent.

        Args:
            room_id: the room.
            questions: messages in it.
            senders: who wrote them, if nobody else's messages are to be paged; else everybody's.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        unseen: set[EventID] = set(questions)
        found = {one: AnswerStatus() for one in questions}
        theirs = (*senders, self.bot) if senders else ()
        cancels: set[EventID] = set()
        given_up = False
        try:
            async for event in self.pages.events(room_id, Stretch(theirs)):
                if event.get("sender") == self.bot:
                    cancels.update(_gives_up_before(event, self.instance))
                    for one in _settled_by(event, self.instance):
                        if one in found:
                            found[one].messages += 1
                            found[one].whole |= not event["content"].get(CONTINUES_KEY)
                event_id = EventID(str(event.get("event_id")))
                if given_up and event_id in found:
                    found[event_id] = AnswerStatus(found[event_id].messages + 1, True)
                given_up = given_up or event_id in cancels
                # An answer comes after its question: past the oldest one there is none.
                unseen.discard(event_id)
                if not unseen:
                    break
        except TooLong as error:
            LOG.warning("It is not known whether all in %s is answered: %s", room_id, error)
        return found

    async def events_before(
        self, room_id: RoomID, event_id: EventID, sender: UserID
    ) -> list[dict[str, Any]]:
        """The hundred messages of one person and the bot before an event of that person, oldest
        first, decrypted.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        events: list[dict[str, Any]] = []
        reached = False
        try:
            async for event in self.pages.events(room_id, Stretch((sender, self.bot))):
                if reached and event.get("sender") in (sender, self.bot):
                    events.append(event)
                if len(events) == PAGE:
                    break
                reached = reached or event.get("event_id") == event_id
        except TooLong as error:
            LOG.warning("Not all of %s was searched: %s", room_id, error)
        return events[::-1]

    async def between(self, room_id: RoomID, stretch: Stretch) -> list[dict[str, Any]]:
        """The messages and redactions of a stretch, oldest first, decrypted.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        events: list[dict[str, Any]] = []
        try:
            async for event in self.pages.events(room_id, stretch):
                events.append(event)
        except TooLong as error:
            LOG.warning("The oldest messages in %s are left: %s", room_id, error)
        return events[::-1]


def _settled_by(event: dict[str, Any], instance: str) -> list[EventID]:
    """The messages that an event of the bot's answers, or names as needing no answer."""
    content = event.get("content")
    if not isinstance(content, dict) or content.get(INSTANCE_KEY) != instance:
        return []
    settles = content.get(SETTLES_KEY)
    named = [content.get(ANSWERS_KEY), *(settles if isinstance(settles, list) else ())]
    return [EventID(one) for one in named if isinstance(one, str)]


def _gives_up_before(event: dict[str, Any], instance: str) -> list[EventID]:
    """The message before which everything needs no answer after this one, which the bot sent."""
    content = event.get("content")
    if not isinstance(content, dict) or content.get(INSTANCE_KEY) != instance:
        return []
    settles = content.get(SETTLES_KEY)
    before = settles.get("before") if isinstance(settles, dict) else None
    return [EventID(before)] if isinstance(before, str) else []
