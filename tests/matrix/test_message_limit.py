"""What nobody needs is sent only where it costs nobody else anything."""

from __future__ import annotations

import asyncio

import pytest
from mautrix.api import Method

from plugin.matrix.api import NoAnswer, RetryingAPI
from plugin.matrix.message_limit import BURST

from .http_server import BUSY, Homeserver, Reply

SEND = "_matrix/client/v3/rooms/!room:one.test/send/m.room.message/{}"
STATE = "_matrix/client/v3/rooms/!room:one.test/state/m.room.name/"


async def send(api: RetryingAPI, count: int, path: str = SEND) -> None:
    for number in range(count):
        await api.request(Method.PUT, path.format(number), {})


async def try_to_send(api: RetryingAPI, least: int = 5) -> bool:
    """Whether a message that nobody needs was taken."""
    return await api.try_request(Method.PUT, SEND.format("live"), {}, least) is not None


async def count_spare(api: RetryingAPI, least: int = 5) -> int:
    """How many such messages can be sent at once."""
    sent = 0
    while await try_to_send(api, least):
        sent += 1
    return sent


@pytest.fixture(autouse=True)
def _answering(homeserver: Homeserver, api: RetryingAPI) -> None:
    homeserver.tell_all({"event_id": "$sent"})
    # However long a test takes.
    api.message_limit.per_second = 0.0


async def test_half_of_what_can_be_sent_at_once_is_left_for_what_is_needed(
    api: RetryingAPI,
) -> None:
    assert await count_spare(api) == BURST - 5


@pytest.mark.parametrize("path", [SEND, STATE, "_matrix/client/v3/createRoom"])
async def test_messages_state_and_rooms_count_alike(api: RetryingAPI, path: str) -> None:
    await send(api, 3, path)

    assert await count_spare(api) == BURST - 5 - 3


async def test_what_is_promised_is_left_for_it(api: RetryingAPI) -> None:
    limit = api.message_limit
    with limit.promised(), limit.promised(), limit.promised():
        assert await count_spare(api, least=0) == BURST - 3
    assert await count_spare(api, least=0) == 3


async def test_what_is_sent_at_the_same_moment_is_spent_once(api: RetryingAPI) -> None:
    sent = await asyncio.gather(*(try_to_send(api) for _ in range(3 * BURST)))

    assert sum(sent) == BURST - 5


async def test_a_homeserver_that_takes_more_than_it_would_under_the_limit_has_none(
    api: RetryingAPI,
) -> None:
    await send(api, BURST + 1)
    assert not await try_to_send(api)

    await send(api, 1)

    assert all([await try_to_send(api) for _ in range(3 * BURST)])


async def test_a_refusal_brings_the_limit_back(homeserver: Homeserver, api: RetryingAPI) -> None:
    await send(api, BURST + 2)
    homeserver.tell_all(BUSY, {"event_id": "$sent"})

    assert not await try_to_send(api)
    asked = len(homeserver.asked)
    assert not await try_to_send(api, least=0)

    assert len(homeserver.asked) == asked
    await send(api, 1)


async def test_a_room_that_may_not_be_made_yet_says_nothing_about_messages(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all(BUSY, {"event_id": "$sent"})
    with pytest.raises(NoAnswer):
        await api.request(Method.POST, "_matrix/client/v3/createRoom", {})

    assert await count_spare(api) == BURST - 5


async def test_what_nobody_needs_is_not_tried_again(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all(Reply(502, "<html>"))

    with pytest.raises(NoAnswer):
        await try_to_send(api)

    assert len(homeserver.asked) == 1


async def test_while_somebody_waits_for_the_limit_nothing_else_is_sent(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    await send(api, BURST + 2)
    pause = Reply(429, '{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 60000}')
    homeserver.tell_all(pause, {"event_id": "$sent"})
    with pytest.raises(NoAnswer):
        await api.request(Method.PUT, STATE, {})
    api.message_limit.lifted = True
    asked = len(homeserver.asked)

    assert not await try_to_send(api, least=0)

    assert len(homeserver.asked) == asked
