"""The commands: what people can ask of the bot in their chats and in the control room.

Here they are listed and dispatched; chats.py and admin.py carry most of them out. maubot's own
command handler is not used: it would run beside the messages of a room instead of in their order,
and take an edit for a new command.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import attr

from ..config.permissions import Level
from ..delivery.amend import Amend
from ..message import IncomingMessage, parse_command
from ..topology.model import Chat
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
            "new": Command("!new [title]", "start a new chat", chats.new),
            "chats": Command("!chats", "list your chats", chats.chats),
            "rename": Command(
                "!rename <title>",
                "give a chat another name",
                chats.rename,
                elsewhere="!rename <chat> <title>",
            ),
            "archive": Command(
                "!archive",
                "take a chat out of your Space",
                chats.archive,
                elsewhere="!archive <chat>",
            ),
            "restore": Command("!restore <chat>", "bring an archived chat back", chats.restore),
            "retry": Command("!retry", "answer what was set aside here", self._retry),
            "cancel": Command("!cancel", "give up what waits for an answer here", self._cancel),
            "space": Command("!space", "invite you to your Space again", chats.space),
            "status": Command("!status", "how things are", self._status),
            "admin": Command("!admin status|reconcile", "for administrators", self._admin),
            "help": Command("!help", "this list", self._help),
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
        await self.sender.mark_read(message.room_id, message.event_id)
        request = Request(message, words, chat)
        answer = await self.table[name].run(request)
        await self.sender.reply(message.room_id, answer, message.event_id, request.settled)

    async def _retry(self, request: Request) -> str:
        count = await self.amend.retry(request.message)
        return f"I take up {_messages(count)}." if count else "Nothing is set aside here."

    async def _cancel(self, request: Request) -> str:
        message = request.message
        given_up = await self.amend.cancel(message.room_id, message.event_id)
        # The reply names them, so that no later start takes them up again.
        request.settled.extend(given_up)
        if not given_up:
            return "Nothing waits for an answer here."
        return f"I gave up {_messages(len(given_up))}."

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
        return "\n".join(
            ["Everything you write in a chat goes to its platform, except:", "", *lines]
        )


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
