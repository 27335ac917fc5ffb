"""What the fake homeserver refuses, breaks and passes on, as a client of the bot's sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from .faults import Answer
from .homeserver import Homeserver
from .maubot import BOT
from .rooms import Event, Room
from .users import ENCRYPTION, User

SEND = "send/m.room.message/t1"
LIMITED, TOO_LARGE = (429, "M_LIMIT_EXCEEDED"), (413, "M_TOO_LARGE")


class Client:
    """The bot's account, over plain HTTP: nothing is tried again."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = f"{url}/_matrix/client/v3"
        self.session = session

    async def request(self, call: str, body: Any = None) -> tuple[int, Any]:
        """Send `METHOD path`; returns the HTTP status and the JSON answered."""
        method, _, path = call.partition(" ")
        headers = {"Authorization": f"Bearer {BOT}"}
        async with self.session.request(
            method, f"{self.url}/{path}", json=body, headers=headers
        ) as response:
            return response.status, await response.json()

    async def invite(self, room: Room, person: User) -> tuple[int, Any]:
        return await self.request(f"POST rooms/{room.room_id}/invite", {"user_id": person.id})

    async def timeline(self, room: Room) -> list[Event]:
        """What a first sync shows of a room."""
        _, answer = await self.request("GET sync")
        events: list[Event] = answer["rooms"]["join"][room.room_id]["timeline"]["events"]
        return events


@pytest.fixture
async def client(server: Homeserver) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(server.url, session)


@pytest.fixture
def room(alice: User) -> Room:
    """A room of Alice's, which the bot is in."""
    room = alice.invite_bot()
    alice.world.join(BOT, room.room_id)
    return room


@pytest.fixture
def other(alice: User) -> Room:
    """Another one."""
    room = alice.invite_bot()
    alice.world.join(BOT, room.room_id)
    return room


def status_of(answer: tuple[int, Any]) -> tuple[int, str]:
    status, body = answer
    return status, body.get("errcode", "")


@pytest.mark.parametrize("read", ["messages", "state", "state/m.room.create/", "members"])
async def test_a_broken_room_fails_until_it_is_mended_and_the_others_are_served(
    server: Homeserver, client: Client, room: Room, other: Room, read: str
) -> None:
    server.break_room(room.room_id)

    for _ in range(3):
        assert status_of(await client.request(f"GET rooms/{room.room_id}/{read}"))[0] == 500
    for call in (f"GET rooms/{other.room_id}/{read}", "GET joined_rooms", "GET sync"):
        assert (await client.request(call))[0] == 200
    assert (await client.request(f"PUT rooms/{room.room_id}/{SEND}", {"body": "Hello"}))[0] == 200

    server.mend_room(room.room_id)
    assert (await client.request(f"GET rooms/{room.room_id}/{read}"))[0] == 200


async def test_a_room_that_hangs_answers_nothing_and_the_others_are_served(
    server: Homeserver, client: Client, room: Room, other: Room
) -> None:
    hang = server.hang_room(room.room_id)
    leave = f"POST rooms/{room.room_id}/leave"
    waiting = asyncio.ensure_future(client.request(leave))
    await hang.reached.wait()

    assert (await client.request(f"GET rooms/{other.room_id}/state"))[0] == 200
    assert not waiting.done()

    server.mend_room(room.room_id)
    with pytest.raises(aiohttp.ClientError):
        await waiting
    assert room.membership(BOT) == "join"
    assert (await client.request(leave))[0] == 200
    assert room.membership(BOT) == "leave"


async def test_to_mend_one_room_mends_nothing_else(
    server: Homeserver, client: Client, room: Room, other: Room
) -> None:
    server.break_room(room.room_id)
    server.break_room(other.room_id, status=502)
    server.inject(Answer("GET joined_rooms", times=None, body={}))

    server.mend_room(room.room_id)

    assert (await client.request(f"GET rooms/{room.room_id}/state"))[0] == 200
    assert (await client.request(f"GET rooms/{other.room_id}/state"))[0] == 502
    assert (await client.request("GET joined_rooms"))[0] == 500


async def test_who_was_invited_five_times_is_not_invited_again_for_minutes(
    server: Homeserver, client: Client, bob: User
) -> None:
    server.limit_invitations()
    rooms = [server.world.create(BOT, {}) for _ in range(6)]
    for room in rooms[:5]:
        assert (await client.invite(room, bob))[0] == 200

    for _ in range(3):
        refused = await client.invite(rooms[5], bob)

        assert status_of(refused) == LIMITED
        assert 300_000 < refused[1]["retry_after_ms"] <= 333_334
    assert rooms[5].membership(bob.id) == "leave"


async def test_the_limit_of_one_person_is_nobody_elses_and_does_not_bind_create_room(
    server: Homeserver, client: Client, alice: User, bob: User
) -> None:
    server.limit_invitations(burst=1)
    first, second = (server.world.create(BOT, {}) for _ in range(2))
    assert (await client.invite(first, bob))[0] == 200
    assert status_of(await client.invite(second, bob)) == LIMITED

    assert (await client.invite(second, alice))[0] == 200
    _, made = await client.request("POST createRoom", {"invite": [bob.id]})
    assert server.world.rooms[made["room_id"]].membership(bob.id) == "invite"


async def test_an_invitation_passes_after_the_wait_that_was_asked_for(
    server: Homeserver, client: Client, bob: User
) -> None:
    server.limit_invitations(per_second=20, burst=1)
    first, second = (server.world.create(BOT, {}) for _ in range(2))
    await client.invite(first, bob)
    _, refused = await client.invite(second, bob)

    await asyncio.sleep(refused["retry_after_ms"] / 1000)

    assert (await client.invite(second, bob))[0] == 200


@pytest.mark.parametrize("endpoint", [SEND, "state/chat.spacekeeper.room/"])
async def test_an_event_over_64_kib_is_refused(
    client: Client, server: Homeserver, endpoint: str
) -> None:
    room = server.world.create(BOT, {})
    before = len(room.timeline)
    call = f"PUT rooms/{room.room_id}/{endpoint}"

    # Counted in bytes of UTF-8: an "ä" is two.
    for text in ("x" * 65_000, "ä" * 32_500):
        assert status_of(await client.request(call, {"body": text})) == TOO_LARGE
    assert len(room.timeline) == before

    assert (await client.request(call, {"body": "x" * 64_000}))[0] == 200
    assert len(room.timeline) == before + 1


async def test_encrypted_messages_come_as_they_are(
    client: Client, alice: User, room: Room
) -> None:
    alice.turn_on_encryption(room)
    written = alice.write_encrypted(room)

    _, state = await client.request(f"GET rooms/{room.room_id}/state/m.room.encryption/")
    (event,) = await client.timeline(room)

    assert state == room.state[ENCRYPTION]["content"] == {"algorithm": "m.megolm.v1.aes-sha2"}
    assert (event["type"], event["content"]) == ("m.room.encrypted", written["content"])
    assert "body" not in event["content"]


async def test_what_is_written_in_a_thread_names_its_root_and_the_newest_message_in_it(
    client: Client, alice: User, room: Room
) -> None:
    root = alice.write(room, "Which day?")
    first = alice.write_in_thread(root, "Monday")
    alice.write(room, "Something else")
    alice.write_in_thread(root, "Or Tuesday")

    _, monday, _, tuesday = [relation(event) for event in await client.timeline(room)]

    assert monday == {
        "rel_type": "m.thread",
        "event_id": root["event_id"],
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": root["event_id"]},
    }
    assert tuesday == {**monday, "m.in_reply_to": {"event_id": first["event_id"]}}


async def test_a_reply_quotes_what_it_replies_to(client: Client, alice: User, room: Room) -> None:
    question = alice.write(room, "Is 1 < 2?\nIs it?")
    alice.reply(question, "Yes & no")

    _, reply = await client.timeline(room)

    assert relation(reply) == {"m.in_reply_to": {"event_id": question["event_id"]}}
    assert reply["content"]["body"] == "> <@alice:test> Is 1 < 2?\n> Is it?\n\nYes & no"
    quote, _, answer = reply["content"]["formatted_body"].partition("</mx-reply>")
    assert quote.startswith("<mx-reply><blockquote>")
    assert "Is 1 &lt; 2?" in quote
    assert answer == "Yes &amp; no"


def relation(event: Event) -> Any:
    return event["content"].get("m.relates_to")
