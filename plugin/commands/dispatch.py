"""The commands: what people can ask of the bot in their chats and in the control room.

Here they are listed and dispatched; chats.py and admin.py carry most of them out. maubot's own
command handler is not used: it would run beside the messages of a room instead of in their order,
and take an edit for a new command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ..cache.pending_message import PendingMessage
from ..config.permissions import Level
from ..errors import UserError
from ..matrix.api import NoAnswer
from ..message import IncomingMessage
from ..topology.model import Chat
from . import sentences
from .admin import Administration
from .arguments import Request
from .chats import ChatCommands
from .command import Command
from .messages import MessageCommands
from .recognize import Invocation, recognize
from .status import describe_chats, describe_instance

Recognize = Callable[[str], Invocation | None]

# CANCEL ends what else waits, STOP an answer; AGAIN has a chat's last question asked again.
CANCEL, STOP, AGAIN = (Invocation(name, "") for name in ("cancel", "stop", "again"))


class Commands:
    """Runs commands and replies to each.

    Attributes:
        recognize: tells which command a message is, or so nearly is that nothing else can be
            meant; any other `!word` is the assistant's.
    """

    def __init__(
        self, chats: ChatCommands, administration: Administration, messages: MessageCommands
    ) -> None:
        self.sender = chats.matrix.sender
        self.routes = chats.routes
        self.reconciler = administration.reconciler
        self.config = administration.config
        self.messages = messages
        self.pending = messages.amend.pending
        self.administration = administration
        self.table = self._list(chats, messages)
        self.recognize: Recognize = partial(recognize, names=self.table, takes=self._takes)

    def _list(self, chats: ChatCommands, messages: MessageCommands) -> Mapping[str, Command]:
        return {
            "new": Command("!new [title]", sentences.HELP_NEW, chats.new, at_once=True),
            "chats": Command("!chats", sentences.HELP_CHATS, chats.chats, at_once=True),
            "rename": Command(
                "!rename <title>",
                sentences.HELP_RENAME,
                chats.rename,
                elsewhere="!rename <chat> <title>",
            ),
            "archive": Command(
                "!archive",
                sentences.HELP_ARCHIVE,
                chats.archive,
                elsewhere="!archive <chat>",
            ),
            "restore": Command("!restore <chat>", sentences.HELP_RESTORE, chats.restore),
            "retry": Command("!retry", sentences.HELP_RETRY, self._retry),
            "again": Command("!again", sentences.HELP_AGAIN, messages.again),
            "stop": Command("!stop", sentences.HELP_STOP, self._stop, at_once=True),
            "cancel": Command("!cancel", sentences.HELP_CANCEL, messages.cancel, at_once=True),
            "space": Command("!space", sentences.HELP_SPACE, chats.space, at_once=True),
            "status": Command("!status", sentences.HELP_STATUS, self._status, at_once=True),
            "admin": Command(
                "!admin status|reconcile",
                sentences.HELP_ADMIN,
                self._admin,
                at_once=True,
                needs_rooms=False,
            ),
            "help": Command(
                "!help", sentences.HELP_HELP, self._help, at_once=True, needs_rooms=False
            ),
        }

    def needs_no_turn(self, command: Invocation) -> bool:
        """Whether a command does not wait for the messages before it."""
        return self.table[command.name].at_once or not command.exact

    def needs_rooms(self, command: Invocation) -> bool:
        """Whether a command makes no sense for somebody without a Space."""
        return command.exact and self.table[command.name].needs_rooms

    def is_command(self, text: str) -> bool:
        """Whether a text is a command, or so nearly that nothing else can be meant."""
        return self.recognize(text) is not None

    def ends_work(self, text: str) -> bool:
        """Whether a text is a command that ends an answer, or more."""
        return self.recognize(text) in (CANCEL, STOP)

    def is_question(self, message: IncomingMessage) -> bool:
        """Whether a message in a chat is for its assistant."""
        return message.is_text and not self.is_command(message.body)

    async def run(self, pending: PendingMessage, command: Invocation, chat: Chat | None) -> None:
        """Run the command in a message and reply to it.

        Args:
            pending: the message. A command that was run is not run again: its answer is kept
                until the homeserver took it.
            command: what `recognize` found in it; outside of the chats anything that has the form
                of a command.
            chat: the chat it was given in; None in the control room.

        Raises:
            UserError: what was asked for cannot be done, and why.
        """
        message = pending.message
        if pending.answer is None:
            try:
                answer = await self._answer(Request(pending, command.words, chat), command)
            except NoAnswer as error:
                # Not tried until it works: what is written next would wait for it.
                raise UserError(sentences.NOT_NOW) from error
            if pending.answer is None:
                await self.pending.keep_answer(pending, answer)
        else:
            answer = pending.answer
        settles: object = None if pending.stops is None else [pending.stops]
        if command == CANCEL:
            settles = {"before": message.event_id}
        await self.sender.reply(message, answer, settles, pending.sent)

    async def _answer(self, request: Request, command: Invocation) -> str:
        if command.name not in self.table:
            return sentences.UNKNOWN.format(name=command.name)
        if not command.exact:
            return sentences.DID_YOU_MEAN.format(name=command.name)
        return await self.table[command.name].run(request)

    def _takes(self, name: str, words: str) -> bool:
        if name == "help" and words:
            return self._named(words) is not None
        return not words or self.table[name].takes_words

    def _named(self, words: str) -> str | None:
        name = words.removeprefix("!").lower()
        return name if name in self.table else None

    async def _retry(self, request: Request) -> str:
        return await self.messages.retry(request, self.is_command)

    async def _stop(self, request: Request) -> str:
        def asks(message: IncomingMessage) -> bool:
            return self.is_question(message) or self.recognize(message.body) == AGAIN

        return await self.messages.stop(request, asks)

    async def _status(self, request: Request) -> str:
        sender, config = request.message.sender, self.config.active
        chats = self.routes.chats_of(sender)
        aside = self.pending.aside.count_in(sender, {chat.room_id for chat in chats})
        status = describe_chats(chats, aside, config)
        if self.config.level_of(sender) < Level.ADMIN:
            return status
        more = describe_instance(self.routes, self.reconciler.last, config)
        return f"{status}\n\n{more}"

    async def _admin(self, request: Request) -> str:
        return await self.administration.run(request.message.sender, request.words)

    async def _help(self, request: Request) -> str:
        admin = self.config.level_of(request.message.sender) >= Level.ADMIN
        lines = {
            name: f"- `{(not request.chat and one.elsewhere) or one.usage}`: {one.does}"
            for name, one in self.table.items()
            if admin or name != "admin"
        }
        if (asked := self._named(request.words)) in lines:
            return lines[asked]
        return "\n".join([sentences.HELP, "", *lines.values()])
