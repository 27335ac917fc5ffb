"""A server's response, read as it comes: for as long as words come, and so much of it at a time.

It stands between aiohttp and what the bytes mean: what ends the reading is the same for a stream,
a whole answer and an error. It must not know what a server was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import aiohttp

from . import failures

# Bytes of one event, or of an answer that comes whole. Reasoning is in it, and JSON around it.
LARGEST_PART = 4_000_000


class ResponseReader:
    """One response, read once."""

    def __init__(self, response: aiohttp.ClientResponse, timeout: float) -> None:
        """
        Args:
            response: the response; its caller closes it.
            timeout: how many seconds may pass without a word.
        """
        self._response = response
        self._timeout = timeout
        self._size = 0
        self._overdue = False
        self.note_words()

    def note_words(self) -> None:
        """Give the server its whole time again: what came has words in it.

        Bytes alone are no sign of life: proxies and servers send comments, white space and empty
        events for as long as a connection is open.
        """
        self._until = asyncio.get_running_loop().time() + self._timeout

    def note_part(self) -> None:
        """Begin to count anew: the part that was read has come to its end."""
        self._size = 0

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yields the bytes as they come.

        Raises:
            PlatformError: the connection was lost, or a part is too large.
            asyncio.TimeoutError: no words came for too long.
        """
        while chunk := await self._read():
            self._size += len(chunk)
            if self._size > LARGEST_PART:
                raise failures.explain_excess()
            yield chunk

    async def read_all(self) -> bytes:
        """The whole body; raises what `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def _read(self) -> bytes:
        # A timer that closes the response, because `asyncio.wait_for` may lose a cancellation
        # that comes in the same moment as a chunk (Python 3.11 and older). It runs while the
        # server is waited for, and not while somebody works on what came.
        timer = asyncio.get_running_loop().call_at(self._until, self._give_up)
        try:
            chunk: bytes = await self._response.content.readany()
        except aiohttp.ClientError as error:
            if self._overdue:
                raise asyncio.TimeoutError from error
            raise failures.explain_break(type(error).__name__) from error
        finally:
            timer.cancel()
        if self._overdue:
            raise asyncio.TimeoutError
        return chunk

    def _give_up(self) -> None:
        self._overdue = True
        self._response.close()
