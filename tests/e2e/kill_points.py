"""Points on a message's way at which the plugin is killed, and how each is met from outside.

Between two messages of one chat, the second written right after the first, every step has such
a point: some are met on the wire, some at the platform, and those that nothing outside can see
are named in the plugin itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from urllib.parse import unquote

from aiohttp import web

from dev.proxy import hang_up
from dev.stack import Stack
from dev.user_client import UserClient

from .recorder import Recorder
from .transcript import read_when_complete

FAILPOINT = "SPACEKEEPER_FAILPOINT"


@dataclass
class KillScenario:
    """One kill: where it happens, and the words of the two messages around it."""

    stack: Stack
    recorder: Recorder
    person: UserClient
    room_id: str
    first: str
    second: str
    events: dict[str, str] = field(default_factory=dict)

    def kill(self, request: web.Request) -> web.StreamResponse:
        """The plugin ends here and now; whatever it was doing gets no answer."""
        self.stack.maubot.kill()
        self.stack.proxy.fault = None
        return hang_up(request)


class KillPoint(ABC):
    """A step. `again`: which of the messages the platform may be sent a second time, with the
    database kept and with it deleted: those whose answer was not kept when it was killed."""

    again_kept: frozenset[str] = frozenset()
    again_deleted: frozenset[str] = frozenset()

    @abstractmethod
    async def arm(self, scenario: KillScenario) -> None:
        """Have the plugin killed when it gets there."""

    async def come(self, scenario: KillScenario) -> None:
        """Do what leads there, once the messages are written; most need no more than those."""
        return

    async def disarm(self, scenario: KillScenario) -> None:
        """Kill it no more."""
        scenario.stack.proxy.fault = None
        scenario.recorder.reactions.clear()


class Delivery(KillPoint):
    """The homeserver answers the sync that brings the message, and nobody receives it."""

    async def arm(self, scenario: KillScenario) -> None:
        async def fault(request: web.Request) -> web.StreamResponse | None:
            if not request.path.endswith("/sync"):
                return None
            answer = await scenario.stack.proxy.forward(request)
            assert isinstance(answer.body, bytes)
            return scenario.kill(request) if scenario.first.encode() in answer.body else answer

        scenario.stack.proxy.fault = fault


class Arrival(KillPoint):
    """The sync was received, and the next one is asked for: it is being stored."""

    again_kept = again_deleted = frozenset({"first"})

    async def arm(self, scenario: KillScenario) -> None:
        delivered: list[web.Response] = []

        async def fault(request: web.Request) -> web.StreamResponse | None:
            if not request.path.endswith("/sync"):
                return None
            if delivered:
                return scenario.kill(request)
            answer = await scenario.stack.proxy.forward(request)
            assert isinstance(answer.body, bytes)
            if scenario.first.encode() in answer.body:
                delivered.append(answer)
            return answer

        scenario.stack.proxy.fault = fault


class Call(KillPoint):
    """The platform was sent the message, and has not answered."""

    again_kept = again_deleted = frozenset({"first"})

    async def arm(self, scenario: KillScenario) -> None:
        async def react(request: web.Request) -> web.StreamResponse:
            return scenario.kill(request)

        scenario.recorder.reactions[scenario.first] = react


class NextCall(Call):
    """The first message is answered and noted; the second is at the platform."""

    again_kept = again_deleted = frozenset({"second"})

    async def arm(self, scenario: KillScenario) -> None:
        async def react(request: web.Request) -> web.StreamResponse:
            return scenario.kill(request)

        scenario.recorder.reactions[scenario.second] = react


class Reply(KillPoint):
    """The answer is sent, and does not reach the homeserver."""

    again_deleted = frozenset({"first"})
    arrives = False

    async def arm(self, scenario: KillScenario) -> None:
        async def fault(request: web.Request) -> web.StreamResponse | None:
            sending = f"rooms/{scenario.room_id}/send/" in unquote(request.path)
            if not sending:
                return None
            if self.arrives:
                await scenario.stack.proxy.forward(request)
            return scenario.kill(request)

        scenario.stack.proxy.fault = fault


class ReplyArrived(Reply):
    """The answer stands in Matrix, and nobody hears of that."""

    again_deleted = frozenset()
    arrives = True


class FailpointKill(KillPoint):
    """A point named in the plugin."""

    point = ""

    async def arm(self, scenario: KillScenario) -> None:
        scenario.stack.maubot.environment[FAILPOINT] = self.point
        await scenario.stack.maubot.restart()

    async def disarm(self, scenario: KillScenario) -> None:
        scenario.stack.maubot.environment.pop(FAILPOINT, None)


class Stored(FailpointKill):
    """The message is stored, and its turn has not come."""

    point = "stored"


class Answered(FailpointKill):
    """The platform has answered, and the answer is not stored."""

    again_kept = again_deleted = frozenset({"first"})
    point = "answered"


class Kept(FailpointKill):
    """The answer is stored, and not sent."""

    again_deleted = frozenset({"first"})
    point = "kept"


class Removed(FailpointKill):
    """The message has left the inbox."""

    point = "removed"


class TokenSaved(FailpointKill):
    """The plugin is stopped: how far it came is saved in the database, and not in Matrix."""

    point = "token_saved"

    async def come(self, scenario: KillScenario) -> None:
        await read_when_complete([(scenario.person, scenario.room_id)])
        await scenario.stack.maubot.stop()


class CursorWritten(KillPoint):
    """The plugin is stopped: how far it came is saved in both, and nobody hears of that."""

    async def arm(self, scenario: KillScenario) -> None:
        await scenario.stack.maubot.restart()

        async def fault(request: web.Request) -> web.StreamResponse | None:
            if request.method != "PUT" or "chat.spacekeeper.cursor" not in request.path:
                return None
            await scenario.stack.proxy.forward(request)
            return scenario.kill(request)

        scenario.stack.proxy.fault = fault

    async def come(self, scenario: KillScenario) -> None:
        await read_when_complete([(scenario.person, scenario.room_id)])
        await scenario.stack.maubot.stop()
