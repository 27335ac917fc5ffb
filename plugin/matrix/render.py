"""How a message looks: its text in Markdown becomes HTML, off the event loop.

Anybody can make the bot say anything, so it costs nobody but a thread of this module's, and that
not for long; what takes longer is sent as it was written. What HTML may hold, and which parser
is used, is known to markup/ alone.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import attr

from ..markup import html

# Where none of these is found, Markdown leaves a text as it is: nothing is to be rendered.
MARKUP = re.compile(r"[\\`*_\[\]<>&#~|=$]|^[ \t]*(?:[-+]|\d+[.)])|^(?: {4}|\t)|  $", re.M)
# Characters. A message's piece is shorter; what is longer is no message.
LONGEST = 32_768


@attr.frozen
class RenderLimits:
    """What a message's looks may cost, in seconds.

    Attributes:
        work: of the processor's time, for one text.
        wait: until its turn comes; there is one thread.
    """

    work: float = 0.25
    wait: float = 3.0


class Renderer:
    """Renders one text after the other."""

    def __init__(self, limits: RenderLimits) -> None:
        self.limits = limits
        self._thread = ThreadPoolExecutor(1, "spacekeeper-render")

    async def render(self, text: str) -> str | None:
        """The HTML for a text in Markdown.

        Returns:
            None where the text is best sent without any: it would take too long.
        """
        return await self._in_thread(html.to_html, text)

    async def render_unfinished(self, text: str) -> str | None:
        """The HTML for a text that is still being written: whole blocks as they will look, the
        rest as it is written. Otherwise as `render`."""
        return await self._in_thread(html.unfinished_to_html, text)

    async def _in_thread(self, convert: Callable[[str, float], str], text: str) -> str | None:
        if len(text) > LONGEST:
            return None
        latest = time.monotonic() + self.limits.wait
        loop = asyncio.get_running_loop()
        try:
            rendering = loop.run_in_executor(self._thread, self._render, convert, text, latest)
        except RuntimeError:
            # Closed: what is still sent at a stop is sent as it was written.
            return None
        return await rendering

    def close(self) -> None:
        """Let go of the thread, when it has nothing left to do."""
        self._thread.shutdown(wait=False)

    def _render(
        self, convert: Callable[[str, float], str], text: str, latest: float
    ) -> str | None:
        if time.monotonic() > latest:
            return None
        try:
            return convert(text, self.limits.work)
        except Exception:  # noqa: BLE001 (a parser's bug costs the looks of one message)
            return None
