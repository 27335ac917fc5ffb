"""What a platform has said of an answer so far, while it is still at it.

It is filled by whoever asks the platform and read by whoever shows it to people; neither knows
the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..message import UNSENDABLE, sanitize
from ..platforms.protocol import PlatformError


class Draft:
    """An answer that is being written.

    Attributes:
        asked_at: the event loop's time at which somebody wanted it.
        begun: done when the platform is asked.
        size: how many characters there are, white space before them left out.
        is_too_long: the platform had more to say than one answer can hold.
        first_at: the event loop's time at which the first of them came.
    """

    def __init__(self, tell: Callable[[PlatformError], Awaitable[None]]) -> None:
        """
        Args:
            tell: called when the platform is asked again after a long wait.
        """
        loop = asyncio.get_running_loop()
        self.asked_at = loop.time()
        self.begun: asyncio.Future[None] = loop.create_future()
        self.size = 0
        self.is_too_long = False
        self.first_at = 0.0
        self._tell = tell
        self._parts: list[str] = []
        self._more = asyncio.Event()

    @property
    def text(self) -> str:
        """What there is, as it can be sent."""
        return sanitize("".join(self._parts)).strip()

    async def more(self, until: float | None = None) -> None:
        """Wait until there is more.

        Args:
            until: the event loop's time after which no longer.
        """
        self._more.clear()
        seconds = None if until is None else max(0.0, until - asyncio.get_running_loop().time())
        waiting = asyncio.ensure_future(self._more.wait())
        try:
            await asyncio.wait({waiting}, timeout=seconds)
        finally:
            waiting.cancel()

    def begin(self) -> None:
        """Begin from nothing: the platform is asked, perhaps again."""
        self._parts, self.size, self.is_too_long = [], 0, False
        if not self.begun.done():
            self.begun.set_result(None)

    def hear(self, text: str) -> None:
        """Take in what the platform said."""
        # Halves of a character stay: the next chunk may put them together.
        text = text.replace(UNSENDABLE, "")
        if not self.size and (text := text.lstrip()):
            self.first_at = asyncio.get_running_loop().time()
        if text:
            self._parts.append(text)
            self.size += len(text)
            self._more.set()

    def overflow(self) -> None:
        """Note that there is more than one answer can hold."""
        self.is_too_long = True

    async def wait(self, error: PlatformError) -> None:
        """Tell people that the platform is asked again later."""
        await self._tell(error)
