"""One message of an owner goes to the platform, and the answer comes back into the chat.

The platform knows its conversation by `platform_chat_id` alone and never sees a room.
"""

from __future__ import annotations

from functools import partial

import attr

from ..cache.inbox import Inbox, PendingMessage
from ..failpoints import failpoint
from ..matrix.sender import Sender
from ..message import sanitize
from ..platforms.protocol import Prompt
from ..topology.model import Chat
from .history import History
from .notices import Notices
from .platform_retry import PlatformCalls
from .typing_notice import TypingNotice


@attr.frozen(eq=False)
class Responder:
    """Carries messages between chats and their platforms.

    Attributes:
        calls: asks the platforms.
        history: what was said before.
        inbox: keeps an answer until it stands in Matrix.
        sender: sends it.
        typing: shows that it is on its way.
        notices: tell of a platform that wants to be asked later.
    """

    calls: PlatformCalls
    history: History
    inbox: Inbox
    sender: Sender
    typing: TypingNotice
    notices: Notices

    async def answer(self, chat: Chat, pending: PendingMessage) -> None:
        """Get the platform's answer to a message and send it as a reply.

        Args:
            chat: where the message was written.
            pending: the message; an answer that was had already is not asked for again.

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
            await self.sender.answer(pending.message, pending.answer, pending.sent)

    async def _ask(self, chat: Chat, pending: PendingMessage) -> str:
        event_id = pending.message.event_id
        prompt = Prompt(
            platform_chat_id=chat.platform_chat_id,
            event_id=event_id,
            text=pending.message.body,
            history=partial(self.history.before, chat, event_id),
        )
        tell = partial(self.notices.platform_waits, pending.message)
        answer = await self.calls.ask(chat.platform, chat.owner, prompt, tell)
        return sanitize(answer)
