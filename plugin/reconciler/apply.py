"""Carries a plan out: Matrix first, then the routes, in one assignment.

What Matrix did not take is not routed by. What somebody changed after the plan was made is left
as they made it.
"""

from __future__ import annotations

import asyncio
import logging

import attr
from mautrix.errors import MatrixRequestError
from mautrix.types import RoomID

from ..matrix.api import NoAnswer
from ..matrix.writer import Writer
from ..planner.plan import Plan
from ..planner.writes import Write
from ..topology.model import BINDING_TYPE
from ..topology.routes import CurrentRoutes, build_routes
from .observe import RoomSnapshot


class Applier:
    """Applies the plans of one instance."""

    def __init__(self, writer: Writer, routes: CurrentRoutes, log: logging.Logger) -> None:
        self.writer = writer
        self.routes = routes
        self.log = log

    async def apply(self, plan: Plan, looked_at: int) -> list[Write]:
        """Send what is planned, in order; what failed of a chat keeps back the rest of it.

        Args:
            plan: what to send.
            looked_at: the routes' count of changes when the look at Matrix began.

        Returns:
            What could not be sent, which was logged.
        """
        failed: list[Write] = []
        stuck: set[RoomID] = set()
        for write in plan.writes:
            if write.chat in stuck or not await self._send(write, looked_at):
                failed.append(write)
                if write.chat is not None:
                    stuck.add(write.chat)
        return failed

    async def _send(self, write: Write, looked_at: int) -> bool:
        """Send one planned event, unless its owner's rooms changed since they were looked at."""
        if self.routes.touched_since(looked_at, write.owner):
            # Not done and not wrong: the next run looks at what is there then.
            return False
        try:
            await self.writer.put_state(
                write.room_id, write.event_type, write.state_key, write.content
            )
        except (NoAnswer, MatrixRequestError) as error:
            self.log.warning(
                "%s in %s could not be written: %s", write.event_type, write.room_id, error
            )
            return False
        self.log.debug("Wrote %s in %s", write.event_type, write.room_id)
        return True

    async def swap(self, observed: RoomSnapshot, failed: list[Write], looked_at: int) -> None:
        """Put the routes in force; a chat whose binding could not be written waits.

        Args:
            picture: what was seen, and the plan.
            failed: the writes that Matrix did not take.
            looked_at: the routes' count of changes when the look at Matrix began.
        """
        plan = observed.plan
        waiting = {
            write.chat
            for write in failed
            if write.chat == write.room_id and write.event_type == BINDING_TYPE
        }
        chats = {
            room_id: chat
            for room_id, chat in plan.topology.chats.items()
            if room_id not in waiting
        }
        unread = plan.unread | plan.to_read | {room_id for room_id in waiting if room_id}
        found = attr.evolve(plan.topology, chats=chats)
        if observed.owners is None:
            # Of a million chats that takes seconds, for which nothing else must stand still.
            routes = await asyncio.to_thread(build_routes, found, unread, plan.elsewhere)
            self.routes.replace(routes, looked_at)
            return
        seen = observed.snapshot.joined | observed.snapshot.refused_read
        self.routes.replace_part(observed.owners, found, looked_at)
        self.routes.unread = (self.routes.unread - seen) | unread
        self.routes.elsewhere |= plan.elsewhere
