"""The inbox: messages that were taken in and are not answered yet, and answers not sent yet.

A message is here before anything is done about it, and leaves when its answer stands in Matrix.
Whatever many rooms write at the same moment goes into one transaction.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

import attr
from mautrix.types import EventID

from ..message import LATEST, IncomingMessage, restore_message
from ..topology.standing_answer import WHOLE, Ending
from .pending_message import PendingMessage, State
from .tables import INBOX
from .transactions import FAILURES, FencedDatabase, Statement, fetch

PUT = """INSERT INTO inbox (event_id, position, message, state, set_aside_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (event_id) DO UPDATE SET
    message=excluded.message, state=excluded.state, set_aside_at=excluded.set_aside_at"""
ANSWER = "UPDATE inbox SET answer=$2 WHERE event_id=$1"
REMOVE = "DELETE FROM inbox WHERE event_id=$1"
# As it was when it could not be read: what was put in its place since is a message again.
REMOVE_UNREADABLE = "DELETE FROM inbox WHERE event_id=$1 AND message=$2 AND state=$3"
LOAD = """SELECT event_id, position, message, state, answer, set_aside_at
    FROM inbox ORDER BY position"""
BATCH = 500
# Begins an answer that does not end just whole: there is one column for it, and what an earlier
# version kept is its text alone. None of these begins so, and PostgreSQL takes it.
ENVELOPE = "\x02"


@attr.frozen
class _Order:
    statement: str
    row: tuple[Any, ...]
    done: asyncio.Future[bool]


class Inbox:
    """The inbox of one instance.

    Attributes:
        is_whole: everything in the database could be read. If not, messages on their way to an
            answer can only be found in Matrix.
    """

    def __init__(self, db: FencedDatabase) -> None:
        self.db = db
        self.is_whole = True
        self._unreadable: list[tuple[Any, ...]] = []
        self._orders: list[_Order] = []
        self._writer: asyncio.Task[None] | None = None
        self._positions = itertools.count(1)

    async def load(self) -> list[PendingMessage]:
        """What was kept, in the order it came; rows that make no sense are counted in the log
        and left out."""
        try:
            rows = await fetch(self.db.database, LOAD)
        except FAILURES as error:
            self.db.log.error("The inbox cannot be read: %s", error)
            self.is_whole = False
            return []
        positions = (row["position"] for row in rows)
        # Beyond that no number of its own was ever given.
        last = max((one for one in positions if type(one) is int and one <= LATEST), default=0)
        self._positions = itertools.count(last + 1)
        kept = []
        for row in rows:
            if (one := _decode(row)) is not None:
                kept.append(one)
            else:
                self._unreadable.append((row["event_id"], row["message"], row["state"]))
        if self._unreadable:
            self.is_whole = False
            self.db.log.warning(
                "%d messages in the inbox cannot be read and are looked for in Matrix",
                len(self._unreadable),
            )
        return kept

    async def drop_unreadable(self) -> None:
        """Drop what `load` could not read, once what it stood for was looked for in Matrix."""
        rows, self._unreadable = self._unreadable, []
        if rows:
            await self.db.execute([Statement(REMOVE_UNREADABLE, rows)])

    async def put(self, messages: Iterable[IncomingMessage], state: State = State.WAITING) -> bool:
        """Keep these messages, in this order; what is kept already is replaced in its place.

        Returns:
            Whether they are kept. False means that the database failed, which was logged.
        """
        orders = []
        now = int(time.time() * 1000)
        for message in messages:
            encoded = json.dumps(attr.asdict(message))
            since = now if state is State.SET_ASIDE else None
            row = (message.event_id, next(self._positions), encoded, state.value, since)
            orders.append(self._order(PUT, row))
        return all([await asyncio.shield(order) for order in orders])

    async def put_answer(self, event_id: EventID, answer: str, ending: Ending = WHOLE) -> bool:
        """Keep the platform's answer to a message until it stands in Matrix."""
        row = (event_id, encode_answer(answer, ending))
        return await asyncio.shield(self._order(ANSWER, row))

    async def remove(self, event_id: EventID) -> bool:
        """Drop a message that is answered, or given up."""
        return await asyncio.shield(self._order(REMOVE, (event_id,)))

    async def drain(self) -> None:
        """Wait until everything ordered so far is written."""
        while self._writer is not None and not self._writer.done():
            await asyncio.shield(self._writer)

    def _order(self, statement: str, row: tuple[Any, ...]) -> asyncio.Future[bool]:
        # Before anything is waited for: what is asked for next must not overtake it.
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._orders.append(_Order(statement, row, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return done

    async def _write(self) -> None:
        while self._orders:
            batch, self._orders = self._orders[:BATCH], self._orders[BATCH:]

            # Whatever happened to the database may have happened to the table too.
            statements = [Statement(INBOX)] if self.db.failing else []
            for sql, orders in itertools.groupby(batch, attrgetter("statement")):
                statements.append(Statement(sql, [order.row for order in orders]))
            written = False
            try:
                written = await self.db.execute(statements)
            finally:
                for order in batch:
                    if not order.done.done():
                        order.done.set_result(written)


def _decode(row: Mapping[str, Any]) -> PendingMessage | None:
    try:
        message, state = restore_message(json.loads(row["message"])), State(row["state"])
        answer, ending = decode_answer(row["answer"])
    except (TypeError, ValueError, KeyError, RecursionError):
        return None
    since = row["set_aside_at"] or 0
    if message is None or type(since) is not int or not 0 <= since <= LATEST:
        return None
    return PendingMessage(message, state, answer, ending, set_aside_at=since)


def encode_answer(text: str, ending: Ending = WHOLE) -> str:
    """What to put into the column for an answer, and how it ends where that is not just whole."""
    if ending == WHOLE and not text.startswith(ENVELOPE):
        return text
    kept = {"text": text, **attr.asdict(ending), "marks": sorted(ending.marks)}
    return ENVELOPE + json.dumps(kept)


def decode_answer(kept: Any) -> tuple[str | None, Ending]:
    """What was put into the column; a damaged database may hold anything there.

    Raises:
        TypeError, ValueError, KeyError: it makes no sense.
    """
    if kept is None:
        return None, WHOLE
    if not isinstance(kept, str):
        raise TypeError(f"an answer is text, not {type(kept).__name__}")
    if not kept.startswith(ENVELOPE):
        return kept, WHOLE
    answer = json.loads(kept.removeprefix(ENVELOPE))
    ending = Ending(frozenset(answer["marks"]), str(answer["remark"]), answer.get("of"))
    return str(answer["text"]), ending
