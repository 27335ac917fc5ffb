"""The work on invitations: each in its room's turn, for however long the homeserver takes.

The sync token waits for it, so that the next start finds what was interrupted; but not for ever:
a room that never answers must not make every start a long one. What the work is, is not known
here.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from mautrix.types import RoomID

from ..delivery.error_boundary import ErrorBoundary
from ..delivery.room_queues import RoomQueues
from ..matrix.api import NoAnswer
from ..matrix.retry import Backoff

Work = Callable[[], Awaitable[None]]
# Done when the sync token need not wait for the work any more.
Ticket: TypeAlias = "asyncio.Future[None]"

# Tries of the homeserver after which the sync token waits no longer.
PATIENCE = 10


class InvitationQueue:
    """What is being done about invitations."""

    def __init__(self, queues: RoomQueues, boundary: ErrorBoundary, backoff: Backoff) -> None:
        """
        Args:
            queues: keep the order of what happens in a room.
            boundary: tells people what went wrong.
            backoff: the waits before something is tried again.
        """
        self.queues = queues
        self.boundary = boundary
        self.log = boundary.log
        self.backoff = backoff
        self._waiting: set[Ticket] = set()
        # Those of them that no later sync tells of again.
        self._told_once: set[Ticket] = set()

    @property
    def idle(self) -> bool:
        """Whether everything is done, or has waited for long."""
        return not self._waiting

    @property
    def repeatable(self) -> bool:
        """Whether a sync from an earlier token tells of everything that waits."""
        return not self._told_once

    async def wait(self, most: float) -> None:
        """Wait until everything is done, for so many seconds at most."""
        if self._waiting:
            await asyncio.wait(self._waiting, timeout=most)

    def put(self, room_id: RoomID, work: Work, told_once: bool = True) -> None:
        """Have something done when its room's turn comes, again while that raises NoAnswer.

        Args:
            room_id: the room.
            work: what is done.
            told_once: no later sync tells that it is to be done, from whatever token.
        """
        ticket: Ticket = asyncio.get_running_loop().create_future()
        for tickets in (self._waiting, self._told_once) if told_once else (self._waiting,):
            tickets.add(ticket)
            ticket.add_done_callback(tickets.discard)
        self.queues.put(room_id, partial(self._serve, room_id, work, ticket))

    async def _serve(self, room_id: RoomID, work: Work, ticket: Ticket) -> None:
        async with self.boundary.serving(room_id):
            await self._work_until_taken(room_id, work, ticket)
        # Not where this was cancelled by a stop: then it is the next start's to do.
        _release(ticket)

    async def _work_until_taken(self, room_id: RoomID, work: Work, ticket: Ticket) -> None:
        for attempt in itertools.count(1):
            try:
                await work()
            except NoAnswer as error:
                self.log.warning("The invitation to %s waits: %s", room_id, error)
                if attempt == PATIENCE:
                    _release(ticket)
                await asyncio.sleep(self.backoff.delay(attempt))
            else:
                return


def _release(ticket: Ticket) -> None:
    if not ticket.done():
        ticket.set_result(None)
