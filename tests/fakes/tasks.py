"""Which tasks are the plugin's, and whether any of them still has something to do.

Every task that is started while `kept` is on, and every task that such a task starts, counts.
The plugin is not asked: its tasks are looked at from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

PATIENCE = 10.0

# Where a task of the plugin's may wait without anything being due: its life for its end, the
# reconciliation for something to happen, a background check for its time, and everything for a
# homeserver that does not answer.
AT_REST = (
    ("_live",),
    ("serve", "wait"),
    ("verify", "sleep"),
    ("_pause", "sleep"),
    ("_mark_later", "sleep"),
)

Task = asyncio.Task[Any]
_keeping: ContextVar[set[Task] | None] = ContextVar("_keeping", default=None)


class Tasks:
    """The tasks of one bot."""

    def __init__(self) -> None:
        self.alive: set[Task] = set()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is started from in here."""
        asyncio.get_running_loop().set_task_factory(_keep)
        token = _keeping.set(self.alive)
        try:
            yield
        finally:
            _keeping.reset(token)

    async def settled(self) -> None:
        """Wait until none of them has anything left to do.

        Raises:
            AssertionError: one still has, after a long while.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        quiet = 0
        # A task that was just woken still looks at rest until the loop comes round to it.
        while quiet < 3:
            busy = [task for task in self.alive if not _is_at_rest(task)]
            quiet = 0 if busy else quiet + 1
            assert loop.time() < deadline, f"still at work: {busy}"
            await (asyncio.wait(busy, timeout=0.005) if busy else asyncio.sleep(0))

    async def cancel(self) -> None:
        """End them all, wherever they are."""
        for task in list(self.alive):
            task.cancel()
        await asyncio.gather(*self.alive, return_exceptions=True)


def _keep(loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> Task:
    task: Task = asyncio.Task(coro, loop=loop, **more)
    kept = _keeping.get()
    if kept is not None:
        kept.add(task)
        task.add_done_callback(kept.discard)
    return task


def _is_at_rest(task: Task) -> bool:
    names: list[str] = []
    coro: Any = task.get_coro()
    while hasattr(coro, "cr_code"):
        names.append(coro.cr_code.co_name)
        coro = coro.cr_await
    return tuple(names[-2:]) in AT_REST
