"""Moments in a message's life at which the plugin is killed, and how each is met from outside.

Between two messages of one chat, the second written right after the first, every step has such
a moment: some are met on the wire, some at the platform, and those that nothing outside can see
are named in the plugin itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from urllib.parse import unquote

from aiohttp import web

from dev.proxy import hang_up
from dev.stack import Stack
from dev.user_client import Person

from .recorder import Recorder
from .transcript import read_when_complete

CRASH_POINT = "SPACEKEEPER_CRASH_POINT"


@dataclass
class Cell:
    """One death: where it happens, and the words of the two messages around it."""

    stack: Stack
    recorder: Recorder
    person: Person
    room_id: str
    first: str
    second: str
    events: dict[str, str] = field(default_factory=dict)

    def die(self, request: web.Request) -> web.StreamResponse:
        """The plugin ends here and now; whatever it was doing gets no answer."""
        self.stack.maubot.kill()
        self.stack.wire.fault = None
        return hang_up(request)


class Moment(ABC):
    """A step. `again`: which of the messages the platform may be sent a second time, with the
    database kept and with it deleted: those whose answer was not kept when it was killed."""

    again_kept: frozenset[str] = frozenset()
    again_deleted: frozenset[str] = frozenset()

    @abstractmethod
    async def arm(self, cell: Cell) -> None:
        """Have the plugin killed when it gets there."""

    async def come(self, cell: Cell) -> None:
        """Do what leads there, once the messages are written; most need no more than those."""
        return

    async def disarm(self, cell: Cell) -> None:
        """Let it live from now on."""
        cell.stack.wire.fault = None
        cell.recorder.reactions.clear()


class Delivery(Moment):
    """The homeserver answers the sync that brings the message, and nobody receives it."""

    async def arm(self, cell: Cell) -> None:
        async def fault(request: web.Request) -> web.StreamResponse | None:
            if not request.path.endswith("/sync"):
                return None
            answer = await cell.stack.wire.forward(request)
            assert isinstance(answer.body, bytes)
            return cell.die(request) if cell.first.encode() in answer.body else answer

        cell.stack.wire.fault = fault


class Arrival(Moment):
    """The sync was received, and the next one is asked for: it is being stored."""

    again_kept = again_deleted = frozenset({"first"})

    async def arm(self, cell: Cell) -> None:
        delivered: list[web.Response] = []

        async def fault(request: web.Request) -> web.StreamResponse | None:
            if not request.path.endswith("/sync"):
                return None
            if delivered:
                return cell.die(request)
            answer = await cell.stack.wire.forward(request)
            assert isinstance(answer.body, bytes)
            if cell.first.encode() in answer.body:
                delivered.append(answer)
            return answer

        cell.stack.wire.fault = fault


class Call(Moment):
    """The platform was sent the message, and has not answered."""

    again_kept = again_deleted = frozenset({"first"})

    async def arm(self, cell: Cell) -> None:
        async def react(request: web.Request) -> web.StreamResponse:
            return cell.die(request)

        cell.recorder.reactions[cell.first] = react


class NextCall(Call):
    """The first message is answered and noted; the second is at the platform."""

    again_kept = again_deleted = frozenset({"second"})

    async def arm(self, cell: Cell) -> None:
        async def react(request: web.Request) -> web.StreamResponse:
            return cell.die(request)

        cell.recorder.reactions[cell.second] = react


class Reply(Moment):
    """The answer is sent, and does not reach the homeserver."""

    again_deleted = frozenset({"first"})
    arrives = False

    async def arm(self, cell: Cell) -> None:
        async def fault(request: web.Request) -> web.StreamResponse | None:
            sending = f"rooms/{cell.room_id}/send/" in unquote(request.path)
            if not sending:
                return None
            if self.arrives:
                await cell.stack.wire.forward(request)
            return cell.die(request)

        cell.stack.wire.fault = fault


class ReplyArrived(Reply):
    """The answer stands in Matrix, and nobody hears of that."""

    again_deleted = frozenset()
    arrives = True


class CrashPoint(Moment):
    """A point named in the plugin."""

    point = ""

    async def arm(self, cell: Cell) -> None:
        cell.stack.maubot.environment[CRASH_POINT] = self.point
        await cell.stack.maubot.restart()

    async def disarm(self, cell: Cell) -> None:
        cell.stack.maubot.environment.pop(CRASH_POINT, None)


class Received(CrashPoint):
    """The message has just come in, and nothing was done about it."""

    point = "received"


class Stored(CrashPoint):
    """The message is stored, and its turn has not come."""

    point = "stored"


class Asking(CrashPoint):
    """The message is about to be sent to the platform."""

    point = "asking"


class Answered(CrashPoint):
    """The platform has answered, and the answer is not stored."""

    again_kept = again_deleted = frozenset({"first"})
    point = "answered"


class Kept(CrashPoint):
    """The answer is stored, and not sent."""

    again_deleted = frozenset({"first"})
    point = "kept"


class Sent(CrashPoint):
    """The answer is sent, and that is not noted."""

    point = "sent"


class Noted(CrashPoint):
    """The message has left the inbox."""

    point = "noted"


class Moving(CrashPoint):
    """The plugin is stopped, and about to note how far it came."""

    point = "moving"

    async def come(self, cell: Cell) -> None:
        await read_when_complete([(cell.person, cell.room_id)])
        await cell.stack.maubot.stop()


class Moved(Moving):
    """How far it came is noted in the database, and not in Matrix."""

    point = "moved"


class Told(Moving):
    """How far it came is noted in both."""

    point = "told"
