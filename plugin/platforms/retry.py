"""Asks a platform, again where that can help, and only so many conversations at a time.

It stands beside the platforms because none of them may try a request again by itself: how often
and how soon is the same for all. It must not know what an answer is for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from ..failpoints import failpoint
from .protocol import Platform, PlatformError, Prompt


class PlatformCalls:
    """The calls of one instance to its platforms; each platform has places of its own."""

    def __init__(self, delays: Sequence[float], limit: int) -> None:
        """
        Args:
            delays: seconds to wait before each further try.
            limit: conversations with one platform that go on at the same time.
        """
        self._delays = delays
        self._slots: dict[str, asyncio.Semaphore] = defaultdict(partial(asyncio.Semaphore, limit))

    async def ask(self, name: str, find: Callable[[str], Platform], prompt: Prompt) -> str:
        """Get a whole answer; what may pass by itself is tried again a few times.

        Args:
            name: the platform's name.
            find: gives the platform of that name; asked for each try, since the configuration
                may have changed meanwhile.
            prompt: what is asked.

        Raises:
            PlatformError: there is no answer, and why.
            UserError: there is no such platform.
        """
        for delay in (*self._delays, None):
            try:
                async with self._slots[name]:
                    failpoint("asking")
                    return await _collect(find(name), prompt)
            except PlatformError as error:
                if not error.can_retry or delay is None:
                    raise
            await asyncio.sleep(delay)
        raise AssertionError("unreachable: the last try returns or raises")


async def _collect(platform: Platform, prompt: Prompt) -> str:
    async with contextlib.aclosing(platform.send(prompt)) as chunks:
        return "".join([chunk async for chunk in chunks])
