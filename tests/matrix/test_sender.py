"""What the bot says: cut to fit, encrypted where the room is, never sent twice."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from maubot.matrix import MaubotMatrixClient
from mautrix.errors import MForbidden
from mautrix.types import EventID, RoomID, UserID

from plugin.matrix.api import RetryingAPI
from plugin.matrix.sender import PIECE_BYTES, Sender, split_text

from .http_server import BUSY, FORBIDDEN, Homeserver, Reply

ROOM = RoomID("!room:one.test")
QUESTION = EventID("$question")


class Encrypted:
    """What a client with encryption says of a message: that nobody can read it."""

    def serialize(self) -> dict[str, Any]:
        return {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "…"}


class Client:
    """As much of maubot's client as sending needs; it is its own store of room states."""

    mxid = UserID("@keeper:one.test")

    def __init__(self, encrypted: bool = False, crypto: bool = True) -> None:
        self.encrypted = encrypted
        self.crypto = object() if crypto else None
        self.state_store = self
        self.clear: list[tuple[RoomID, str, Any]] = []

    async def is_encrypted(self, _: RoomID) -> bool:
        return self.encrypted

    async def encrypt(self, room_id: RoomID, event_type: Any, content: Any) -> Encrypted:
        self.clear.append((room_id, str(event_type), content.serialize()))
        return Encrypted()


def sender(api: RetryingAPI, client: Client | None = None) -> Sender:
    return Sender(cast(MaubotMatrixClient, client or Client()), api, "main")


@given(st.text(), st.integers(4, 40))
def test_every_piece_fits_and_none_is_lost(text: str, limit: int) -> None:
    pieces = split_text(text, limit)

    assert all(len(piece.encode()) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.text(st.sampled_from("ab \n")), st.integers(4, 12))
def test_pieces_come_in_order_and_only_white_space_goes_at_the_cuts(text: str, limit: int) -> None:
    rest = text
    for piece in split_text(text, limit):
        assert rest.lstrip().startswith(piece.lstrip())
        rest = rest[rest.index(piece) + len(piece) :]

    assert rest.strip() == ""


@given(st.text(st.sampled_from("ab \nä😀"), min_size=1).filter(str.strip), st.integers(4, 12))
def test_no_piece_of_a_text_is_empty(text: str, limit: int) -> None:
    """Clients show an empty message as a mistake."""
    assert all(piece.strip() for piece in split_text(text, limit))


def test_what_is_only_white_space_beyond_the_limit_makes_no_message() -> None:
    assert split_text("ninechars\n", 9) == ["ninechars"]


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert split_text("as  it\n\n is") == ["as  it\n\n is"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("one two\n\nthree", ["one two", "three"]),
        ("one two\nthree", ["one two", "three"]),
        ("one two three", ["one two", "three"]),
        ("onetwothreefour", ["onetwothr", "eefour"]),
        ("ääääää", ["ääää", "ää"]),
        ("😀😀😀", ["😀😀", "😀"]),
    ],
    ids=["paragraph", "line", "word", "characters", "two bytes each", "four bytes each"],
)
def test_a_text_is_cut_at_the_best_place(text: str, pieces: list[str]) -> None:
    assert split_text(text, 9) == pieces


async def test_an_answer_is_a_reply_in_as_many_messages_as_it_takes(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await sender(api).answer(ROOM, "word " * 4000, QUESTION)

    first, second = (asked.body for asked in homeserver.asked)
    assert first["msgtype"] == second["msgtype"] == "m.text"
    assert first["m.relates_to"] == {"m.in_reply_to": {"event_id": QUESTION}}
    assert "m.relates_to" not in second
    assert first["chat.spacekeeper.answers"] == second["chat.spacekeeper.answers"] == QUESTION
    assert len(first["body"].encode()) <= PIECE_BYTES


async def test_a_notice_is_marked_as_the_bots_own(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await sender(api).notice(ROOM, "**Done.**")

    (asked,) = homeserver.asked
    assert asked.body == {
        "msgtype": "m.notice",
        "body": "**Done.**",
        "format": "org.matrix.custom.html",
        "formatted_body": "<p><strong>Done.</strong></p>\n",
        "m.mentions": {},
    }


async def test_markup_in_an_answer_is_shown_and_not_obeyed(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await sender(api).answer(ROOM, "<script>alert(1)</script>", QUESTION)

    assert "<script>" not in homeserver.asked[0].body["formatted_body"]


async def test_a_message_tried_again_is_the_same_message(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all(BUSY, Reply(500, ""), {"event_id": "$sent"})

    await sender(api).notice(ROOM, "Hello")

    assert len({asked.path for asked in homeserver.asked}) == 1
    assert len(homeserver.asked) == 3


async def test_two_messages_alike_are_two(homeserver: Homeserver, api: RetryingAPI) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await sender(api).notice(ROOM, "Hello")
    await sender(api).notice(ROOM, "Hello")

    assert len({asked.path for asked in homeserver.asked}) == 2


async def test_in_an_encrypted_room_nothing_goes_out_in_clear_text(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})
    client = Client(encrypted=True)

    await sender(api, client).answer(ROOM, "secret", QUESTION)

    (asked,) = homeserver.asked
    assert asked.body == Encrypted().serialize()
    assert "/send/m.room.encrypted/" in asked.path
    ((_, _, clear),) = client.clear
    assert clear["body"] == "secret"
    assert clear["chat.spacekeeper.answers"] == QUESTION


@pytest.mark.parametrize("client", [Client(encrypted=False), Client(True, crypto=False)])
async def test_elsewhere_messages_go_out_as_they_are(
    homeserver: Homeserver, api: RetryingAPI, client: Client
) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await sender(api, client).notice(ROOM, "Hello")

    assert homeserver.asked[0].body["body"] == "Hello"


async def test_a_message_the_homeserver_refuses_is_not_passed_over(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all(FORBIDDEN)

    with pytest.raises(MForbidden):
        await sender(api).notice(ROOM, "Hello")


@pytest.mark.parametrize("answer", [FORBIDDEN, Reply(502, "<html>")])
async def test_no_answer_fails_for_the_lack_of_a_courtesy(
    homeserver: Homeserver, api: RetryingAPI, answer: Reply
) -> None:
    homeserver.tell_all(answer)

    await sender(api).typing(ROOM, active=True)
    await sender(api).typing(ROOM, active=False)
    await sender(api).mark_read(ROOM, QUESTION)

    assert [asked.body for asked in homeserver.asked] == [
        {"typing": True, "timeout": 30_000},
        {"typing": False},
        {},
    ]
    assert homeserver.paths("POST") == ["rooms/!room:one.test/receipt/m.read/$question"]


async def test_no_courtesy_is_paid_while_the_homeserver_asks_for_a_pause(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all(BUSY)

    await sender(api).typing(ROOM, active=True)
    await sender(api).mark_read(ROOM, QUESTION)

    assert len(homeserver.asked) == 1
