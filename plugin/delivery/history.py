"""What was said in a chat before a message, as its platform gets to see it.

It is read from the room's timeline: that is the memory, and it survives the plugin's. A question
without an answer of the platform is left out, and so whatever failed, was refused, set aside or
given up is not asked again with the next question; no room is named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from mautrix.types import EventID, RoomID

from ..matrix.room_pages import TooLong
from ..matrix.timeline import Timeline
from ..platforms.protocol import Turn
from ..topology.model import Chat
from .history_budget import Exchange, HistoryBudget
from .notices import Notices


class History:
    """Reads the turns of conversations."""

    def __init__(self, timeline: Timeline, notices: Notices) -> None:
        """
        Args:
            timeline: reads what was said.
            notices: tells a chat's owner that not all of it was told.
        """
        self.timeline = timeline
        self.notices = notices
        # The chats whose owners know that something is left out.
        self._told: set[RoomID] = set()

    async def before(self, chat: Chat, event_id: EventID, budget: int) -> Sequence[Turn]:
        """The turns before an event, oldest first: each question and its answer.

        Args:
            chat: the chat.
            event_id: the event that they come before.
            budget: how many characters they may have in all.

        Raises:
            NoAnswer: the timeline could not be read.
            MatrixRequestError: it may not be read.
        """
        places = HistoryBudget(budget)
        is_full = False
        try:
            async for exchange in self._newest_first(chat, event_id):
                is_full = is_full or not places.add(exchange)
                # In this run for the first time: an earlier one may have said so long ago.
                if is_full and chat.room_id in self._told:
                    break
        except TooLong:
            places.left_out = True
        turns = [
            turn
            for exchange in places.fill()
            for turn in (Turn("user", exchange.question), Turn("assistant", exchange.answer))
        ]
        self._tell(chat.room_id, places.left_out)
        return turns

    async def _newest_first(self, chat: Chat, event_id: EventID) -> AsyncIterator[Exchange]:
        answers: dict[EventID, list[str]] = {}
        partial: set[EventID] = set()
        async for said in self.timeline.before(chat.room_id, event_id, chat.owner):
            if said.says_left_out:
                self._told.add(chat.room_id)
            elif said.answers is not None:
                answers.setdefault(said.answers, []).append(said.text)
                if said.is_partial:
                    partial.add(said.answers)
            elif said.event_id in answers and said.event_id not in partial:
                # A long answer came in several messages; to the platform it is one.
                parts = answers.pop(said.event_id)
                yield Exchange(said.text, "\n\n".join(reversed(parts)))

    def _tell(self, room_id: RoomID, left_out: bool) -> None:
        if not left_out:
            self._told.discard(room_id)
        elif room_id not in self._told:
            self._told.add(room_id)
            self.notices.history_left_out(room_id)
