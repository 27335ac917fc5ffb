"""One call to the homeserver: answered, refused in Matrix's words, or nobody knows."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.api import HTTPAPI, Method, Path
from mautrix.errors import MatrixRequestError, MForbidden, MNotFound
from mautrix.types import RoomID

from plugin.matrix.api import NoAnswer, RetryingAPI
from plugin.matrix.retry import RequestPolicies, RetryPolicy

from .http_server import BUSY, DROP, FORBIDDEN, HANG, NOT_FOUND, Homeserver, Reply, refused, whoami

HTML = "<html>Bad gateway</html>"
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
