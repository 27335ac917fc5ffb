"""Talks: the bot's own notices and replies, typing notices and read receipts.

What an assistant says is in answers.py; how a message gets into its room, in room_messages.py.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import attr
from mautrix.api import Method, Path
from mautrix.errors import MatrixRequestError
from mautrix.types import EventID, RoomID

from ..message import IncomingMessage
from ..topology.standing_answer import CONTINUES_KEY
from .api import NoAnswer
from .marks import SETTLES_KEY
from .message_content import Looks, cut, make_content, make_reply, mark_answer
from .render import Renderer
from .room_messages import RoomMessages

TYPING_MS = 30_000


@attr.frozen
class _Speech:
    """One thing to say, in as many messages as its length takes.

    Attributes:
        room_id: where.
        text: in Markdown.
        key: what its keys are made from.
        asked: the message that it is a reply to.
        settles: nothing else needs to be said to `asked` after this.
        last_marks: further content of the last.
    """

    room_id: RoomID
    text: str
    key: str
    asked: IncomingMessage | None
    settles: bool = False
    last_marks: Mapping[str, Any] = {}


class Sender:
    """Says what the bot says by itself."""

    def __init__(self, messages: RoomMessages, renderer: Renderer) -> None:
        """
        Args:
            messages: sends them.
            renderer: gives them their looks.
        """
        self.messages = messages
        self.encryption = messages.encryption
        self._api = messages.api
        self._renderer = renderer

    @property
    def can_decrypt(self) -> bool:
        """Whether maubot was set up for encryption."""
        return bool(self.messages.client.crypto)

    async def notice(
        self, room_id: RoomID, text: str, asked: IncomingMessage | None = None, mark: str = ""
    ) -> None:
        """Say something of the bot's own, in Markdown; shown apart from the platform's answers.

        Args:
            room_id: the room.
            text: the notice, in Markdown.
            asked: the message that it is a reply to, if it is one.
            mark: a key that tells later runs what this notice is.
        """
        last = {mark: True} if mark else {}
        await self._say(_Speech(room_id, text, str(uuid4()), asked, last_marks=last))

    async def reply(
        self, asked: IncomingMessage, text: str, settles: object = None, sent: int = 0
    ) -> None:
        """Answer a message with a notice, which settles it. There is one such reply to each
        message: saying it again does no harm, and another is not said.

        Args:
            asked: the message.
            text: the notice, in Markdown.
            settles: what else needs no answer after it, as SETTLES_KEY says it.
            sent: how many of its messages stand in the room already.
        """
        last = {} if settles is None else {SETTLES_KEY: settles}
        key = f"{asked.event_id}-reply"
        speech = _Speech(asked.room_id, text, key, asked, settles=True, last_marks=last)
        await self._say(speech, sent)

    async def add(self, asked: IncomingMessage, remark: str) -> None:
        """Say something more about a message, which may have had its reply; it settles the
        message, and saying it again about the same asking does no harm.

        Args:
            asked: the message, as it was asked last.
            remark: the notice, in Markdown: one that is always worded the same.
        """
        said = hashlib.sha256(remark.encode()).hexdigest()[:8]
        key = f"{asked.key}-also-{said}"
        await self._say(_Speech(asked.room_id, remark, key, asked, settles=True))

    async def _say(self, speech: _Speech, sent: int = 0) -> None:
        pieces, looks, asked = cut(speech.text), Looks(self._renderer), speech.asked
        for number, piece in list(enumerate(pieces))[sent:]:
            content, is_last = make_content(piece, "m.notice"), number == len(pieces) - 1
            if asked is not None and (number == 0 or asked.thread is not None):
                content["m.relates_to"] = make_reply(asked)
            if asked is not None and speech.settles:
                marks = () if is_last else (CONTINUES_KEY,)
                content |= mark_answer(asked, self.messages.instance, marks)
            await looks.add(content)
            content |= speech.last_marks if is_last else {}
            await self.messages.send(speech.room_id, content, f"{speech.key}-{number}")

    async def typing(self, room_id: RoomID, active: bool) -> None:
        """Show, or stop showing, that an answer is on its way."""
        path = Path.v3.rooms[room_id].typing[self.messages.client.mxid]
        body = {"typing": True, "timeout": TYPING_MS} if active else {"typing": False}
        await self._best_effort(Method.PUT, path, body)

    async def mark_read(self, room_id: RoomID, event_id: EventID) -> None:
        """Show that a message was seen."""
        await self._best_effort(
            Method.POST, Path.v3.rooms[room_id].receipt["m.read"][event_id], {}
        )

    async def _best_effort(self, method: Method, path: Any, body: dict[str, Any]) -> None:
        # Nobody misses one of these, and no answer may fail for the lack of it.
        with contextlib.suppress(MatrixRequestError, NoAnswer):
            await self._api.request(method, path, body)
