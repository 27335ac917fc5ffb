"""How often a call is tried, how long it waits, and what that means for other calls."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mautrix.api import Method, Path

from plugin.matrix.api import NoAnswer, RetryingAPI
from plugin.matrix.retry import RequestPolicies, RetryPolicy

from .http_server import BUSY, DROP, HANG, Homeserver, Reply, whoami

HTML = "<html>Bad gateway</html>"
ONCE = RetryPolicy(in_flight=8, attempt=30, total=0)


@pytest.mark.parametrize(
    "busy",
    [
        Reply(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 80}),
        Reply(429, {"errcode": "M_LIMIT_EXCEEDED"}, {"Retry-After": "0.08"}),
        Reply(429, HTML, {"Retry-After": "0.08"}),
        Reply(429, {"retry_after_ms": 1}, {"Retry-After": "0.08"}),
    ],
    ids=["in the body", "in the header", "from a proxy", "the header counts for more"],
)
async def test_a_busy_homeserver_is_left_alone_for_as_long_as_it_asks(
    homeserver: Homeserver, api: RetryingAPI, busy: Reply
) -> None:
    homeserver.tell("account/whoami", busy, {})

    await whoami(api)

    first, second = homeserver.asked
    assert second.at - first.at >= 0.08


@pytest.mark.parametrize("garbled", ["soon", None, -5, [1], {"a": 1}, 1e300, 10**400])
async def test_a_garbled_pause_is_none(
    homeserver: Homeserver, api: RetryingAPI, garbled: Any
) -> None:
    homeserver.tell("account/whoami", Reply(429, {"retry_after_ms": garbled}), {})

    assert await whoami(api) == {}


@pytest.mark.parametrize(
    "busy",
    [Reply(429, {"retry_after_ms": 3_600_000}), Reply(429, {}, {"Retry-After": "3600"})],
    ids=["in the body", "in the header"],
)
async def test_a_pause_longer_than_patience_is_not_waited_for(
    homeserver: Homeserver, api: RetryingAPI, busy: Reply
) -> None:
    homeserver.tell("account/whoami", busy)

    with pytest.raises(NoAnswer) as caught:
        await whoami(api)
    assert caught.value.retry_after == 3600
    assert len(homeserver.asked) == 1


async def test_what_one_call_is_told_holds_for_its_whole_lane(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    one_at_a_time = RetryPolicy(in_flight=1, attempt=60, total=1)
    narrow = RetryingAPI(api, RequestPolicies(read=one_at_a_time))
    homeserver.tell("account/whoami", Reply(429, {"retry_after_ms": 80}), {})
    homeserver.tell("joined_rooms", {})

    await asyncio.gather(whoami(narrow), narrow.request(Method.GET, Path.v3.joined_rooms))

    first, *others = sorted(homeserver.asked, key=lambda asked: asked.at)
    assert first.path == "account/whoami"
    assert all(asked.at - first.at >= 0.08 for asked in others)


async def test_a_room_with_much_to_say_keeps_another_waiting_for_one_message_alone(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    one_at_a_time = RetryPolicy(in_flight=1, attempt=60, total=60)
    narrow = RetryingAPI(api, RequestPolicies(message=one_at_a_time))
    sent = [("!busy", number) for number in range(10)] + [("!quiet", number) for number in (0, 1)]
    for room, number in sent:
        homeserver.tell(f"rooms/{room}/send/m.room.message/{number}", {"event_id": "$one"})

    await asyncio.gather(
        *(
            narrow.request(Method.PUT, Path.v3.rooms[room].send["m.room.message"][number], {})
            for room, number in sent
        )
    )

    order = [path.split("/")[1:5:3] for path in homeserver.paths("PUT")]
    assert order[:6] == [
        ["!busy", "0"],
        ["!busy", "1"],
        ["!quiet", "0"],
        ["!busy", "2"],
        ["!quiet", "1"],
        ["!busy", "3"],
    ]
    assert [number for room, number in order if room == "!busy"] == [str(n) for n in range(10)]


async def test_a_slow_lane_leaves_the_others_alone(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell("account/whoami", HANG)
    homeserver.tell("join/!a", {})
    waiting = [asyncio.ensure_future(whoami(api)) for _ in range(20)]

    await api.request(Method.POST, Path.v3.join["!a"])

    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


READS = ("rooms/{}/state", "rooms/{}/members", "rooms/{}/messages", "user/{}", "profile/{}/x")


async def test_whatever_hangs_when_it_is_read_a_message_is_sent_meanwhile(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    """maubot's client has a hundred connections, and no more."""
    patient = RetryingAPI(api, RequestPolicies())
    homeserver.tell_all(HANG)
    homeserver.tell(SEND, {"event_id": "$one"})
    paths = [f"_matrix/client/v3/{kind.format(number)}" for kind in READS for number in range(50)]
    waiting = [asyncio.ensure_future(patient.request(Method.GET, path)) for path in paths]

    sent = asyncio.ensure_future(call(patient, SEND))
    try:
        await asyncio.wait([sent], timeout=10)

        assert homeserver.paths("PUT") == [SEND]
        assert not any(task.done() for task in waiting)
    finally:
        for task in (*waiting, sent):
            task.cancel()
        await asyncio.gather(*waiting, sent, return_exceptions=True)


@pytest.mark.parametrize("answer", [BUSY, Reply(500, HTML), DROP])
async def test_a_room_is_never_made_twice_by_itself(
    homeserver: Homeserver, api: RetryingAPI, answer: Any
) -> None:
    homeserver.tell("createRoom", answer, {"room_id": "!second:one.test"})

    with pytest.raises(NoAnswer):
        await api.request(Method.POST, Path.v3.createRoom, {})
    assert len(homeserver.asked) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (Method.PUT, "rooms/!a:one.test/typing/@keeper:one.test"),
        (Method.POST, "rooms/!a:one.test/receipt/m.read/$event"),
    ],
)
async def test_a_courtesy_is_tried_once(
    homeserver: Homeserver, api: RetryingAPI, method: Method, path: str
) -> None:
    homeserver.tell(path, BUSY, {})

    with pytest.raises(NoAnswer):
        await api.request(method, f"_matrix/client/v3/{path}", {})
    assert len(homeserver.asked) == 1


LIMITED = Reply(429, {"retry_after_ms": 3_600_000})
TWO_SECONDS = Reply(429, {"retry_after_ms": 2_000})
INVITE, JOIN = "rooms/!a:one.test/invite", "rooms/!a:one.test/join"
STATE, SEND = "rooms/!a:one.test/state/m.room.name/", "rooms/!a:one.test/send/m.room.message/1"


def call(api: RetryingAPI, path: str, user_id: str = "@ann:one.test") -> Any:
    method = Method.PUT if "/state/" in path or "/send/" in path else Method.POST
    return api.request(method, f"_matrix/client/v3/{path}", {"user_id": user_id})


@pytest.mark.parametrize("limited", [INVITE, JOIN, STATE, SEND, "createRoom"])
async def test_a_limit_closes_the_lane_of_that_endpoint_alone(
    homeserver: Homeserver, api: RetryingAPI, limited: str
) -> None:
    homeserver.tell_all({})
    homeserver.tell(limited, LIMITED, {})
    with pytest.raises(NoAnswer):
        await call(api, limited)

    with pytest.raises(NoAnswer) as closed:
        await call(api, limited)
    assert closed.value.limited
    for path in {INVITE, JOIN, STATE, SEND, "createRoom"} - {limited}:
        assert await call(api, path) == {}
    assert homeserver.paths().count(limited) == 1


async def test_a_limit_of_one_persons_invitations_is_theirs_alone(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell(INVITE, LIMITED, {})
    with pytest.raises(NoAnswer):
        await call(api, INVITE)

    assert await call(api, INVITE, "@bob:one.test") == {}


async def test_a_pause_of_others_counts_into_the_patience(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell(STATE, TWO_SECONDS, {})
    with pytest.raises(NoAnswer):
        await call(api, STATE)

    with pytest.raises(NoAnswer) as closed:
        await call(api, STATE)
    assert closed.value.limited
    assert 1 < (closed.value.retry_after or 0) < 2


async def meet_limit(api: RetryingAPI, homeserver: Homeserver, path: str) -> asyncio.Task[Any]:
    """Make a call that is told to wait for a moment; returns when the lane is closed."""
    homeserver.tell(path, Reply(429, {"retry_after_ms": 80}), {})
    first: asyncio.Task[Any] = asyncio.ensure_future(call(api, path))
    for _ in range(1000):
        await asyncio.sleep(0.001)
        if api.limited:
            return first
    raise AssertionError("nothing was limited")


async def test_after_a_limit_calls_set_off_in_their_order_whoever_met_it_first(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({})
    first = await meet_limit(api, homeserver, STATE)
    others = [f"rooms/!a:one.test/state/m.room.topic/{number}" for number in range(12)]

    later = [asyncio.ensure_future(call(api, path)) for path in others]
    await asyncio.gather(first, *later)

    assert homeserver.paths()[:3] == [STATE, STATE, others[0]]
    assert sorted(homeserver.paths()[2:]) == sorted(others)


async def test_a_lane_goes_on_when_one_that_waits_is_given_up(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({})
    waiting = [await meet_limit(api, homeserver, STATE)]
    waiting += [asyncio.ensure_future(call(api, STATE)) for _ in range(2)]
    await asyncio.sleep(0)

    waiting[1].cancel()

    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in done] == [False, True, False]


async def test_what_was_sent_is_counted_by_kind(homeserver: Homeserver, api: RetryingAPI) -> None:
    homeserver.tell("account/whoami", BUSY, {})
    homeserver.tell("createRoom", {})
    homeserver.tell("join/!a", {})

    await whoami(api)
    await api.request(Method.POST, Path.v3.createRoom, {})
    await api.request(Method.POST, Path.v3.join["!a"])

    assert api.sent == {"GET read": 2, "POST create": 1, "POST join": 1}
