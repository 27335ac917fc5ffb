"""One message of an owner goes to the platform, and the answer comes back into the chat.

The platform knows its conversation by `platform_chat_id` alone and never sees a room. What was
said before is read from the room's timeline: it is the memory, and survives the plugin's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from mautrix.types import EventID

from ..cache.inbox import Inbox
from ..config.active import ActiveConfig
from ..failpoints import failpoint
from ..matrix.client import Matrix
from ..matrix.timeline import TimelineMessage
from ..message import sanitize
from ..platforms.protocol import Platform, PlatformError, Prompt, Turn
from ..topology.model import Chat
from .activity import ActivityIndicator
from .pending import PendingMessage

# Conversations with one platform that go on at the same time, over all chats.
MAX_CONCURRENT = 64
# Seconds to wait before a platform that has no answer just now is asked again.
RETRY_DELAYS = (1.0, 4.0)


class Responder:
    """Carries messages between chats and their platforms."""

    def __init__(
        self,
        matrix: Matrix,
        setup: Callable[[], ActiveConfig],
        is_command: Callable[[str], bool],
        inbox: Inbox,
    ) -> None:
        """
        Args:
            matrix: where the chats are.
            setup: the configuration in force.
            is_command: tells commands from what is meant for the platform.
            inbox: keeps an answer until it stands in Matrix.
        """
        self.matrix = matrix
        self.setup = setup
        self.is_command = is_command
        self.inbox = inbox
        self.activity = ActivityIndicator(matrix.sender)
        self._slots: dict[str, asyncio.Semaphore] = defaultdict(
            partial(asyncio.Semaphore, MAX_CONCURRENT)
        )

    async def answer(self, chat: Chat, pending: PendingMessage) -> None:
        """Get the platform's answer to a message and send it as a reply.

        Raises:
            UserError, PlatformError: there is no answer, and why.
            NoAnswer, MatrixRequestError: the homeserver failed.
        """
        event_id = pending.message.event_id
        with self.activity.on(chat.room_id, event_id) as answer_is_there:
            if pending.answer is None:
                prompt = Prompt(
                    platform_chat_id=chat.binding.platform_chat_id,
                    event_id=event_id,
                    text=pending.message.body,
                    history=partial(self._history, chat, event_id),
                )
                pending.answer = await self._ask(chat.binding.platform, prompt)
                failpoint("answered")
                await self.inbox.put_answer(event_id, pending.answer)
                failpoint("kept")
            answer_is_there()
            await self.matrix.sender.answer(chat.room_id, pending.answer, event_id, pending.sent)
            failpoint("sent")

    async def _ask(self, name: str, prompt: Prompt) -> str:
        """The whole answer; what may pass by itself is tried again a few times."""
        for delay in (*RETRY_DELAYS, None):
            try:
                async with self._slots[name]:
                    failpoint("asking")
                    return await _collect(self.setup().platform(name), prompt)
            except PlatformError as error:
                if not error.can_retry or delay is None:
                    raise
            await asyncio.sleep(delay)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _history(self, chat: Chat, event_id: EventID, budget: int) -> Sequence[Turn]:
        """What was said in the chat before, oldest first, in at most `budget` characters."""
        turns: list[Turn] = []
        answered: EventID | None = None
        async for earlier in self._in_turn(chat, event_id):
            turn = self._turn(chat, earlier)
            if turn is None:
                continue
            budget -= len(turn.text)
            if budget < 0:
                break
            if earlier.answers is not None and earlier.answers == answered:
                # A long answer came in several messages; to the platform it is one.
                text = f"{turn.text}\n\n{turns.pop().text}"
                turn = Turn("assistant", text)
            answered = earlier.answers
            turns.append(turn)
        return turns[::-1]

    async def _in_turn(self, chat: Chat, event_id: EventID) -> AsyncIterator[TimelineMessage]:
        """The chat's messages, newest first, with each answer that came late at its question."""
        late: dict[EventID, list[TimelineMessage]] = {}
        async for earlier in self.matrix.timeline.before(chat.room_id, event_id):
            if earlier.later and earlier.answers is not None:
                late.setdefault(earlier.answers, []).append(earlier)
                continue
            for answer in late.pop(earlier.answers or earlier.event_id, ()):
                yield answer
            yield earlier

    def _turn(self, chat: Chat, earlier: TimelineMessage) -> Turn | None:
        if earlier.sender == self.matrix.identity.bot:
            return Turn("assistant", earlier.text) if earlier.answers else None
        if earlier.sender != chat.owner or self.is_command(earlier.text):
            return None
        return Turn("user", earlier.text)


async def _collect(platform: Platform, prompt: Prompt) -> str:
    async with contextlib.aclosing(platform.send(prompt)) as pieces:
        return sanitize("".join([piece async for piece in pieces]))
