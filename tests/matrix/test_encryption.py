"""Where maubot can encrypt, nothing goes in clear text into a room that may be encrypted."""

from __future__ import annotations

from typing import Any, cast

import pytest
from maubot.matrix import MaubotMatrixClient
from mautrix.errors import MForbidden
from mautrix.types import EventID, RoomID, UserID

from plugin.matrix.answers import Answers
from plugin.matrix.api import NoAnswer, RetryingAPI
from plugin.matrix.lookups import PREPARING_KEY
from plugin.matrix.render import Renderer, RenderLimits
from plugin.matrix.room_messages import RoomMessages
from plugin.matrix.room_pages import RoomPages
from plugin.matrix.sender import Sender
from plugin.matrix.timeline import Timeline
from plugin.message import IncomingMessage
from plugin.topology.standing_answer import StandingAnswer

from .http_server import BUSY, FORBIDDEN, NOT_FOUND, UNRECOGNIZED, Homeserver, Reply

ROOM = RoomID("!room:one.test")
ASKED = IncomingMessage(EventID("$ask"), ROOM, UserID("@alice:one.test"), "m.text", "Why?", 0)
ENCRYPTION = f"rooms/{ROOM}/state/m.room.encryption/"
MEGOLM = {"algorithm": "m.megolm.v1.aes-sha2"}


class Encrypted:
    """What a client with encryption says of a message: that nobody can read it."""

    def serialize(self) -> dict[str, Any]:
        return {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "…"}


class Client:
    """As much of maubot's client as sending needs; it is its own store of room states."""

    mxid = UserID("@keeper:one.test")

    def __init__(self, encrypted: bool | None = None, crypto: bool = False) -> None:
        self.encrypted = encrypted
        self.crypto = object() if crypto else None
        self.state_store = self
        self.clear: list[tuple[RoomID, str, Any]] = []

    async def is_encrypted(self, _: RoomID) -> bool | None:
        return self.encrypted

    async def set_encryption_info(self, _: RoomID, content: Any) -> None:
        assert content.algorithm
        self.encrypted = True

    async def encrypt(self, room_id: RoomID, event_type: Any, content: Any) -> Encrypted:
        self.clear.append((room_id, str(event_type), content))
        return Encrypted()


def messages(api: RetryingAPI, client: Client) -> RoomMessages:
    return RoomMessages(cast(MaubotMatrixClient, client), api, "main")


def sender(api: RetryingAPI, client: Client) -> Sender:
    return Sender(messages(api, client), Renderer(RenderLimits()))


async def answer_with(api: RetryingAPI, client: Client, text: str) -> None:
    pages = RoomPages(cast(MaubotMatrixClient, client), api)
    timeline = Timeline(pages, Client.mxid, "main")
    answers = Answers(messages(api, client), Renderer(RenderLimits()), timeline)
    await answers.publish(ASKED, text, StandingAnswer())


async def test_in_an_encrypted_room_nothing_goes_out_in_clear_text(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})
    client = Client(encrypted=True, crypto=True)

    await answer_with(api, client, "secret")

    (asked,) = homeserver.asked
    assert asked.body == Encrypted().serialize()
    assert "/send/m.room.encrypted/" in asked.path
    ((_, _, clear),) = client.clear
    assert clear["body"] == "secret"
    assert clear["chat.spacekeeper.answers"] == "$ask"


async def test_how_far_a_greeting_came_can_be_read_without_decryption(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})
    client = Client(encrypted=True, crypto=True)

    await sender(api, client).notice(ROOM, "Hello!", mark=PREPARING_KEY)

    (asked,) = homeserver.asked
    assert asked.body == {**Encrypted().serialize(), PREPARING_KEY: True}


@pytest.mark.parametrize(
    "content",
    [MEGOLM, {}, {"algorithm": ["?"]}, {"algorithm": "m.other"}, ["m.megolm.v1.aes-sha2"]],
)
async def test_a_room_that_the_store_does_not_know_is_asked_for_once(
    homeserver: Homeserver, api: RetryingAPI, content: Any
) -> None:
    """Encryption was turned on while the bot was down: maubot never heard of it."""
    homeserver.tell_all({"event_id": "$sent"})
    homeserver.tell(ENCRYPTION, content)
    client = Client(crypto=True)

    await sender(api, client).notice(ROOM, "secret")
    await sender(api, client).notice(ROOM, "secret")

    assert homeserver.paths("GET") == [ENCRYPTION]
    assert [asked.body for asked in homeserver.asked if asked.method == "PUT"] == 2 * [
        Encrypted().serialize()
    ]


async def test_a_room_that_is_not_encrypted_is_asked_for_once_too(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})
    homeserver.tell(ENCRYPTION, NOT_FOUND)
    bot = sender(api, Client(crypto=True))

    await bot.notice(ROOM, "Hello")
    await bot.notice(ROOM, "Hello")

    assert homeserver.paths("GET") == [ENCRYPTION]
    assert all("/send/m.room.message/" in path for path in homeserver.paths("PUT"))


async def test_a_room_is_asked_for_again_when_that_may_have_changed(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})
    homeserver.tell(ENCRYPTION, NOT_FOUND, NOT_FOUND, MEGOLM)
    bot = sender(api, Client(crypto=True))

    await bot.notice(ROOM, "Hello")
    bot.encryption.forget()
    await bot.notice(ROOM, "Hello")
    bot.encryption.forget(ROOM)
    await bot.notice(ROOM, "Hello")

    kinds = [path.split("/")[3] for path in homeserver.paths("PUT")]
    assert kinds == ["m.room.message", "m.room.message", "m.room.encrypted"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (BUSY, NoAnswer),
        (Reply(502, "<html>"), NoAnswer),
        (Reply(404, "<html>"), NoAnswer),
        (FORBIDDEN, MForbidden),
        (UNRECOGNIZED, Exception),
    ],
    ids=["busy", "proxy", "another's 404", "forbidden", "unknown"],
)
async def test_while_it_is_not_known_nothing_is_sent(
    homeserver: Homeserver, api: RetryingAPI, answer: Reply, error: type[Exception]
) -> None:
    homeserver.tell_all({"event_id": "$sent"})
    homeserver.tell(ENCRYPTION, answer)

    with pytest.raises(error):
        await answer_with(api, Client(crypto=True), "secret")

    assert homeserver.paths("PUT") == []


@pytest.mark.parametrize("encrypted", [True, None])
async def test_where_maubot_cannot_encrypt_nothing_is_asked(
    homeserver: Homeserver, api: RetryingAPI, encrypted: bool | None
) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await sender(api, Client(encrypted)).notice(ROOM, "Hello")

    (asked,) = homeserver.asked
    assert asked.body["body"] == "Hello"
