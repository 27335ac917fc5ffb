"""Looking at Matrix: a look that failed is an outcome, never an empty answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mautrix.types import RoomID, SyncToken, UserID

from plugin.matrix.account_data import RoomIndex, encode_index
from plugin.matrix.api import NoAnswer
from plugin.matrix.reader import FEW, Reader
from plugin.topology.snapshot import Snapshot

from .http_server import FORBIDDEN, HANG, NOT_FOUND, Homeserver, Reply, refused

BOT = UserID("@keeper:one.test")
ALICE = UserID("@alice:one.test")
ROOM, OTHER, SPACE = (RoomID(f"!{name}:one.test") for name in ("room", "other", "space"))
# Away for so long that nobody waits for it.
AWAY = Reply(429, {}, {"Retry-After": "3000"})
NOTHING_READ = Snapshot(BOT, frozenset({ROOM, OTHER}), {})
INDEX_PATH = f"user/{BOT}/account_data/chat.spacekeeper.spaces.main"


def state(**content: Any) -> list[Any]:
    create = {"type": "m.room.create", "sender": BOT, "state_key": "", "content": content}
    return [{**create, "origin_server_ts": 5}]


async def test_a_look_tells_read_from_gone_from_unread(
    reader: Reader, homeserver: Homeserver
) -> None:
    rooms = [RoomID(f"!{name}") for name in ("forbidden", "missing", "busy", "odd")]
    for room_id, answer in zip(
        rooms,
        (FORBIDDEN, NOT_FOUND, AWAY, refused(400, "M_UNKNOWN")),
        strict=True,
    ):
        homeserver.tell(f"rooms/{room_id}/state", answer)
    homeserver.tell(f"rooms/{ROOM}/state", state())

    snapshot = await reader.look(NOTHING_READ, [ROOM, *rooms])

    assert snapshot.rooms.keys() == {ROOM}
    assert snapshot.rooms[ROOM].created_at == 5
    assert snapshot.refused_read == {"!forbidden", "!missing"}
    assert snapshot.unread == {"!busy", "!odd"}


@pytest.mark.parametrize("answer", [{}, [], ["garbled"], [{"type": "m.room.name"}]])
async def test_what_is_no_rooms_state_leaves_the_room_unread(
    reader: Reader, homeserver: Homeserver, answer: Any
) -> None:
    homeserver.tell(f"rooms/{ROOM}/state", answer)

    assert (await reader.look(NOTHING_READ, [ROOM])).unread == {ROOM}


async def test_a_room_in_which_much_stands_is_read_like_any_other(
    reader: Reader, homeserver: Homeserver
) -> None:
    link = {"type": "m.space.child", "sender": ALICE, "content": {"via": ["one.test"]}}
    links = [{**link, "state_key": f"!{number}:one.test"} for number in range(2 * FEW)]
    homeserver.tell(f"rooms/{SPACE}/state", [*state(type="m.space"), *links])
    homeserver.tell(f"rooms/{ROOM}/state", ["garbled"] * 2 * FEW)

    snapshot = await reader.look(NOTHING_READ, [SPACE, ROOM])

    assert len(snapshot.rooms[SPACE].links) == 2 * FEW
    assert snapshot.unread == {ROOM}


async def test_a_second_look_adds_to_the_first(reader: Reader, homeserver: Homeserver) -> None:
    homeserver.tell(f"rooms/{ROOM}/state", state())
    homeserver.tell(f"rooms/{OTHER}/state", FORBIDDEN)

    snapshot = await reader.look(await reader.look(NOTHING_READ, [ROOM]), [OTHER])

    assert snapshot.rooms.keys() == {ROOM}
    assert snapshot.refused_read == {OTHER}


async def test_only_joined_rooms_that_are_likely_spaces_are_read_at_first(
    reader: Reader, homeserver: Homeserver
) -> None:
    index = RoomIndex(frozenset({SPACE}), frozenset({OTHER, RoomID("!left:one.test")}))
    homeserver.tell("joined_rooms", {"joined_rooms": [ROOM, OTHER, SPACE]})
    homeserver.tell(INDEX_PATH, encode_index(index))
    homeserver.tell(f"rooms/{SPACE}/state", state(type="m.space"))

    snapshot = await reader.observe([RoomID("!cached-only:one.test")], full=False)

    assert snapshot.rooms.keys() == {SPACE}
    assert snapshot.joined == {ROOM, OTHER, SPACE}
    assert snapshot.foreign == {OTHER}


MANY = [f"!{number}:one.test" for number in range(50_000)]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"joined_rooms": {}},
        {"joined_rooms": [7]},
        {"joined_rooms": [*MANY, 7]},
        Reply(200, json.dumps({"joined_rooms": MANY})[:-2]),
    ],
    ids=["nothing", "a list", "no list", "no room", "something among many", "the end is lost"],
)
async def test_without_a_list_of_rooms_nothing_can_be_said(
    reader: Reader, homeserver: Homeserver, answer: Any
) -> None:
    homeserver.tell("joined_rooms", answer)

    with pytest.raises(NoAnswer):
        await reader.observe([], full=False)


@pytest.mark.parametrize("answer", [NOT_FOUND, {"spaces": 7}, FORBIDDEN])
async def test_without_an_index_the_look_begins_from_nothing(
    reader: Reader, homeserver: Homeserver, answer: Any
) -> None:
    homeserver.tell("joined_rooms", {"joined_rooms": [ROOM]})
    homeserver.tell(INDEX_PATH, answer)

    assert (await reader.observe([], full=False)).rooms == {}


@pytest.mark.parametrize("silent", [HANG, Reply(500)])
async def test_a_room_that_hangs_costs_the_others_nothing(
    reader: Reader, homeserver: Homeserver, silent: Any
) -> None:
    hanging = [RoomID(f"!{number}:one.test") for number in range(8)]
    for room_id in hanging:
        homeserver.tell(f"rooms/{room_id}/state", silent)
    for room_id in (ROOM, OTHER):
        homeserver.tell(f"rooms/{room_id}/state", state())

    snapshot = await reader.look(NOTHING_READ, [*hanging, ROOM, OTHER])

    assert snapshot.rooms.keys() == {ROOM, OTHER}
    assert snapshot.unread == set(hanging)


async def test_a_look_ends_although_nothing_answers(
    reader: Reader, homeserver: Homeserver
) -> None:
    homeserver.tell_all(HANG)
    rooms = {RoomID(f"!{number}:one.test") for number in range(100)}

    assert (await reader.look(NOTHING_READ, rooms)).unread == rooms


async def test_a_room_that_answers_again_is_read(reader: Reader, homeserver: Homeserver) -> None:
    homeserver.tell(f"rooms/{ROOM}/state", HANG, state())
    snapshot = await reader.look(NOTHING_READ, [ROOM])

    snapshot = await reader.look(snapshot, [ROOM])

    assert snapshot.rooms.keys() == {ROOM}
    assert not snapshot.unread


async def test_a_start_begins_with_a_fresh_token_and_the_invitations_that_wait(
    reader: Reader, homeserver: Homeserver
) -> None:
    member = {"type": "m.room.member", "state_key": BOT, "sender": ALICE}
    invited = {OTHER: {"invite_state": {"events": ["garbled", member]}}, ROOM: 7}
    homeserver.tell("sync", {"next_batch": "t1", "rooms": {"invite": invited}})

    token, (invitation,) = await reader.begin()

    assert (token, invitation.room_id, invitation.sender) == ("t1", OTHER, ALICE)
    (asked,) = homeserver.asked
    assert asked.query["set_presence"] == "offline"
    assert "since" not in asked.query


async def test_no_two_starts_ask_for_the_same_sync(reader: Reader, homeserver: Homeserver) -> None:
    """The homeserver would answer the second from its cache."""
    homeserver.tell("sync", {"next_batch": "t1"})

    await reader.begin()
    await reader.begin()

    first, second = (asked.query["filter"] for asked in homeserver.asked)
    assert first != second


async def test_what_happened_since_is_asked_for_with_members_in_the_timeline(
    reader: Reader, homeserver: Homeserver
) -> None:
    homeserver.tell("sync", {"next_batch": "t2"})

    await reader.since(SyncToken("t1"))

    (asked,) = homeserver.asked
    assert asked.query["since"] == "t1"
    assert "m.room.member" in json.loads(asked.query["filter"])["room"]["timeline"]["types"]


@pytest.mark.parametrize("answer", [{}, [], {"next_batch": 7}])
async def test_a_sync_without_a_token_is_none(
    reader: Reader, homeserver: Homeserver, answer: Any
) -> None:
    homeserver.tell("sync", answer)

    with pytest.raises(NoAnswer):
        await reader.begin()
