"""Talks: notices, answers, typing notices and read receipts.

Messages are encrypted where the room is and maubot can; what they say is decided elsewhere.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

import attr
from maubot.matrix import MaubotMatrixClient
from mautrix.api import Method, Path
from mautrix.errors import MatrixRequestError
from mautrix.types import JSON, EventID, EventType, RoomID, TextMessageEventContent

from ..message import IncomingMessage, sanitize
from .api import NoAnswer, RetryingAPI
from .encryption import RoomEncryption
from .lookups import GREETING_KEYS
from .render import MARKUP, Renderer, RenderLimits
from .split import split_message

# The event that an answer answers, in the answer's content: tells answers from notices.
ANSWERS_KEY = "chat.spacekeeper.answers"
# In every message of a long answer but the last: tells whether all of it was sent.
CONTINUES_KEY = "chat.spacekeeper.continues"
# The instance that answered.
INSTANCE_KEY = "chat.spacekeeper.instance"
# Up to where messages were given up, in the content of the notice that says so: those before an
# event. Earlier versions listed them.
SETTLES_KEY = "chat.spacekeeper.settles"
# In the notice that not all of a chat is told to its platform any more: said once.
LEFT_OUT_KEY = "chat.spacekeeper.left_out"
# Events are limited to 65,536 bytes (client-server API, section 7.1.4), a third of which goes
# where they are encrypted; the rest is left for what stands around the text.
EVENT_BYTES = 42_000
# Characters of a text that needs no cutting, whatever it takes to write them in JSON.
SHORT = 1500
TYPING_MS = 30_000


@attr.frozen
class _Speech:
    """One thing to say, in as many messages as its length takes.

    Attributes:
        room_id: where.
        text: in Markdown.
        key: what its transaction ids are made from.
        asked: the message that it is a reply to.
        msgtype: what kind of message it is.
        settles: nothing else needs to be said to `asked` after this.
        last_marks: further content of the last.
    """

    room_id: RoomID
    text: str
    key: str
    asked: IncomingMessage | None
    msgtype: str = "m.notice"
    settles: bool = False
    last_marks: Mapping[str, Any] = {}


class Sender:
    """Sends messages as the bot."""

    def __init__(self, client: MaubotMatrixClient, api: RetryingAPI, instance: str) -> None:
        """
        Args:
            client: maubot's client, for its encryption alone.
            api: what the messages are sent with.
            instance: tells this instance's answers from another's on the same account.
        """
        self.client, self.api, self.instance = client, api, instance
        self.encryption = RoomEncryption(client, api)
        self.renderer = Renderer(RenderLimits())

    @property
    def can_decrypt(self) -> bool:
        """Whether maubot was set up for encryption."""
        return bool(self.client.crypto)

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
        self, asked: IncomingMessage, text: str, settles_earlier: bool = False, sent: int = 0
    ) -> None:
        """Answer a message with a notice, which settles it; saying it again does no harm.

        Args:
            asked: the message.
            text: the notice, in Markdown.
            settles_earlier: whatever was written before that message needs no answer, either.
            sent: how many of its messages stand in the room already.
        """
        # However many those are: a list of them need not fit into an event.
        last = {SETTLES_KEY: {"before": asked.event_id}} if settles_earlier else {}
        key = f"{asked.event_id}-reply"
        speech = _Speech(asked.room_id, text, key, asked, settles=True, last_marks=last)
        await self._say(speech, sent)

    async def answer(self, asked: IncomingMessage, text: str, sent: int = 0) -> None:
        """Send the platform's answer as a reply, in as many messages as its length takes; sending
        the same answer again does no harm.

        Args:
            asked: the message it answers.
            text: the answer, in Markdown.
            sent: how many of the messages stand in the room already.
        """
        speech = _Speech(asked.room_id, text, asked.event_id, asked, "m.text", settles=True)
        await self._say(speech, sent)

    async def _say(self, speech: _Speech, sent: int = 0) -> None:
        text = sanitize(speech.text)
        pieces = [text.strip()] if len(text) <= SHORT else split_message(text)
        last = len(pieces) - 1
        with_looks = True
        for number, piece in list(enumerate(pieces))[sent:]:
            content = self._content(speech, piece, first=number == 0)
            # What one piece takes too long for is not tried with the next.
            if with_looks and MARKUP.search(piece):
                with_looks = await self._add_looks(content)
            if number == last:
                content.update(speech.last_marks)
            elif speech.settles:
                content[CONTINUES_KEY] = True
            await self._send(speech.room_id, content, f"{speech.key}-{number}")

    def _content(self, speech: _Speech, text: str, first: bool) -> dict[str, Any]:
        # An empty list of mentions: nobody is pinged by a name in an answer (section 11.38).
        content: dict[str, Any] = {"msgtype": speech.msgtype, "body": text, "m.mentions": {}}
        if (asked := speech.asked) is None:
            return content
        relation: dict[str, Any] = {"m.in_reply_to": {"event_id": asked.event_id}}
        if asked.thread is not None:
            # Clients that know no threads show the reply (section "Threading").
            relation |= {"rel_type": "m.thread", "event_id": asked.thread, "is_falling_back": True}
        if first or asked.thread is not None:
            content["m.relates_to"] = relation
        if speech.settles:
            content |= {ANSWERS_KEY: asked.event_id, INSTANCE_KEY: self.instance}
        return content

    async def _add_looks(self, content: dict[str, Any]) -> bool:
        """Let a message show what its Markdown means, if that fits; whether it was rendered."""
        html = await self.renderer.render(content["body"])
        formatted = {"format": "org.matrix.custom.html", "formatted_body": html}
        if html is not None and len(json.dumps({**content, **formatted})) <= EVENT_BYTES:
            content.update(formatted)
        return html is not None

    async def typing(self, room_id: RoomID, active: bool) -> None:
        """Show, or stop showing, that an answer is on its way."""
        path = Path.v3.rooms[room_id].typing[self.client.mxid]
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
            await self.api.request(method, path, body)

    async def _send(self, room_id: RoomID, content: dict[str, Any], key: str) -> None:
        """Send a message; of several with the same key the homeserver keeps the first
        (client-server API, section 5.3: transaction ids)."""
        event_type = "m.room.message"
        if self.client.crypto and await self.encryption.is_on(room_id):
            clear = TextMessageEventContent.deserialize(cast(JSON, content))
            encrypted = await self.client.encrypt(room_id, EventType.ROOM_MESSAGE, clear)
            # Read by lookups that decrypt nothing.
            marks = {key: content[key] for key in GREETING_KEYS if key in content}
            event_type, content = "m.room.encrypted", {**encrypted.serialize(), **marks}
        path = Path.v3.rooms[room_id].send[event_type][f"{self.instance}-{key}"]
        await self.api.request(Method.PUT, path, content)
