"""What was said before: newest first, each message as its last edit left it."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from maubot.matrix import MaubotMatrixClient
from mautrix.errors import DecryptionError, MForbidden
from mautrix.types import EncryptedEvent, Event, EventID, RoomID, UserID

from plugin.matrix.api import NoAnswer, RetryingAPI
from plugin.matrix.room_pages import RoomPages, TooLong
from plugin.matrix.timeline import Timeline
from plugin.matrix.timeline_message import TimelineMessage

from .http_server import FORBIDDEN, Homeserver

ROOM = RoomID("!room:one.test")
PATH = "rooms/!room:one.test/messages"
ALICE, BOT = "@alice:one.test", "@keeper:one.test"
NOW = EventID("$now")
NOW_EVENT = {"event_id": NOW, "type": "m.room.message", "sender": ALICE, "content": {}}


class Client:
    """As much of maubot's client as reading needs: it decrypts what says "readable"."""

    def __init__(self, crypto: bool = True) -> None:
        self.crypto = self if crypto else None

    async def decrypt_megolm_event(self, event: EncryptedEvent) -> Event:
        if event.content.serialize().get("ciphertext") != "readable":
            raise DecryptionError("No session.")
        clear = {**message("$e", "in secret"), "room_id": ROOM, "origin_server_ts": 1}
        decrypted: Event = Event.deserialize(clear)
        return decrypted


def message(event_id: str, text: Any, sender: str = ALICE, **content: Any) -> dict[str, Any]:
    content = {"msgtype": "m.text", "body": text, **content}
    return {
        "event_id": event_id,
        "type": "m.room.message",
        "sender": sender,
        "content": content,
    }


def edit(of: str, text: Any, sender: str = ALICE) -> dict[str, Any]:
    relation = {"rel_type": "m.replace", "event_id": of}
    new = {"msgtype": "m.text", "body": text}
    content = {"m.new_content": new, "m.relates_to": relation}
    return message(f"$edit-of-{of}", f"* {text}", sender, **content)


def encrypted(text: str) -> dict[str, Any]:
    content = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": text}
    return {
        "event_id": "$e",
        "type": "m.room.encrypted",
        "sender": ALICE,
        "origin_server_ts": 1,
        "content": {**content, "session_id": "s", "sender_key": "k", "device_id": "d"},
    }


async def read(api: RetryingAPI, client: Client | None = None) -> list[TimelineMessage]:
    return [said async for said in timeline(api, client).before(ROOM, NOW, UserID(ALICE))]


def timeline(api: RetryingAPI, client: Client | None = None) -> Timeline:
    pages = RoomPages(cast(MaubotMatrixClient, client or Client()), api)
    return Timeline(pages, UserID(BOT), "main")


async def texts(api: RetryingAPI, client: Client | None = None) -> list[str]:
    return [said.text for said in await read(api, client)]


async def test_messages_come_newest_first_with_what_they_answer(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    answer = message("$2", "Hello!", BOT, **{"chat.spacekeeper.answers": "$1"})
    homeserver.tell(PATH, {"chunk": [NOW_EVENT, answer, message("$1", "Hi")]})

    answered, question = await read(api)

    assert (answered.sender, answered.text, answered.answers) == (BOT, "Hello!", "$1")
    assert (question.sender, question.text, question.answers) == (ALICE, "Hi", None)


async def test_what_came_later_is_not_yet_history(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    chunk = [message("$3", "later"), NOW_EVENT, message("$1", "earlier")]
    homeserver.tell(PATH, {"chunk": chunk})

    assert await texts(api) == ["earlier"]


async def test_the_last_edit_counts_even_if_it_came_later(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    chunk = [
        edit("$1", "third"),
        NOW_EVENT,
        edit("$1", "second"),
        message("$1", "first"),
    ]
    homeserver.tell(PATH, {"chunk": chunk})

    assert await texts(api) == ["third"]


@pytest.mark.parametrize(
    "forged",
    [
        edit("$1", "forged", "@mallory:three.test"),
        edit("$1", ["garbled"]),
        {**edit("$1", ""), "content": {"m.relates_to": {"rel_type": "m.replace"}}},
    ],
)
async def test_an_edit_by_somebody_else_or_garbled_changes_nothing(
    homeserver: Homeserver, api: RetryingAPI, forged: dict[str, Any]
) -> None:
    homeserver.tell(PATH, {"chunk": [NOW_EVENT, forged, message("$1", "as written")]})

    assert await texts(api) == ["as written"]


@pytest.mark.parametrize(
    "nothing",
    [
        {"event_id": "$1", "type": "m.room.message", "sender": ALICE, "content": {}},
        {"event_id": "$1", "type": "m.room.message", "sender": ALICE},
        message("$1", 7),
        message("$1", "a picture", msgtype="m.image"),
        message("$1", "the bot's own", BOT, msgtype="m.notice"),
        {**message("$1", "no id"), "event_id": None},
        {**message("$1", "no sender"), "sender": 7},
        {**message("$1", "reaction"), "type": "m.reaction"},
        "no object",
    ],
    ids=["redacted", "bare", "garbled", "image", "notice", "id", "sender", "reaction", "text"],
)
async def test_what_is_no_text_of_anybodys_is_left_out(
    homeserver: Homeserver, api: RetryingAPI, nothing: Any
) -> None:
    homeserver.tell(PATH, {"chunk": [NOW_EVENT, nothing, message("$0", "before")]})

    assert await texts(api) == ["before"]


async def test_it_goes_back_page_by_page_to_the_beginning(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell(
        PATH,
        {"chunk": [NOW_EVENT, message("$2", "two")], "end": "t1"},
        {"chunk": [], "end": "t2"},
        {"chunk": [message("$1", "one")]},
    )

    assert await texts(api) == ["two", "one"]
    assert [asked.query.get("from") for asked in homeserver.asked] == [None, "t1", "t2"]
    assert {asked.query["dir"] for asked in homeserver.asked} == {"b"}


async def test_no_more_is_read_than_is_wanted(homeserver: Homeserver, api: RetryingAPI) -> None:
    homeserver.tell(PATH, {"chunk": [NOW_EVENT, message("$2", "two")], "end": "t1"})
    before = timeline(api).before(ROOM, NOW, UserID(ALICE))

    assert (await before.__anext__()).text == "two"
    assert len(homeserver.asked) == 1


async def test_encrypted_messages_are_decrypted(homeserver: Homeserver, api: RetryingAPI) -> None:
    homeserver.tell(PATH, {"chunk": [NOW_EVENT, encrypted("readable")]})

    assert await texts(api) == ["in secret"]


@pytest.mark.parametrize("client", [Client(), Client(crypto=False)])
async def test_one_that_cannot_be_decrypted_costs_itself_alone(
    homeserver: Homeserver, api: RetryingAPI, client: Client
) -> None:
    chunk = [NOW_EVENT, encrypted("lost"), {**encrypted("x"), "content": {}}]
    homeserver.tell(PATH, {"chunk": [*chunk, message("$1", "before")]})

    assert await texts(api, client) == ["before"]


async def test_a_timeline_that_may_not_be_read_says_so(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell(PATH, FORBIDDEN)

    with pytest.raises(MForbidden):
        await texts(api)


@pytest.mark.parametrize("answer", [{}, [], {"chunk": "text"}])
async def test_an_answer_without_messages_is_none(
    homeserver: Homeserver, api: RetryingAPI, answer: Any
) -> None:
    homeserver.tell(PATH, answer)

    with pytest.raises(NoAnswer):
        await texts(api)


async def test_a_server_that_repeats_where_a_page_ends_is_asked_once_more_and_not_for_ever(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell(PATH, {"chunk": [NOW_EVENT, message("$1", "one")], "end": "t1"})

    assert set(await texts(api)) == {"one"}
    assert len(homeserver.asked) == 2


async def test_so_much_is_read_however_few_pages_it_takes(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    """Whatever stands around a text counts as well."""
    large = message("$1", "one", junk="x" * 6_000_000)
    pages = [{"chunk": [NOW_EVENT, large], "end": f"t{number}"} for number in range(20)]
    homeserver.tell(PATH, *pages)

    with pytest.raises(TooLong):
        await texts(api)

    assert len(homeserver.asked) == 6


async def test_what_a_guest_wrote_is_not_asked_for_nor_counted(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    guests = message("$2", "and I", "@bob:one.test")
    homeserver.tell(PATH, {"chunk": [NOW_EVENT, guests, message("$1", "one")]})

    assert await texts(api) == ["one"]
    chosen = json.loads(homeserver.asked[0].query["filter"])
    assert chosen["senders"] == [ALICE, BOT]
    assert "m.room.message" in chosen["types"]
