"""What is to be looked at again: a back-off for each owner and each room.

A key that fails waits longer each time, and keeps no other key waiting. What was looked at with
success is forgotten here, and so is a room that is gone: nothing of it fails any more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from mautrix.types import RoomID, UserID

from ..config.timing import Timing
from ..topology.scope import Scope


class Retries:
    """Keys that failed, each with a timer of its own."""

    def __init__(self, timing: Timing, due: Callable[[Scope], None]) -> None:
        """
        Args:
            timing: the back-off, and the shortest wait.
            due: called with each key when its wait is over.
        """
        self.timing = timing
        self.due = due
        self._failures: Counter[Scope] = Counter()
        self._timers: dict[Scope, asyncio.Task[None]] = {}
        self._closed = False

    @property
    def scope(self) -> Scope:
        """Everything that waits."""
        return Scope(
            frozenset(owner for key in self._timers for owner in key.owners),
            frozenset(room_id for key in self._timers for room_id in key.rooms),
        )

    def fail(self, scope: Scope) -> None:
        """Let each key wait for another try; one that waits already is left as it is."""
        for key in _keys(scope):
            if self._closed or key in self._timers:
                continue
            self._failures[key] += 1
            pause = self.timing.backoff.delay(self._failures[key])
            wait = self._wait(key, max(pause, self.timing.recheck))
            self._timers[key] = asyncio.create_task(wait)

    def succeed(self, scope: Scope) -> None:
        """Forget these keys: nothing of them is missing."""
        for key in _keys(scope):
            del self._failures[key]
            if (timer := self._timers.pop(key, None)) is not None:
                timer.cancel()

    def succeed_but(self, scope: Scope) -> None:
        """Forget all keys but these, after a look at everything."""
        failing = set(_keys(scope))
        for key in [key for key in self._failures if key not in failing]:
            self.succeed(key)

    def close(self) -> None:
        """Try nothing again."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()

    async def _wait(self, key: Scope, pause: float) -> None:
        await asyncio.sleep(pause)
        del self._timers[key]
        self.due(key)


def _keys(scope: Scope) -> list[Scope]:
    """A scope for each owner and each room."""
    owners: list[UserID] = sorted(scope.owners)
    rooms: list[RoomID] = sorted(scope.rooms)
    return [
        *(Scope(owners=frozenset({owner})) for owner in owners),
        *(Scope(rooms=frozenset({room_id})) for room_id in rooms),
    ]
