"""The commands: what people can ask of the bot in their chats and in the control room.

They are told apart here and not by maubot's own command handler: that one would run beside the
messages of a room instead of in their order, and take an edit for a new command.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping

import attr
from mautrix.types import EventID

from ..crash import crash_point
from ..curation import Curation
from ..errors import UserError
from ..letter import Letter
from ..permissions import Level
from ..reconciliation import Reconciliation
from ..setup import Setup
from ..topology.model import Chat, Status
from .administration import Administration
from .intake import Intake
from .links import link, plain, room_url
from .status import describe_status

COMMAND = re.compile(r"!([a-z]+)(?:\s+(.*))?", re.DOTALL)
HANDLE = re.compile(r"[cC]?([1-9][0-9]{0,8})")
LONGEST_TITLE = 250


@attr.frozen
class Request:
    """One command as it was given: the words behind its name, and the chat it was given in;
    `settled` takes the other messages that its reply settles."""

    letter: Letter
    words: str
    chat: Chat | None
    settled: list[EventID] = attr.field(factory=list)


@attr.frozen
class Command:
    """How a command is used, what it does, and what does it; the answer is its return value."""

    usage: str
    does: str
    run: Callable[[Request], Awaitable[str]]


class Commands:
    """Runs commands and replies to each."""

    def __init__(
        self,
        curation: Curation,
        reconciliation: Reconciliation,
        setup: Callable[[], Setup],
        intake: Intake,
    ) -> None:
        self.curation = curation
        self.provisioning = curation.provisioning
        self.matrix = curation.matrix
        self.slot = curation.slot
        self.reconciliation = reconciliation
        self.setup = setup
        self.intake = intake
        self.administration = Administration(reconciliation, setup)
        self.table: Mapping[str, Command] = {
            "new": Command("!new [title]", "start a new chat", self._new),
            "chats": Command("!chats", "list your chats", self._chats),
            "rename": Command("!rename <title>", "give this chat another name", self._rename),
            "archive": Command("!archive", "take this chat out of your Space", self._archive),
            "restore": Command("!restore <chat>", "bring an archived chat back", self._restore),
            "retry": Command("!retry", "answer what was set aside here", self._retry),
            "cancel": Command("!cancel", "give up what waits for an answer here", self._cancel),
            "space": Command("!space", "invite you to your Space again", self._space),
            "status": Command("!status", "how things are", self._status),
            "admin": Command("!admin status|reconcile", "for administrators", self._admin),
            "help": Command("!help", "this list", self._help),
        }

    def is_command(self, text: str) -> bool:
        """Whether a message is one of the commands; any other `!word` is the platform's."""
        match = COMMAND.fullmatch(text.strip())
        return match is not None and match[1] in self.table

    def is_urgent(self, text: str) -> bool:
        """Whether a message is a command that must not wait for its turn."""
        return text.strip() == "!cancel"

    async def run(self, letter: Letter, chat: Chat | None) -> None:
        """Run the command in a message and reply to it.

        Args:
            letter: the message; `is_command` said yes to it.
            chat: the chat it was given in; None in the control room.

        Raises:
            UserError: what was asked for cannot be done, and why.
        """
        match = COMMAND.fullmatch(letter.body.strip())
        assert match is not None
        await self.matrix.sender.mark_read(letter.room_id, letter.event_id)
        request = Request(letter, (match[2] or "").strip(), chat)
        answer = await self.table[match[1]].run(request)
        crash_point("commanded")
        await self.matrix.sender.reply(letter.room_id, answer, letter.event_id, request.settled)

    async def _new(self, request: Request) -> str:
        title = _title(request.words)
        room_id = request.letter.room_id

        async def tell(wait: float) -> None:
            await self.matrix.sender.notice(room_id, busy(wait), request.letter.event_id)

        owner, key = request.letter.sender, request.letter.event_id
        chat = await self.provisioning.make_chat(owner, title, key, tell)
        return (
            f"{await self._link(chat)} is ready, as `{chat.binding.chat_id}`. Write to me there."
        )

    async def _chats(self, request: Request) -> str:
        owner = request.letter.sender
        chats = [
            chat for chat in self.slot.current.chats_of(owner) if chat.status is not Status.LOST
        ]
        if not chats:
            return "You have no chats yet. `!new` starts one."
        links = await asyncio.gather(*(self._link(chat) for chat in chats))
        lines = [
            f"- `{chat.binding.chat_id}` {name}"
            + (" (archived)" if chat.status is Status.ARCHIVED else "")
            for chat, name in zip(chats, links, strict=True)
        ]
        return "\n".join(["Your chats:", "", *lines])

    async def _rename(self, request: Request) -> str:
        chat, title = request.chat, request.words
        if chat is None:
            handle, _, title = request.words.partition(" ")
            usage = "`!rename <chat> <title>`, for example `!rename C2 Holiday plans`"
            chat = self._find(request, handle, usage)
        title = _title(title)
        if not title:
            raise UserError("Which name shall it have? Usage: `!rename <title>`")
        await self.curation.rename(chat, title)
        return f"`{chat.binding.chat_id}` is now called {plain(title)}."

    async def _archive(self, request: Request) -> str:
        chat = request.chat
        if chat is None or request.words:
            usage = "`!archive` in a chat, or `!archive <chat>`, for example `!archive C2`"
            chat = self._find(request, request.words, usage)
        handle = chat.binding.chat_id
        if chat.status is Status.ARCHIVED:
            return f"`{handle}` is archived already."
        await self.curation.archive(chat)
        return (
            f"`{handle}` is archived: it left your Space and I no longer answer in it. "
            f"`!restore {handle}` brings it back."
        )

    async def _restore(self, request: Request) -> str:
        usage = "`!restore <chat>`, for example `!restore C2`; `!chats` lists them"
        chat = self._find(request, request.words, usage)
        if chat.status is Status.LOST:
            raise UserError(f"I am no longer in the room of `{chat.binding.chat_id}`.")
        chat = await self.curation.restore(chat)
        return f"{await self._link(chat)} is in your Space, as `{chat.binding.chat_id}`."

    async def _retry(self, request: Request) -> str:
        count = await self.intake.retry(request.letter.room_id)
        return f"I take up {_messages(count)}." if count else "Nothing is set aside here."

    async def _cancel(self, request: Request) -> str:
        letter = request.letter
        given_up = await self.intake.give_up(letter.room_id, letter.event_id)
        # The reply names them, so that no later start takes them up again.
        request.settled.extend(given_up)
        if not given_up:
            return "Nothing waits for an answer here."
        return f"I gave up {_messages(len(given_up))}."

    async def _space(self, request: Request) -> str:
        home = await self.provisioning.make_home(request.letter.sender)
        invited = await self.provisioning.invite_back(home.space.room_id, home.space.owner)
        name = await self.matrix.reader.state_value(home.space.room_id, "m.room.name", "name", "")
        url = room_url(home.space.room_id, self.setup().bot, home.space.owner)
        where = link(name or "your Space", url)
        return f"I invited you to {where} again." if invited else f"Your chats are in {where}."

    async def _status(self, request: Request) -> str:
        chats = self.slot.current.chats_of(request.letter.sender)
        return describe_status(chats, self.slot.current, self.reconciliation.last, self.setup())

    async def _admin(self, request: Request) -> str:
        return await self.administration.run(request.letter.sender, request.words)

    async def _help(self, request: Request) -> str:
        admin = self.setup().level_of(request.letter.sender) >= Level.ADMIN
        lines = [
            f"- `{command.usage}`: {command.does}"
            for name, command in self.table.items()
            if admin or name != "admin"
        ]
        return "\n".join(
            ["Everything you write in a chat goes to its platform, except:", "", *lines]
        )

    def _find(self, request: Request, words: str, usage: str) -> Chat:
        match = HANDLE.fullmatch(words)
        if match is None:
            raise UserError(f"Which chat? Usage: {usage}.")
        for chat in self.slot.current.chats_of(request.letter.sender):
            if chat.binding.number == int(match[1]):
                return chat
        raise UserError(f"You have no chat `C{match[1]}`. `!chats` lists the ones you have.")

    async def _link(self, chat: Chat) -> str:
        name = await self.matrix.reader.state_value(chat.room_id, "m.room.name", "name", "")
        url = room_url(chat.room_id, self.setup().bot, chat.owner)
        return link(name or chat.binding.chat_id, url)


def busy(wait: float) -> str:
    """What somebody is told whose room has to wait, in seconds."""
    minutes = max(1, round(wait / 60))
    return (
        "The homeserver lets me make only so many rooms at a time. Yours will take about "
        f"{minutes} minute{'s' if minutes > 1 else ''}; I keep trying."
    )


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _title(words: str) -> str:
    title = " ".join(words.split())
    if len(title) > LONGEST_TITLE:
        raise UserError(f"That name is too long; {LONGEST_TITLE} characters are the most.")
    return title
