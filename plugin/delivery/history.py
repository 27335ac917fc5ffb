"""What was said in a chat before a message, as its platform gets to see it.

It is read from the room's timeline: that is the memory, and it survives the plugin's. Commands,
the bot's notices and what anyone but the owner wrote are left out; no room is named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence

from mautrix.types import EventID

from ..matrix.timeline import Timeline
from ..matrix.timeline_message import TimelineMessage
from ..message import parse_command
from ..platforms.protocol import Turn
from ..topology.model import Chat


class History:
    """Reads the turns of conversations."""

    def __init__(self, timeline: Timeline, commands: Collection[str]) -> None:
        """
        Args:
            timeline: reads what was said.
            commands: the names of commands, which are not meant for the platform.
        """
        self.timeline = timeline
        self.commands = commands

    async def before(self, chat: Chat, event_id: EventID, budget: int) -> Sequence[Turn]:
        """The turns before an event, oldest first.

        Args:
            chat: the chat.
            event_id: the event that they come before.
            budget: how many characters they may have in all.

        Raises:
            NoAnswer: the timeline could not be read.
            MatrixRequestError: it may not be read.
        """
        turns: list[Turn] = []
        answered: EventID | None = None
        async for earlier in self._newest_first(chat, event_id):
            turn = self._turn(chat, earlier)
            if turn is None:
                continue
            budget -= len(turn.text)
            if budget < 0:
                break
            if earlier.answers is not None and earlier.answers == answered:
                # A long answer came in several messages; to the platform it is one.
                turn = Turn("assistant", f"{turn.text}\n\n{turns.pop().text}")
            answered = earlier.answers
            turns.append(turn)
        return turns[::-1]

    async def _newest_first(self, chat: Chat, event_id: EventID) -> AsyncIterator[TimelineMessage]:
        """The chat's messages, with each answer that came late at its question."""
        late: dict[EventID, list[TimelineMessage]] = {}
        async for earlier in self.timeline.before(chat.room_id, event_id):
            if earlier.later and earlier.answers is not None:
                late.setdefault(earlier.answers, []).append(earlier)
                continue
            for answer in late.pop(earlier.answers or earlier.event_id, ()):
                yield answer
            yield earlier

    def _turn(self, chat: Chat, earlier: TimelineMessage) -> Turn | None:
        if earlier.sender == self.timeline.bot:
            return Turn("assistant", earlier.text) if earlier.answers else None
        command = parse_command(earlier.text)
        if earlier.sender != chat.owner or (command and command[0] in self.commands):
            return None
        return Turn("user", earlier.text)
