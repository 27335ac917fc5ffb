"""Brings an assistant's answer and the events that hold it together, as often as it takes.

Piece number k of the text stands in event number k: sent if there is none, edited if something
else stands there, taken back if there are more events than pieces. It is the one way an answer
gets into a room, whether it is written as it comes, finished after a kill or asked for again; so
it may be repeated after any of them. Who asks for it, is not known here.
"""

from __future__ import annotations

from mautrix.types import RoomID

from ..message import IncomingMessage
from ..topology.standing_answer import (
    CONTINUES_KEY,
    LIVE_KEY,
    WHOLE,
    AnswerEvent,
    Ending,
    StandingAnswer,
)
from .answer_piece import Piece, PieceWriter
from .message_content import Looks, cut
from .render import Renderer
from .room_messages import RoomMessages
from .timeline import Timeline

CONTINUES = Ending(frozenset({CONTINUES_KEY}))
LIVE = Ending(frozenset({LIVE_KEY}))
# How many events the homeserver must be likely to accept after one that nobody needs: the first
# words of a message, the end of one that another follows, and further words.
SPARE_FOR_NEW, SPARE_FOR_MORE = 0, 5


class Answers:
    """The answers of assistants in their rooms."""

    def __init__(self, messages: RoomMessages, renderer: Renderer, timeline: Timeline) -> None:
        """
        Args:
            messages: sends them.
            renderer: gives them their looks.
            timeline: tells what stands in a room, where that is in doubt.
        """
        self.limit = messages.api.message_limit
        self._messages = messages
        self._renderer = renderer
        self._pieces = PieceWriter(messages, timeline)

    async def publish(
        self,
        asked: IncomingMessage,
        text: str,
        standing: StandingAnswer,
        ending: Ending = WHOLE,
    ) -> None:
        """Let an answer stand in the room, whatever stood there of it before.

        Args:
            asked: the message that it answers.
            text: all of it, in Markdown.
            standing: what stands there; kept up to date, so that this can be done again.
            ending: how it ends.

        Raises:
            NoAnswer, MatrixRequestError: not all of it stands yet.
        """
        pieces = cut(text)
        if len(pieces) < len(standing.events):
            # Before the last message says that it is the last: a kill in between must not let the
            # longer answer look like a whole one.
            await self._take_back(asked.room_id, standing, standing.events[len(pieces) :])
        looks = Looks(self._renderer)
        for number, piece in enumerate(pieces):
            end = ending if number == len(pieces) - 1 else CONTINUES
            await self._pieces.bring(Piece(asked, number, piece, end), standing, looks)
        await self._take_back(asked.room_id, standing, standing.replaced)

    async def show(self, asked: IncomingMessage, text: str, standing: StandingAnswer) -> bool:
        """Show how far an answer is, if the homeserver's limit leaves room for that.

        Args:
            asked: the message that it answers.
            text: what there is of it.
            standing: as for `publish`.

        Returns:
            Whether all of it stands there.

        Raises:
            NoAnswer, MatrixRequestError: nobody needs to know; it is said once more at the end.
        """
        pieces = cut(text)
        looks = Looks(self._renderer)
        for number, piece in enumerate(pieces):
            is_last = number == len(pieces) - 1
            is_more = is_last and number < len(standing.events)
            least = SPARE_FOR_MORE if is_more else SPARE_FOR_NEW
            wanted = Piece(asked, number, piece, LIVE if is_last else CONTINUES, least)
            if not await self._pieces.bring(wanted, standing, looks):
                return False
        return True

    async def end(self, asked: IncomingMessage, standing: StandingAnswer, ending: Ending) -> None:
        """Let what stands of an answer be the last of it, if more of it was to come.

        Args:
            asked: the message that it answers.
            standing: as for `publish`.
            ending: tells people that it breaks off.

        Raises:
            NoAnswer, MatrixRequestError: it may still look unfinished.
        """
        if not standing.is_open:
            return
        # What stands below the words that were to be gone on with is of an earlier answer.
        last = len(standing.events) - 1 if standing.live is None else standing.live
        await self._take_back(asked.room_id, standing, standing.events[last + 1 :])
        piece = Piece(asked, last, standing.events[last].text, ending)
        await self._pieces.bring(piece, standing, Looks(self._renderer))

    async def withdraw(self, room_id: RoomID, standing: StandingAnswer) -> None:
        """Take back all that stands of an answer.

        Raises:
            NoAnswer, MatrixRequestError: some of it may still stand.
        """
        await self._take_back(room_id, standing, standing.events)
        await self._take_back(room_id, standing, standing.replaced)

    async def _take_back(
        self, room_id: RoomID, standing: StandingAnswer, events: list[AnswerEvent]
    ) -> None:
        for event in list(reversed(events)):
            await self._messages.redact(room_id, event.event_id)
            (standing.events if event in standing.events else standing.replaced).remove(event)
            # Its key is used up.
            standing.uncertain = True
