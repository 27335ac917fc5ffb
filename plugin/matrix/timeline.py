"""Reads rooms' timelines: what was written in a room before, and what the bot answered.

A conversation's history is kept nowhere else: it survives restarts and a deleted database. Which
of these messages a platform is given is not decided here.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from typing import Any

from mautrix.types import EventID, RoomID, UserID

from ..message import IncomingMessage
from ..topology.standing_answer import AnswerEvent
from .answer_status import AnswerSearch, AnswerStatus
from .replacements import Replacements, read_answer_event
from .room_pages import RoomPages, Stretch, TooLong
from .timeline_message import TimelineMessage, parse_timeline_event

LOG = logging.getLogger(__name__)
# Pages of a chat that are read for its history.
HISTORY_PAGES = 20
# Messages among which it is looked for what is not answered.
UNANSWERED_AMONG = 100


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
        edits = Replacements()
        reached = False
        theirs = Stretch((owner, self.bot), pages=HISTORY_PAGES, edits=False)
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
        self,
        room_id: RoomID,
        questions: Collection[EventID],
        senders: Collection[UserID] = (),
        edits: bool = True,
    ) -> dict[EventID, AnswerStatus]:
        """How much of the answer to each of these messages was sent.

        Args:
            room_id: the room.
            questions: messages in it.
            senders: who wrote them, if nobody else's messages are to be paged; else everybody's.
            edits: one of them may be an edit. It is read until each of them was seen.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        search = AnswerSearch(questions, self.bot, self.instance)
        theirs = (*senders, self.bot) if senders else ()
        try:
            async for event in self.pages.events(room_id, Stretch(theirs, edits=edits)):
                if search.take(event):
                    break
        except TooLong as error:
            LOG.warning("It is not known whether all in %s is answered: %s", room_id, error)
        return search.found

    async def answer_event(self, room_id: RoomID, event_id: EventID) -> AnswerEvent | None:
        """What stands in one of the bot's events; None if it was taken back.

        Raises:
            NoAnswer, MatrixRequestError: that is not known.
        """
        event = await self.pages.event(room_id, event_id)
        return read_answer_event(Replacements().apply(event))

    async def events_before(
        self, asked: IncomingMessage, later: bool = False
    ) -> list[dict[str, Any]]:
        """The hundred messages of one person and the bot before a message of that person, with
        their edits, oldest first, decrypted. Of the edits of one message all but the last may be
        missing.

        Args:
            asked: the message, or an edit.
            later: that person's edits that came after it are wanted, too.

        Raises:
            NoAnswer, MatrixRequestError: the timeline could not be read.
        """
        events: list[dict[str, Any]] = []
        reached, messages = False, 0
        edits, both = Replacements(), (asked.sender, self.bot)
        # An edit would not be reached where edits are left out.
        theirs = Stretch(both, edits=asked.replaces is not None)
        try:
            async for event in self.pages.events(asked.room_id, theirs):
                is_message = not edits.take(event)
                is_later = later and not is_message and event.get("sender") == asked.sender
                if is_later or (reached and event.get("sender") in both):
                    told = edits.told_with(event)
                    events += [event] if told is None else [told, event]
                    messages += is_message
                if messages == UNANSWERED_AMONG:
                    break
                reached = reached or event.get("event_id") == asked.event_id
        except TooLong as error:
            LOG.warning("Not all of %s was searched: %s", asked.room_id, error)
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
