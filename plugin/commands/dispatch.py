"""The commands: what people can ask of the bot in their chats and in the control room.

Here they are listed and dispatched; chats.py and admin.py carry most of them out. maubot's own
command handler is not used: it would run beside the messages of a room instead of in their order,
and take an edit for a new command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import attr

from ..config.permissions import Level
from ..delivery.amend import Amend
from ..message import IncomingMessage, parse_command
from ..topology.model import Chat
from . import sentences
from .admin import Administration
from .arguments import Request
from .chats import ChatCommands
from .status import describe_status


@attr.frozen
class Command:
    """How a command is used, what it does, and what does it; the answer is its return value.

    `elsewhere` is how it is used outside the chat that it is about, if that differs.
    """

    usage: str
    does: str
    run: Callable[[Request], Awaitable[str]]
    elsewhere: str = ""


class Commands:
    """Runs commands and replies to each."""

    def __init__(
        self,
        chats: ChatCommands,
        administration: Administration,
        amend: Amend,
    ) -> None:
        self.sender = chats.matrix.sender
        self.routes = chats.routes
        self.reconciler = administration.reconciler
        self.config = administration.config
        self.amend = amend
        self.administration = administration
        self.table: Mapping[str, Command] = {
            "new": Command("!new [title]", sentences.HELP_NEW, chats.new),
            "chats": Command("!chats", sentences.HELP_CHATS, chats.chats),
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
            "cancel": Command("!cancel", sentences.HELP_CANCEL, self._cancel),
            "space": Command("!space", sentences.HELP_SPACE, chats.space),
            "status": Command("!status", sentences.HELP_STATUS, self._status),
            "admin": Command("!admin status|reconcile", sentences.HELP_ADMIN, self._admin),
            "help": Command("!help", sentences.HELP_HELP, self._help),
        }

    def is_command(self, text: str) -> bool:
        """Whether a message is one of the commands; any other `!word` is the platform's."""
        command = parse_command(text)
        return command is not None and command[0] in self.table

    def is_urgent(self, text: str) -> bool:
        """Whether a message is a command that must not wait for its turn."""
        return parse_command(text) == ("cancel", "")

    async def run(self, message: IncomingMessage, chat: Chat | None) -> None:
        """Run the command in a message and reply to it.

        Args:
            message: the message; `is_command` said yes to it.
            chat: the chat it was given in; None in the control room.

        Raises:
            UserError: what was asked for cannot be done, and why.
        """
        command = parse_command(message.body)
        assert command is not None
        name, words = command
        receipt = asyncio.create_task(self.sender.mark_read(message.room_id, message.event_id))
        try:
            request = Request(message, words, chat)
            answer = await self.table[name].run(request)
            await self.sender.reply(message.room_id, answer, message.event_id, request.settled)
        finally:
            # Nobody waits for a courtesy, and none goes on after the answer.
            receipt.cancel()

    async def _retry(self, request: Request) -> str:
        count = await self.amend.retry(request.message)
        return (
            sentences.TAKEN_UP.format(messages=_messages(count))
            if count
            else sentences.NOTHING_SET_ASIDE
        )

    async def _cancel(self, request: Request) -> str:
        message = request.message
        given_up = await self.amend.cancel(message.room_id, message.event_id)
        # The reply names them, so that no later start takes them up again.
        request.settled.extend(given_up)
        if not given_up:
            return sentences.NOTHING_WAITS
        return sentences.GIVEN_UP.format(messages=_messages(len(given_up)))

    async def _status(self, request: Request) -> str:
        chats = self.routes.chats_of(request.message.sender)
        return describe_status(chats, self.routes, self.reconciler.last, self.config.active)

    async def _admin(self, request: Request) -> str:
        return await self.administration.run(request.message.sender, request.words)

    async def _help(self, request: Request) -> str:
        admin = self.config.level_of(request.message.sender) >= Level.ADMIN
        lines = [
            f"- `{(not request.chat and command.elsewhere) or command.usage}`: {command.does}"
            for name, command in self.table.items()
            if admin or name != "admin"
        ]
        return "\n".join([sentences.HELP, "", *lines])


def _messages(count: int) -> str:
    return sentences.ONE_MESSAGE if count == 1 else sentences.MESSAGES.format(count=count)
