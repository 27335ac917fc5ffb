"""Which tasks are the plugin's, and whether any of them still has something to do.

Every task that is started while `kept` is on, and every task that such a task starts, counts.
The plugin is not asked: its tasks are looked at from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

TIME_LIMIT = 10.0
# Seconds of sleep from which on nothing is due soon: a check in the background, a long back-off.
LONG_SLEEP = 0.05

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
        deadline = loop.time() + TIME_LIMIT
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
    """Whether a task waits for something that only another task, or a long time, brings about.

    What waits for the homeserver, the database or a short moment is at work. No name of the
    plugin's is known here: a task is judged by the part of asyncio that it waits in.
    """
    awaited: Any = task._fut_waiter  # type: ignore[attr-defined]
    if awaited is None or awaited.done():
        # It runs, or is about to: whoever is handed a lock looks like one that waits for it.
        return False
    if isinstance(awaited, asyncio.Task) or type(awaited).__name__ == "_GatheringFuture":
        return True
    coro: Any = task.get_coro()
    while hasattr(coro.cr_await, "cr_code"):
        coro = coro.cr_await
    where = (Path(coro.cr_code.co_filename).name, coro.cr_code.co_name)
    if where == ("tasks.py", "sleep"):
        return LONG_SLEEP < _due_in(awaited) < float("inf")
    if where in (("tasks.py", "_wait"), ("tasks.py", "wait_for")):
        return _due_in(awaited) > LONG_SLEEP
    return where[0] in ("locks.py", "queues.py")


def _due_in(awaited: asyncio.Future[Any]) -> float:
    """Seconds until a timer of the loop wakes whoever awaits this."""
    loop: Any = asyncio.get_running_loop()
    times = [
        timer.when() - loop.time()
        for timer in loop._scheduled
        if not timer.cancelled() and any(one is awaited for one in timer._args or ())
    ]
    return min(times, default=float("inf"))
