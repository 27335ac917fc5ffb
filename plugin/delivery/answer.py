"""One message of an owner goes to the platform, and the answer comes back into the chat.

The platform knows its conversation by `platform_chat_id` alone and never sees a room.
"""

from __future__ import annotations

from functools import partial

import attr

from ..cache.inbox import Inbox, PendingMessage
from ..failpoints import failpoint
from ..matrix.answers import CUT_OFF, Answers
from ..message import sanitize
from ..platforms.protocol import PlatformError, Prompt
from ..topology.model import Chat
from . import sentences
from .draft import Draft
from .history import History
from .live_answer import LiveAnswers
from .notices import Notices
from .platform_retry import PlatformCalls
from .typing_notice import TypingNotice
from .unfinished import Unfinished


@attr.frozen(eq=False)
class Responder:
    """Carries messages between chats and their platforms.

    Attributes:
        calls: asks the platforms.
        history: what was said before.
        inbox: keeps an answer until it stands in Matrix.
        answers: puts it there.
        live: shows it while it is written.
        unfinished: ends what was shown of one that breaks off.
        typing: shows that it is on its way.
        notices: tell of a platform that wants to be asked later.
    """

    calls: PlatformCalls
    history: History
    inbox: Inbox
    answers: Answers
    live: LiveAnswers
    unfinished: Unfinished
    typing: TypingNotice
    notices: Notices

    async def answer(self, chat: Chat, pending: PendingMessage) -> None:
        """Get the platform's answer to a message and let it stand in the chat.

        Args:
            chat: where the message was written.
            pending: the message; an answer that was had already is not asked for again, and what
                stands of one is gone on with.

        Raises:
            UserError, PlatformError: there is no answer, and why.
            NoAnswer, MatrixRequestError: the homeserver failed.
        """
        event_id = pending.message.event_id
        with self.typing.answering(chat.room_id, event_id) as answer_is_there:
            if pending.answer is None:
                pending.answer = await self._ask(chat, pending)
                failpoint("answered")
                await self.inbox.put_answer(event_id, pending.answer)
                failpoint("kept")
            answer_is_there()
            await self.answers.publish(pending.message, pending.answer, pending.standing)

    async def _ask(self, chat: Chat, pending: PendingMessage) -> str:
        event_id = pending.message.event_id
        prompt = Prompt(
            platform_chat_id=chat.platform_chat_id,
            event_id=event_id,
            text=pending.message.body,
            history=partial(self.history.before, chat, event_id),
        )
        draft = Draft(partial(self.notices.platform_waits, pending.message))
        try:
            async with self.live.showing(pending, draft):
                answer = await self.calls.ask(chat.platform, chat.owner, prompt, draft)
        except PlatformError:
            await self._break_off(pending, draft)
            raise
        return sanitize(answer)

    async def _break_off(self, pending: PendingMessage, draft: Draft) -> None:
        """Keep what came of an answer, if people saw any of it."""
        message, standing = pending.message, pending.standing
        if standing.events and draft.size >= standing.size:
            text = f"{draft.text}\n\n{sentences.BREAKS_OFF}"
            await self.answers.publish(message, text, standing, CUT_OFF)
        else:
            await self.unfinished.end(message, standing)
