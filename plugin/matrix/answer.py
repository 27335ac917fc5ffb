"""One answer of the homeserver's, read: no more of it than anybody needs, in nobody's way.

What stands in a room was written by anybody, in any amount: an answer about a room has a bound,
and one that takes long to parse is parsed beside the event loop. What it means is not known here.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import attr
from aiohttp import ClientResponse

# Characters that are parsed where they are; more are parsed in a thread.
SMALL = 200_000
# Seconds beyond which a pause that a homeserver names makes no sense.
LONGEST_RETRY_AFTER = 86400.0


class Excess(Exception):
    """An answer is larger than was asked for."""


@attr.frozen
class Answer:
    """One answer.

    Attributes:
        status: the HTTP status.
        body: the JSON value; None if there is none.
        retry_after: for how many seconds the homeserver asked to be left alone, if it did.
    """

    status: int
    body: Any
    retry_after: float | None


async def read_answer(response: ClientResponse, most: int | None) -> Answer:
    """Read an answer to its end.

    Args:
        response: the response.
        most: how many bytes of it are read; None for all that there are.

    Raises:
        Excess: there are more.
        ClientError, OSError: the connection was lost.
    """
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if most is not None and size > most:
            raise Excess
    text = b"".join(pieces).decode(errors="replace")
    try:
        if len(text) <= SMALL:
            body = json.loads(text)
        else:
            # The hook lets other threads have a turn, which the parser itself never does.
            body = await asyncio.to_thread(json.loads, text, object_hook=_itself)
    except (ValueError, RecursionError):
        # No JSON, or deeper than anybody writes by mistake.
        body = None
    retry_after = _seconds(response.headers.get("Retry-After"))
    if isinstance(body, dict) and retry_after is None:
        retry_after = _seconds(body.get("retry_after_ms"), per_second=1000)
    return Answer(response.status, body, retry_after)


def _itself(value: dict[str, Any]) -> dict[str, Any]:
    return value


def _seconds(value: Any, per_second: int = 1) -> float | None:
    try:
        number = float(value) / per_second
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < LONGEST_RETRY_AFTER else None
