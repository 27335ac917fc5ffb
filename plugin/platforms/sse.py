"""Server-sent events: the data of each event, out of bytes that arrive in any portions.

Platforms that answer piece by piece share it. It must not know what the data mean.
Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

import codecs
from collections.abc import AsyncGenerator, AsyncIterator


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """Yields the data of each event; a line that the end of the stream cuts off is dropped.

    Unlike a browser it takes a last event without the empty line behind it, because servers
    forget that line. Errors of `chunks` pass through; broken UTF-8 becomes replacement signs.
    """
    data: list[str] = []
    async for line in _read_lines(chunks):
        if line.startswith("data:"):
            data.append(line[len("data:") :].removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []
    if data:
        yield "\n".join(data)


async def _read_lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
    rest = ""
    async for chunk in chunks:
        rest += decode(chunk)
        # A line ends in CR, LF or both; a CR at the very end may be the first half of both.
        half = "\r" if rest.endswith("\r") else ""
        whole = rest[: len(rest) - len(half)]
        *lines, rest = whole.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        rest += half
        for line in lines:
            yield line
    if rest.endswith("\r"):
        yield rest[:-1]
