"""One call to the homeserver: answered, refused in Matrix's words, or nobody knows."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.api import HTTPAPI, Method, Path
from mautrix.errors import MatrixRequestError, MForbidden, MNotFound
from mautrix.types import RoomID

from plugin.matrix.api import LARGEST_ABOUT_ROOM, NoAnswer, RetryingAPI, TooLarge
from plugin.matrix.outcome import SMALL
from plugin.matrix.retry import RequestPolicies, RetryPolicy

from .http_server import BUSY, DROP, FORBIDDEN, HANG, NOT_FOUND, Homeserver, Reply, refused, whoami

HTML = "<html>Bad gateway</html>"
ROOM = Path.v3.rooms[RoomID("!room:one.test")]
ONCE = RequestPolicies(
    read=RetryPolicy(in_flight=8, attempt=30, total=0),
    write=RetryPolicy(in_flight=8, attempt=30, total=0),
)


async def test_what_was_answered_is_returned(homeserver: Homeserver, api: RetryingAPI) -> None:
    homeserver.tell("account/whoami", {"user_id": "@keeper:one.test"})

    assert await whoami(api) == {"user_id": "@keeper:one.test"}
    assert homeserver.asked[0].token == "Bearer secret"


async def test_a_request_goes_out_as_it_was_meant(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    room_id = RoomID("!a/b c:one.test")
    path = Path.v3.rooms[room_id].state["m.room.name"][""]
    homeserver.tell("rooms/!a/b c:one.test/state/m.room.name/", {})

    await api.request(Method.PUT, path, {"name": "Ä"}, query_params={"a": 1, "b": None})

    (asked,) = homeserver.asked
    assert (asked.method, asked.body, asked.query) == ("PUT", {"name": "Ä"}, {"a": "1"})


@pytest.mark.parametrize("nothing", [[], {}])
async def test_an_empty_answer_is_an_answer(
    homeserver: Homeserver, api: RetryingAPI, nothing: Any
) -> None:
    homeserver.tell("account/whoami", nothing)

    assert await whoami(api) == nothing


@pytest.mark.parametrize(("answer", "error"), [(FORBIDDEN, MForbidden), (NOT_FOUND, MNotFound)])
async def test_a_refusal_in_matrixs_words_is_final(
    homeserver: Homeserver, api: RetryingAPI, answer: Reply, error: type[MatrixRequestError]
) -> None:
    homeserver.tell("account/whoami", answer)

    with pytest.raises(error):
        await whoami(api)
    assert len(homeserver.asked) == 1


async def test_an_errcode_nobody_knows_is_a_refusal_all_the_same(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell("account/whoami", refused(400, "ORG.EXAMPLE.NO"))

    with pytest.raises(MatrixRequestError) as caught:
        await whoami(api)
    assert caught.value.http_status == 400


@pytest.mark.parametrize(
    "nonsense",
    [
        Reply(200, HTML),
        Reply(200, '{"joined_rooms": ["!a'),
        Reply(200, ""),
        Reply(200, "7"),
        Reply(200, "null"),
        Reply(200, "[" * 100_000 + "]" * 100_000),
        Reply(403, '{"errcode":' * 100_000),
        Reply(200, "[" * 60_000),
        Reply(200, '{"a":' * 10_000 + "1" + "}" * 10_000),
        Reply(302, HTML),
        Reply(404, HTML),
        Reply(404, {"error": "no errcode"}),
        Reply(404, {"errcode": 7}),
        Reply(403, ["M_FORBIDDEN"]),
        refused(502, "M_FORBIDDEN"),
        refused(500, "M_UNKNOWN"),
        Reply(503, HTML),
        BUSY,
        DROP,
    ],
)
async def test_whatever_is_no_answer_is_tried_again_until_there_is_one(
    homeserver: Homeserver, api: RetryingAPI, nonsense: Any
) -> None:
    homeserver.tell("account/whoami", nonsense, nonsense, {"user_id": "@keeper:one.test"})

    assert await whoami(api) == {"user_id": "@keeper:one.test"}
    assert len(homeserver.asked) == 3


@pytest.mark.parametrize("nonsense", [Reply(200, HTML), refused(500, "M_FORBIDDEN"), BUSY, DROP])
async def test_when_patience_ends_nobody_knows(
    homeserver: Homeserver, api: RetryingAPI, nonsense: Any
) -> None:
    homeserver.tell("account/whoami", nonsense)

    with pytest.raises(NoAnswer):
        await whoami(RetryingAPI(api, ONCE))


async def test_a_homeserver_that_is_not_there_gives_no_answer(
    api: RetryingAPI, unused_tcp_port: int
) -> None:
    like = HTTPAPI(f"http://127.0.0.1:{unused_tcp_port}", "", client_session=api.session)
    elsewhere = RetryingAPI(like, ONCE)

    with pytest.raises(NoAnswer, match="ClientConnector"):
        await whoami(elsewhere)


async def test_silence_is_no_answer(homeserver: Homeserver, api: RetryingAPI) -> None:
    brief = RetryPolicy(in_flight=1, attempt=0.05, total=0)
    homeserver.tell("account/whoami", HANG)

    with pytest.raises(NoAnswer, match="no answer within"):
        await whoami(RetryingAPI(api, RequestPolicies(read=brief)))


async def test_no_more_of_an_answer_is_read_than_was_asked_for(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"chunk": ["x" * 1000]})

    assert await api.request(Method.GET, ROOM.members, most=2000) == {"chunk": ["x" * 1000]}
    with pytest.raises(TooLarge):
        await api.request(Method.GET, ROOM.members, most=1000)
    assert len(homeserver.asked) == 2


@pytest.mark.parametrize("path", [ROOM.state, ROOM.messages, ROOM.state["m.room.name"][""]])
async def test_an_answer_about_a_room_has_a_bound(
    homeserver: Homeserver, api: RetryingAPI, path: Any
) -> None:
    homeserver.tell_all(Reply(200, f'["{"x" * LARGEST_ABOUT_ROOM}"]'))

    with pytest.raises(TooLarge):
        await api.request(Method.GET, path)


async def test_a_list_of_all_rooms_is_as_long_as_it_is(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    rooms = {"joined_rooms": [f"!{number}:one.test" + "x" * 500 for number in range(50_000)]}
    homeserver.tell("joined_rooms", rooms)

    assert await api.request(Method.GET, Path.v3.joined_rooms) == rooms


async def test_a_large_answer_says_what_a_small_one_does(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    small = {"chunk": [{"a": [1, {"b": None}], "ä": "ö"}]}
    large = {"chunk": small["chunk"] * SMALL}
    homeserver.tell("rooms/!room:one.test/members", small, large)

    assert await api.request(Method.GET, ROOM.members) == small
    assert await api.request(Method.GET, ROOM.members) == large


async def test_what_is_said_of_a_refusal_is_one_short_line(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    """It may be another homeserver's word, and comes into the log and before people."""
    said = {"errcode": "M_FORBIDDEN", "error": "Not\n2026-11-29 ERROR you" + " no" * 100_000}
    homeserver.tell("account/whoami", Reply(403, said))

    with pytest.raises(MForbidden) as caught:
        await whoami(api)

    assert str(caught.value).startswith("Not 2026-11-29 ERROR you no no")
    assert len(str(caught.value)) <= 300
