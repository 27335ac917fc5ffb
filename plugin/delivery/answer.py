"""One message of an owner goes to the platform, and the answer comes back into the chat.

The platform knows its conversation by `platform_chat_id` alone and never sees a room.
"""

from __future__ import annotations

from functools import partial

import attr

from ..cache.inbox import Inbox
from ..cache.pending_message import PendingMessage
from ..failpoints import failpoint
from ..matrix.answers import Answers
from ..message import sanitize
from ..platforms.protocol import PlatformError, Prompt
from ..topology.model import Chat
from ..topology.standing_answer import WHOLE
from . import sentences
from .askings import Askings, Draft
from .endings import CUT_OFF, STOPPED, TOO_LONG
from .history import History
from .last_question import IsQuestion, LastQuestions
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
        askings: lets that be ended.
        questions: what is asked again.
        history: what was said before.
        inbox: keeps an answer until it stands in Matrix.
        answers: puts it there.
        live: shows it while it is written.
        unfinished: ends what was shown of one that breaks off.
        typing: shows that it is on its way.
        notices: tell of a platform that wants to be asked later.
    """

    calls: PlatformCalls
    askings: Askings
    questions: LastQuestions
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
        asked = pending.asked
        with self.typing.answering(chat.room_id, asked.event_id) as answer_is_there:
            while True:
                if pending.question is not None or pending.message.revision is not None:
                    self._take_up(pending)
                if pending.answer is not None or pending.is_withdrawn:
                    break
                await self._ask(chat, pending)
            answer_is_there()
            if pending.is_withdrawn and not pending.standing.is_whole:
                await self.answers.withdraw(chat.room_id, pending.standing)
            elif pending.answer is not None:
                await self._publish(pending, pending.answer)

    async def answer_again(
        self, chat: Chat, pending: PendingMessage, is_question: IsQuestion
    ) -> bool:
        """Ask the last question before a message again, and replace its answer.

        Args:
            chat: where the message was written.
            pending: an edit of the question, or the command to ask it again.
            is_question: whether a message is for the assistant.

        Returns:
            Whether there is such a question.

        Raises:
            UserError, PlatformError, NoAnswer, MatrixRequestError: as for `answer`.
        """
        found = await self.questions.find(pending, is_question)
        if found:
            await self.answer(chat, pending)
        return found

    async def _publish(self, pending: PendingMessage, answer: str) -> None:
        asked, standing, ending = pending.asked, pending.standing, pending.ending
        if not answer and ending.marks and standing.events:
            # Stopped before its turn: what stood there stays.
            answer, ending = standing.text, standing.ending if standing.is_whole else STOPPED
        if answer or not ending.marks:
            await self.answers.publish(asked, answer, standing, ending)
        else:
            await self.notices.sender.add(asked, sentences.NOTHING_CAME)

    def _take_up(self, pending: PendingMessage) -> None:
        """Let the answer say what it takes into account besides its question."""
        if pending.question is not None:
            pending.standing.take_up(pending.message.event_id)
        pending.standing.take_up(pending.asked.revision)

    async def _ask(self, chat: Chat, pending: PendingMessage) -> None:
        """Get an answer and keep it; there is none afterwards if the asking was ended."""
        asked = pending.asked
        prompt = Prompt(
            platform_chat_id=chat.platform_chat_id,
            event_id=asked.key,
            text=asked.body,
            history=partial(self.history.before, chat, asked.event_id),
        )
        draft = Draft(partial(self.notices.platform_waits, asked))
        asking = self.calls.ask(chat.platform, chat.owner, prompt, draft)
        show = partial(self.live.showing, pending, draft)
        try:
            with self.answers.limit.promised():
                answer = await self.askings.run(pending, draft, asking, show)
        except PlatformError:
            if pending.answer is not None:
                # It was stopped at the same moment.
                return
            await self._break_off(pending, draft)
            raise
        if pending.standing.events:
            self.live.renew_late(pending.standing, draft)
        if answer is None or pending.answer is not None:
            # It was ended, or is about to be.
            return
        ending = TOO_LONG if draft.is_too_long else WHOLE
        if pending.question is not None:
            remark = ending.remark or sentences.ASKED_AGAIN
            ending = attr.evolve(ending, remark=remark, of=pending.question.event_id)
        pending.answer, pending.ending = sanitize(answer), ending
        failpoint("answered")
        await self.inbox.put_answer(pending.message.event_id, pending.answer, ending)
        failpoint("kept")

    async def _break_off(self, pending: PendingMessage, draft: Draft) -> None:
        """Keep what came of an answer, if people saw any of it."""
        asked, standing = pending.asked, pending.standing
        if standing.is_whole:
            # Of the new answer nothing was shown: it does not replace the old one.
            return
        if standing.events and draft.size >= standing.size:
            await self.answers.publish(asked, draft.text, standing, CUT_OFF)
        else:
            await self.unfinished.end(asked, standing)
