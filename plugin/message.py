"""A message of a person, as it is kept until it is answered.

Everything that is needed to answer it, and nothing that ties it to the library it came from: it
goes into the database and comes back after a crash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeGuard
from urllib.parse import unquote

import attr
from mautrix.types import EventID, RoomID, UserID

TEXT_TYPES = ("m.text", "m.emote")
# What a reply's text begins with if it quotes what is replied to: a message, or an emote.
QUOTES = ("> <", "> * <")
# A link to a user, as clients wrote a mention before there was `m.mentions`.
USER_LINK = re.compile(r"https://matrix\.to/#/((?:@|%40)[^\s\"'<>?]+)")
# Nobody means more people than this by name.
MOST_MENTIONS = 50
# Bytes; what is longer is no event's id.
LONGEST_EVENT_ID = 255
# The one character that PostgreSQL does not take.
UNSENDABLE = "\0"
# The largest number of canonical JSON (appendices, section 3.1).
LATEST = 2**53 - 1


@attr.frozen
class IncomingMessage:
    """One message, in clear text.

    Attributes:
        sent_at: when it was sent, in milliseconds since the epoch, as its server says.
        replaces: the message that this one is an edit of.
        mentions: the users whom it mentions on purpose.
        thread: the message whose thread it was written in.
        revision: what made it what it is now, if not its writing: the last edit, or the command
            to ask it again.
        edited_at: when its last edit was sent, as `sent_at`.
    """

    event_id: EventID
    room_id: RoomID
    sender: UserID
    msgtype: str
    body: str
    sent_at: int
    replaces: EventID | None = None
    mentions: tuple[UserID, ...] = ()
    thread: EventID | None = None
    revision: EventID | None = None
    edited_at: int = 0

    @property
    def order(self) -> tuple[int, EventID]:
        """By which the last of several edits is told (client-server API, section 11.37)."""
        return self.sent_at, self.event_id

    @property
    def key(self) -> EventID:
        """What a platform knows it by: another text is another question."""
        return self.revision or self.event_id

    def edited(self, edit: IncomingMessage) -> IncomingMessage:
        """This message as an edit of it leaves it; what another person wrote is no edit. An edit
        that was sent before one that counts already changes nothing, however late it comes
        (client-server API, section 11.37)."""
        if edit.sender != self.sender or edit.order < (self.edited_at, self.revision or ""):
            return self
        return attr.evolve(
            self,
            msgtype=edit.msgtype,
            body=edit.body,
            revision=edit.event_id,
            edited_at=edit.sent_at,
        )

    @property
    def is_text(self) -> bool:
        """Whether there is anything in it that a platform can read."""
        return self.msgtype in TEXT_TYPES


def _is_reply(content: Mapping[str, Any]) -> bool:
    relation = content.get("m.relates_to")
    return isinstance(relation, dict) and isinstance(relation.get("m.in_reply_to"), dict)


def trim_reply_fallback(text: str) -> str:
    """A reply's text without the lines in front of it that quote what is replied to, as clients
    wrote them before Matrix 1.13 (client-server API 1.12, section 11.19.1). maubot trims what it
    delivers by the same rule.

    Args:
        text: the body of a reply.
    """
    if not text.startswith(QUOTES) or "\n" not in text:
        return text
    lines = text.split("\n")
    start = next((at for at, line in enumerate(lines) if not line.startswith("> ")), len(lines))
    return "\n".join(lines[start:]).strip()


def parse_message(event: Mapping[str, Any]) -> IncomingMessage | None:
    """The message in an event, or None if it holds none.

    Args:
        event: a message event in clear text, with its `room_id`; read tolerantly.
    """
    content = event.get("content")
    if event.get("type") != "m.room.message" or not isinstance(content, dict):
        return None
    relation = content.get("m.relates_to")
    relation = relation if isinstance(relation, dict) else {}
    kind, related = relation.get("rel_type"), relation.get("event_id")
    related = EventID(related) if isinstance(related, str) and _is_event_id(related) else None
    if kind == "m.replace":
        content = content.get("m.new_content")
        if related is None or not isinstance(content, dict):
            return None
    body = content.get("body")
    if isinstance(body, str) and body.startswith(QUOTES) and _is_reply(content):
        content = {**content, "body": trim_reply_fallback(body)}
    values: dict[str, Any] = {key: event.get(key) for key in ("event_id", "room_id", "sender")}
    values |= {key: content.get(key) for key in ("msgtype", "body")}
    if not all(isinstance(value, str) for value in values.values()):
        return None
    values["body"] = sanitize(values["body"])
    sent_at = event.get("origin_server_ts")
    return IncomingMessage(
        **values,
        sent_at=sent_at if is_time(sent_at) else 0,
        replaces=related if kind == "m.replace" else None,
        thread=related if kind == "m.thread" else None,
        mentions=_mentions(content),
    )


def _is_event_id(text: str) -> bool:
    """Whether an event may have this id (appendices, section 4.2): others may write anything."""
    return 0 < len(text.encode(errors="surrogatepass")) <= LONGEST_EVENT_ID


def restore_message(fields: Any) -> IncomingMessage | None:
    """The message that was kept, or None if that makes none any more: a database may be damaged,
    or edited by hand.

    Args:
        fields: what was kept, by the names of the attributes.
    """
    if not isinstance(fields, dict) or not isinstance(fields.get("mentions", []), list):
        return None
    try:
        message = IncomingMessage(**{**fields, "mentions": tuple(fields.get("mentions", ()))})
    except TypeError:
        return None
    texts = (message.event_id, message.room_id, message.sender, message.msgtype, message.body)
    perhaps = (message.replaces, message.thread)
    usable = (
        all(isinstance(one, str) for one in (*texts, *message.mentions))
        and all(one is None or isinstance(one, str) for one in perhaps)
        and is_time(message.sent_at)
        and is_time(message.edited_at)
    )
    return message if usable else None


def is_time(value: Any) -> TypeGuard[int]:
    """Whether these are milliseconds since the epoch."""
    return type(value) is int and 0 <= value <= LATEST


def _mentions(content: Mapping[str, Any]) -> tuple[UserID, ...]:
    """The users whom a message mentions (client-server API, section 11.38)."""
    named, html = content.get("m.mentions"), content.get("formatted_body")
    users: Any = named.get("user_ids") if isinstance(named, dict) else None
    if not isinstance(named, dict) and isinstance(html, str):
        users = [unquote(match[1]) for match in USER_LINK.finditer(html)]
    if not isinstance(users, list):
        return ()
    return tuple(UserID(user) for user in users if isinstance(user, str))[:MOST_MENTIONS]


def sanitize(text: str) -> str:
    """The text as it can be stored and sent: halves of a character that was cut in two are put
    together or replaced, and UNSENDABLE is left out."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace(UNSENDABLE, "")
