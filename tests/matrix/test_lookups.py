"""Single values out of Matrix: who is in a room, what somebody is called, what is usual."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID, UserID

from plugin.matrix.api import NoAnswer
from plugin.matrix.lookups import PREPARING_KEY, WELCOME_KEY, Greeting, Lookups

from .http_server import FORBIDDEN, NOT_FOUND, Homeserver

BOT = UserID("@keeper:one.test")
ALICE = UserID("@alice:one.test")
ROOM = RoomID("!room:one.test")


async def test_a_single_value_is_read_or_there_is_none(
    lookups: Lookups, homeserver: Homeserver
) -> None:
    path = f"rooms/{ROOM}/state/m.room.name/"
    homeserver.tell(path, {"name": "Holidays"}, {"name": 7}, [], NOT_FOUND, FORBIDDEN)

    values = [await lookups.state_value(ROOM, "m.room.name", "name", "") for _ in range(4)]

    assert values == ["Holidays", "", "", ""]
    with pytest.raises(MatrixRequestError):
        await lookups.state_value(ROOM, "m.room.name", "name", "")


@pytest.mark.parametrize(
    ("answer", "tombstone"),
    [(NOT_FOUND, None), ({}, {}), ([], {}), ({"body": "b"}, {"body": "b"})],
)
async def test_a_tombstone_says_that_a_room_is_closed_whatever_is_in_it(
    lookups: Lookups, homeserver: Homeserver, answer: Any, tombstone: dict[str, Any] | None
) -> None:
    homeserver.tell(f"rooms/{ROOM}/state/m.room.tombstone/", answer)

    assert await lookups.tombstone(ROOM) == tombstone


@pytest.mark.parametrize("answer", [NOT_FOUND, {}, [], {"displayname": None}, {"displayname": ""}])
async def test_somebody_without_a_display_name_goes_by_their_user_id(
    lookups: Lookups, homeserver: Homeserver, answer: Any
) -> None:
    homeserver.tell(f"profile/{ALICE}/displayname", answer)

    assert await lookups.display_name(ALICE) == "alice"


async def test_a_display_name_is_taken_as_it_is(lookups: Lookups, homeserver: Homeserver) -> None:
    homeserver.tell(f"profile/{ALICE}/displayname", {"displayname": "Alice A."})

    assert await lookups.display_name(ALICE) == "Alice A."


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ({"capabilities": {"m.room_versions": {"default": "12"}}}, "12"),
        ({"capabilities": {"m.room_versions": {"default": 12}}}, "1"),
        ({"capabilities": []}, "1"),
        ([], "1"),
    ],
)
async def test_the_default_room_version_is_the_oldest_where_none_is_named(
    lookups: Lookups, homeserver: Homeserver, answer: Any, version: str
) -> None:
    homeserver.tell("capabilities", answer)

    assert await lookups.default_room_version() == version


MEMBERS = {BOT: "join", ALICE: "invite", "@eve:one.test": "ban"}
CHUNK: list[Any] = [
    {"state_key": user, "content": {"membership": what}} for user, what in MEMBERS.items()
]


@pytest.mark.parametrize("junk", [None, {"state_key": 7, "content": {}}, {"state_key": ALICE}])
async def test_who_is_in_a_room(lookups: Lookups, homeserver: Homeserver, junk: Any) -> None:
    homeserver.tell(f"rooms/{ROOM}/members", {"chunk": [*CHUNK, junk]}, {})

    assert await lookups.members(ROOM) == {BOT, ALICE}
    with pytest.raises(NoAnswer):
        await lookups.members(ROOM)


HELLO, WELCOME = {"content": {PREPARING_KEY: True}}, {"content": {WELCOME_KEY: True}}
OTHER: dict[str, Any] = {"content": {}}


@pytest.mark.parametrize(
    ("chunk", "greeting"),
    [
        ([], Greeting.NONE),
        ([OTHER], Greeting.WELCOMED),
        ([HELLO], Greeting.PREPARING),
        ([OTHER, None, {"content": 7}, HELLO], Greeting.PREPARING),
        ([OTHER, WELCOME, HELLO], Greeting.WELCOMED),
        ([{"content": {PREPARING_KEY: "yes"}}], Greeting.WELCOMED),
    ],
)
async def test_how_far_the_bot_came_in_greeting_somebody(
    lookups: Lookups, homeserver: Homeserver, chunk: list[Any], greeting: Greeting
) -> None:
    homeserver.tell(f"rooms/{ROOM}/messages", {"chunk": chunk})

    assert await lookups.greeting(ROOM) is greeting
