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
from ..config.active import Setup
from ..failpoints import crash_point
from ..matrix.client import Matrix
from ..matrix.timeline import Said
from ..message import clean
from ..platforms.protocol import Message, Platform, PlatformError, Utterance
from ..topology.model import Chat
from .activity import Attention
from .pending import Case

# Conversations with one platform that go on at the same time, over all chats.
AT_ONCE = 64
# Seconds to wait before a platform that has no answer just now is asked again.
PAUSES = (1.0, 4.0)


class Conversation:
    """Carries messages between chats and their platforms."""

    def __init__(
        self,
        matrix: Matrix,
        setup: Callable[[], Setup],
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
        self.attention = Attention(matrix.sender)
        self._places: dict[str, asyncio.Semaphore] = defaultdict(
            partial(asyncio.Semaphore, AT_ONCE)
        )

    async def answer(self, chat: Chat, case: Case) -> None:
        """Get the platform's answer to a message and send it as a reply.

        Raises:
            UserError, PlatformError: there is no answer, and why.
            NoAnswer, MatrixRequestError: the homeserver failed.
        """
        event_id = case.letter.event_id
        with self.attention.on(chat.room_id, event_id) as answer_is_there:
            if case.answer is None:
                message = Message(
                    platform_chat_id=chat.binding.platform_chat_id,
                    event_id=event_id,
                    text=case.letter.body,
                    history=partial(self._history, chat, event_id),
                )
                case.answer = await self._ask(chat.binding.platform, message)
                crash_point("answered")
                await self.inbox.put_answer(event_id, case.answer)
                crash_point("kept")
            answer_is_there()
            await self.matrix.sender.answer(chat.room_id, case.answer, event_id, case.sent)
            crash_point("sent")

    async def _ask(self, name: str, message: Message) -> str:
        """The whole answer; what may pass by itself is tried again a few times."""
        for pause in (*PAUSES, None):
            try:
                async with self._places[name]:
                    crash_point("asking")
                    return await _collect(self.setup().platform(name), message)
            except PlatformError as error:
                if not error.can_retry or pause is None:
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _history(self, chat: Chat, event_id: EventID, budget: int) -> Sequence[Utterance]:
        """What was said in the chat before, oldest first, in at most `budget` characters."""
        utterances: list[Utterance] = []
        answered: EventID | None = None
        async for said in self._in_turn(chat, event_id):
            utterance = self._utterance(chat, said)
            if utterance is None:
                continue
            budget -= len(utterance.text)
            if budget < 0:
                break
            if said.answers is not None and said.answers == answered:
                # A long answer came in several messages; to the platform it is one.
                text = f"{utterance.text}\n\n{utterances.pop().text}"
                utterance = Utterance("assistant", text)
            answered = said.answers
            utterances.append(utterance)
        return utterances[::-1]

    async def _in_turn(self, chat: Chat, event_id: EventID) -> AsyncIterator[Said]:
        """The chat's messages, newest first, with each answer that came late at its question."""
        late: dict[EventID, list[Said]] = {}
        async for said in self.matrix.timeline.before(chat.room_id, event_id):
            if said.later and said.answers is not None:
                late.setdefault(said.answers, []).append(said)
                continue
            for answer in late.pop(said.answers or said.event_id, ()):
                yield answer
            yield said

    def _utterance(self, chat: Chat, said: Said) -> Utterance | None:
        if said.sender == self.matrix.identity.bot:
            return Utterance("assistant", said.text) if said.answers else None
        if said.sender != chat.owner or self.is_command(said.text):
            return None
        return Utterance("user", said.text)


async def _collect(platform: Platform, message: Message) -> str:
    async with contextlib.aclosing(platform.send(message)) as pieces:
        return clean("".join([piece async for piece in pieces]))
