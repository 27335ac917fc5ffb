"""Talks: notices, answers, typing notices and read receipts.

Messages are encrypted where the room is and maubot can; everything else about them is decided
by whoever sends them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any, cast
from uuid import uuid4

from maubot.matrix import MaubotMatrixClient
from mautrix.api import Method, Path
from mautrix.errors import MatrixRequestError
from mautrix.types import JSON, EventID, EventType, RoomID, TextMessageEventContent
from mautrix.util import markdown

from .api import NoAnswer, RetryingAPI

# The event that an answer answers, in the answer's content: tells answers from notices.
ANSWERS_KEY = "chat.spacekeeper.answers"
# In every message of a long answer but the last: tells whether all of it was sent.
CONTINUES_KEY = "chat.spacekeeper.continues"
# The instance that answered.
INSTANCE_KEY = "chat.spacekeeper.instance"
# Messages that were given up, in the content of the notice that says so.
SETTLES_KEY = "chat.spacekeeper.settles"
# In the notice that not all of a chat is told to its platform any more: said once.
LEFT_OUT_KEY = "chat.spacekeeper.left_out"
# Events are limited to 65,536 bytes (client-server API, section 7.1.4), a third of which goes
# where they are encrypted; the rest is left for what stands around the text.
EVENT_BYTES = 42_000
PIECE_BYTES = 12_000
TYPING_MS = 30_000


class Sender:
    """Sends messages as the bot."""

    def __init__(self, client: MaubotMatrixClient, api: RetryingAPI, instance: str) -> None:
        """
        Args:
            client: maubot's client, for its encryption alone.
            api: what the messages are sent with.
            instance: tells this instance's answers from another's on the same account.
        """
        self.client = client
        self.api = api
        self.instance = instance

    @property
    def can_decrypt(self) -> bool:
        """Whether maubot was set up for encryption."""
        return bool(self.client.crypto)

    async def notice(
        self, room_id: RoomID, text: str, reply_to: EventID | None = None, mark: str = ""
    ) -> None:
        """Say something of the bot's own, in Markdown; shown apart from the platform's answers.

        Args:
            room_id: the room.
            text: what to say.
            reply_to: the message that it is a reply to.
            mark: a key that tells later runs what this notice is.
        """
        content = _content("m.notice", text, reply_to) | ({mark: True} if mark else {})
        await self._send(room_id, content, str(uuid4()))

    async def reply(
        self, room_id: RoomID, text: str, question: EventID, settled: Sequence[EventID] = ()
    ) -> None:
        """Answer a message with a notice, which settles it; saying it again does no harm.

        Args:
            room_id: the room.
            text: the notice, in Markdown.
            question: the message it answers.
            settled: further messages that need no answer after this one.
        """
        content = {**_content("m.notice", text, question), **self._mark(question)}
        if settled:
            content[SETTLES_KEY] = list(settled)
        await self._send(room_id, content, f"{question}-reply")

    async def answer(self, room_id: RoomID, text: str, question: EventID, sent: int = 0) -> None:
        """Send the platform's answer as a reply, in as many messages as its length takes; sending
        the same answer again does no harm.

        Args:
            room_id: the chat.
            text: the answer, in Markdown.
            question: the message it answers.
            sent: how many of the messages stand in the room already.
        """
        contents = _contents_of(text, question)
        for number, content in list(enumerate(contents))[sent:]:
            content.update(self._mark(question))
            if number < len(contents) - 1:
                content[CONTINUES_KEY] = True
            await self._send(room_id, content, f"{question}-{number}")

    def _mark(self, question: EventID) -> dict[str, str]:
        return {ANSWERS_KEY: question, INSTANCE_KEY: self.instance}

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
        store = self.client.state_store
        if self.client.crypto and store and await store.is_encrypted(room_id):
            clear = TextMessageEventContent.deserialize(cast(JSON, content))
            encrypted = await self.client.encrypt(room_id, EventType.ROOM_MESSAGE, clear)
            event_type, content = "m.room.encrypted", encrypted.serialize()
        path = Path.v3.rooms[room_id].send[event_type][f"{self.instance}-{key}"]
        await self.api.request(Method.PUT, path, content)


def _content(msgtype: str, text: str, reply_to: EventID | None) -> dict[str, Any]:
    content: dict[str, Any] = {
        "msgtype": msgtype,
        "body": text,
        "format": "org.matrix.custom.html",
        "formatted_body": markdown.render(text),
        # An empty list of mentions: nobody is pinged by a name in an answer (section 11.38).
        "m.mentions": {},
    }
    if reply_to is not None:
        content["m.relates_to"] = {"m.in_reply_to": {"event_id": reply_to}}
    return content


def _contents_of(text: str, question: EventID) -> list[dict[str, Any]]:
    """Cut an answer into as many messages as it takes, always in the same places; the first of
    them is the reply."""
    limit = PIECE_BYTES
    while True:
        first, *others = split_text(text, limit)
        contents = [_content("m.text", first, question)]
        contents += [_content("m.text", piece, None) for piece in others]
        # A piece stands in its event twice, as text and as HTML, escaped as JSON.
        if all(len(json.dumps(content)) <= EVENT_BYTES for content in contents):
            return contents
        limit //= 2


def split_text(text: str, limit: int = PIECE_BYTES) -> list[str]:
    """Cut a text into pieces of at most `limit` bytes of UTF-8, at the best place there is.

    A paragraph's end is better than a line's, a line's better than a word's; a piece without
    any of them is cut between characters. Nothing but white space at the cuts is left out.
    """
    pieces = []
    text = text.strip()
    while len(text.encode()) > limit:
        head = text.encode()[:limit].decode(errors="ignore")
        cut = next((at for mark in ("\n\n", "\n", " ") if (at := head.rfind(mark)) > 0), len(head))
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*pieces, text]
