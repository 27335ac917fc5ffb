"""The inbox on a real database: what is kept comes back in its order, whatever happens to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import attr
import pytest
from mautrix.types import EventID, RoomID, UserID
from mautrix.util.async_db import Database

from plugin.cache.inbox import BATCH, Inbox, decode_answer, encode_answer
from plugin.cache.pending_message import State
from plugin.message import IncomingMessage
from plugin.topology.standing_answer import Ending

from .conftest import Open
from .store_helpers import ALL, ROUTES, loaded, locked, new_guard, new_store, rows

ROOM, ALICE = RoomID("!room:one.test"), UserID("@alice:one.test")


def message(name: str, body: str = "Hello") -> IncomingMessage:
    return IncomingMessage(EventID(f"${name}"), ROOM, ALICE, "m.text", body, 5)


FIRST, SECOND, THIRD = message("z"), message("y", "ä\0 'quoted' 😀"), message("x")


Kept = tuple[IncomingMessage, State, "str | None"]


async def kept(database: Database) -> list[Kept]:
    """What the next run finds: each message, what it waits for, and its answer."""
    loaded = await Inbox(new_guard(database)).load()
    return [(one.message, one.state, one.answer) for one in loaded]


async def filled(database: Database, *messages: IncomingMessage) -> Inbox:
    inbox = Inbox(new_guard(database))
    await inbox.load()
    assert await inbox.put(messages)
    return inbox


async def test_a_new_inbox_is_empty(database: Database) -> None:
    assert await kept(database) == []


async def test_what_is_put_comes_back_in_its_order(
    database: Database, open_database: Open
) -> None:
    await filled(database, FIRST, SECOND)
    await database.stop()
    again = await open_database()
    await filled(again, THIRD)

    assert await kept(again) == [(one, State.WAITING, None) for one in (FIRST, SECOND, THIRD)]


async def test_what_is_put_again_is_replaced_in_its_place(database: Database) -> None:
    inbox = await filled(database, FIRST, SECOND)
    edited = attr.evolve(FIRST, body="Hello!")

    await inbox.put([edited], State.SET_ASIDE)

    assert await kept(database) == [(edited, State.SET_ASIDE, None), (SECOND, State.WAITING, None)]


async def test_an_answer_is_kept_with_its_message(database: Database) -> None:
    inbox = await filled(database, FIRST, SECOND)

    await inbox.put_answer(SECOND.event_id, "Hi")

    assert [answer for _, _, answer in await kept(database)] == [None, "Hi"]


async def test_an_edit_does_not_lose_the_answer(database: Database) -> None:
    inbox = await filled(database, FIRST)
    await inbox.put_answer(FIRST.event_id, "Hi")

    await inbox.put([FIRST])

    assert await kept(database) == [(FIRST, State.WAITING, "Hi")]


async def test_an_answer_to_what_was_given_up_is_not_kept(database: Database) -> None:
    inbox = await filled(database, FIRST)
    await inbox.remove(FIRST.event_id)

    await inbox.put_answer(FIRST.event_id, "Hi")

    assert await kept(database) == []


async def test_what_many_write_at_once_is_all_kept_in_order(database: Database) -> None:
    inbox = await filled(database)
    messages = [message(str(number)) for number in range(BATCH + 50)]

    done = await asyncio.gather(*(inbox.put([one]) for one in messages))

    assert all(done)
    assert [message for message, _, _ in await kept(database)] == messages


async def test_what_is_put_and_removed_at_once_is_gone(database: Database) -> None:
    inbox = await filled(database)

    await asyncio.gather(
        inbox.put([FIRST]), inbox.put_answer(FIRST.event_id, "Hi"), inbox.remove(FIRST.event_id)
    )

    assert await kept(database) == []


async def test_whoever_is_cancelled_has_put_it_all_the_same(database: Database) -> None:
    inbox = await filled(database)
    putting = asyncio.ensure_future(inbox.put([FIRST]))
    await asyncio.sleep(0)
    putting.cancel()
    await asyncio.wait({putting})

    await inbox.drain()

    assert await kept(database) == [(FIRST, State.WAITING, None)]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE inbox SET message='{' WHERE event_id='$z'",
        "UPDATE inbox SET message='[]' WHERE event_id='$z'",
        "UPDATE inbox SET message='{\"event_id\": \"$z\"}' WHERE event_id='$z'",
        "UPDATE inbox SET state='??' WHERE event_id='$z'",
        "UPDATE inbox SET message=x'00ff' WHERE event_id='$z'",
        "UPDATE inbox SET message=json_set(message, '$.body', NULL) WHERE event_id='$z'",
        "UPDATE inbox SET message=json_set(message, '$.event_id', json('[]')) WHERE event_id='$z'",
        "UPDATE inbox SET message=json_set(message, '$.thread', 7) WHERE event_id='$z'",
        "UPDATE inbox SET message=json_set(message, '$.mentions', '@a') WHERE event_id='$z'",
        "UPDATE inbox SET message=json_set(message, '$.sent_at', 1e300) WHERE event_id='$z'",
        "UPDATE inbox SET message=printf('%.*c', 60000, '[') WHERE event_id='$z'",
        "UPDATE inbox SET answer=x'59' WHERE event_id='$z'",
        "UPDATE inbox SET set_aside_at=9e999 WHERE event_id='$z'",
        "UPDATE inbox SET set_aside_at=-1 WHERE event_id='$z'",
    ],
)
async def test_a_row_that_makes_no_sense_costs_itself_alone(
    database: Database, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    await filled(database, FIRST, SECOND)

    await database.execute(damage)

    assert [message for message, _, _ in await kept(database)] == [SECOND]
    assert "1 messages in the inbox cannot be read" in caplog.text


async def test_a_place_that_makes_no_sense_leaves_one_for_what_is_put_next(
    database: Database,
) -> None:
    await filled(database, FIRST)
    await database.execute("UPDATE inbox SET position=9223372036854775807")

    await filled(database, SECOND)

    assert [message for message, _, _ in await kept(database)] == [SECOND, FIRST]


async def test_an_inbox_that_was_dropped_is_made_anew(database: Database) -> None:
    inbox = await filled(database, FIRST)
    await database.execute("DROP TABLE inbox")

    # The first write finds out; the next one mends it.
    assert not await inbox.put([SECOND])
    assert await inbox.put([THIRD])

    assert [message for message, _, _ in await kept(database)] == [THIRD]


async def test_an_inbox_that_cannot_be_read_is_said_and_empty(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await database.execute("DROP TABLE inbox")

    assert await kept(database) == []
    assert "The inbox cannot be read" in caplog.text


async def test_a_cache_that_is_made_anew_leaves_the_inbox_alone(database: Database) -> None:
    await filled(database, FIRST)
    await database.execute("DROP TABLE chat")

    store = new_store(database)
    await store.take_over()
    await store.save(ROUTES)

    assert (await loaded(database)).routes.topology() == ALL
    assert await kept(database) == [(FIRST, State.WAITING, None)]


async def test_while_the_database_is_locked_nothing_is_said_to_be_kept(
    database: Database, tmp_path: Path
) -> None:
    inbox = await filled(database)

    async with locked(database, tmp_path):
        assert not await inbox.put([FIRST])

    assert await inbox.put([SECOND])
    assert await rows(database, "inbox") == 1


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("Once upon a time", Ending(frozenset({"chat.spacekeeper.stopped"}), "*(Stopped.)*")),
        ("", Ending(frozenset({"chat.spacekeeper.stopped"}))),
        ("As ever", Ending()),
        ("\x02{}", Ending()),
    ],
)
def test_an_answer_comes_back_with_its_end(text: str, ending: Ending) -> None:
    assert decode_answer(encode_answer(text, ending)) == (text, ending)


def test_what_an_earlier_version_kept_is_whole() -> None:
    assert decode_answer('{"text": "no"}') == ('{"text": "no"}', Ending())
    assert decode_answer(None) == (None, Ending())
