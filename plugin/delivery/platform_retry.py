"""Asks a platform, again where that can help, and only so many conversations at a time.

No platform tries a request again by itself: how often and how soon is the same for all of them.
What an answer is for is not known here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from ..config.active import CurrentConfig
from ..platforms.protocol import Platform, PlatformError, Prompt


class PlatformCalls:
    """The calls of one instance to its platforms; each platform has places of its own."""

    def __init__(self, config: CurrentConfig, delays: Sequence[float], limit: int) -> None:
        """
        Args:
            config: says what the platforms are; read anew for each try.
            delays: seconds to wait before each further try.
            limit: conversations with one platform that go on at the same time.
        """
        self._config = config
        self._delays = delays
        self._slots: dict[str, asyncio.Semaphore] = defaultdict(partial(asyncio.Semaphore, limit))

    async def ask(self, name: str, prompt: Prompt) -> str:
        """Get a whole answer; what may pass by itself is tried again a few times.

        Args:
            name: the platform's name.
            prompt: what is asked.

        Raises:
            PlatformError: there is no answer, and why.
            UserError: there is no such platform.
        """
        for delay in (*self._delays, None):
            try:
                async with self._slots[name]:
                    return await _collect(self._config.platform(name), prompt)
            except PlatformError as error:
                if not error.can_retry or delay is None:
                    raise
            await asyncio.sleep(delay)
        raise AssertionError("unreachable: the last try returns or raises")


async def _collect(platform: Platform, prompt: Prompt) -> str:
    async with contextlib.aclosing(platform.send(prompt)) as chunks:
        return "".join([chunk async for chunk in chunks])
