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
    How long an event may be is for `chunks` to say.
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
    # The portions of the line that has not ended yet. They are joined once, at its end: a long
    # line in many portions would otherwise be gone through again with each of them.
    begun: list[str] = []
    ended_in_cr = False
    async for chunk in chunks:
        text = decode(chunk)
        if not text:
            continue
        # A line ends in CR, LF or both, and both may come in two portions.
        if ended_in_cr:
            text = text.removeprefix("\n")
        ended_in_cr = text.endswith("\r")
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in lines:
            yield "".join((*begun, line))
            begun.clear()
        begun.append(rest)
