"""What failed is tried again: each owner and each room after a back-off of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from mautrix.types import RoomID, UserID

from plugin.config.timing import Timing
from plugin.matrix.retry import Backoff
from plugin.reconciler.work_queue import Retries
from plugin.topology.scope import Scope

ALICE, BOB = UserID("@alice:test"), UserID("@bob:test")
ROOM = RoomID("!room:test")
ALICES, BOBS = Scope(frozenset({ALICE})), Scope(frozenset({BOB}))
ROOMS = Scope(rooms=frozenset({ROOM}))
# The first try comes at once, and the second not while a test runs.
ONCE = Timing(backoff=Backoff(first=0.001, longest=0.001), recheck=0.0)
NEVER = Timing(backoff=Backoff(first=3600.0, longest=3600.0), recheck=3600.0)


class Due:
    """Keeps the keys whose wait is over."""

    def __init__(self) -> None:
        self.keys: asyncio.Queue[Scope] = asyncio.Queue()

    async def next(self) -> Scope:
        return await asyncio.wait_for(self.keys.get(), 10)


@pytest.fixture
def due() -> Due:
    return Due()


@pytest.fixture
async def soon(due: Due) -> AsyncIterator[Retries]:
    retries = Retries(ONCE, due.keys.put_nowait)
    yield retries
    retries.close()


@pytest.fixture
async def late(due: Due) -> AsyncIterator[Retries]:
    retries = Retries(NEVER, due.keys.put_nowait)
    yield retries
    retries.close()


async def test_each_owner_and_each_room_is_tried_again_alone(soon: Retries, due: Due) -> None:
    soon.fail(ALICES | BOBS | ROOMS)

    keys = [await due.next() for _ in range(3)]

    assert set(keys) == {ALICES, BOBS, ROOMS}
    assert soon.scope == Scope()


async def test_what_waits_for_another_try_is_told(late: Retries) -> None:
    late.fail(ALICES | ROOMS)

    assert late.scope == ALICES | ROOMS


async def test_an_owner_who_waits_long_delays_no_other(due: Due) -> None:
    # The second failure in a row waits for an hour, the first for no time.
    backoff = Backoff(first=0.0001, longest=3600.0)
    retries = Retries(Timing(backoff=backoff, recheck=0.0), due.keys.put_nowait)
    retries.fail(ALICES)
    for _ in range(5):
        assert await due.next() == ALICES
        retries.fail(ALICES)

    retries.timing = NEVER
    assert await due.next() == ALICES
    retries.fail(ALICES)
    retries.timing = ONCE
    retries.fail(BOBS)

    assert await due.next() == BOBS
    assert retries.scope == ALICES
    retries.close()


async def test_what_was_read_is_not_tried_again(late: Retries) -> None:
    late.fail(ALICES | BOBS)

    late.succeed(ALICES)

    assert late.scope == BOBS


async def test_after_everything_was_read_only_what_failed_then_is_tried_again(
    late: Retries,
) -> None:
    late.fail(ALICES | BOBS | ROOMS)

    late.succeed_but(BOBS)

    assert late.scope == BOBS


async def test_after_a_close_nothing_is_tried_again(soon: Retries, due: Due) -> None:
    soon.fail(ALICES)
    soon.close()
    soon.fail(BOBS)

    await asyncio.sleep(0.01)

    assert due.keys.empty()
