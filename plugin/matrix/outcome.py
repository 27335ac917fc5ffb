"""What came of one call to the homeserver: answered, refused, or nobody knows.

The three are never mixed up: nothing may be concluded from an answer that was not understood. A
proxy's error page, a broken answer and a time-out are all `NoAnswer`. What stands in a room was
written by anybody, in any amount: no more of an answer is read than anybody needs, in nobody's
way. Nothing is sent from here.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import attr
from aiohttp import ClientResponse
from mautrix.errors import MatrixError, make_request_error

from .large_json import parse_large

TOO_MANY = "429: too many requests"
# Seconds beyond which a pause that a homeserver names makes no sense.
LONGEST_RETRY_AFTER = 86400.0
# Bytes that are parsed where they are; more are parsed in a thread.
SMALL = 200_000
# Characters of what a homeserver says about a refusal; it may be another one's, passed on.
LONGEST_REFUSAL = 300


class NoAnswer(MatrixError):
    """The homeserver gave no answer that means anything: nothing may be concluded from it.

    Attributes:
        retry_after: seconds the homeserver asked to wait, if it did.
        limited: it said that there were too many requests (a 429).
    """

    def __init__(self, what: str, retry_after: float | None = None, limited: bool = False) -> None:
        super().__init__(what)
        self.retry_after = retry_after
        self.limited = limited


class TooLarge(NoAnswer):
    """The homeserver would have answered with more than is read: asking again does not help."""


@attr.frozen
class HttpAnswer:
    """What was answered: the status, the JSON if it was any, and the pause that is asked for."""

    status: int
    body: Any
    retry_after: float | None


async def read_answer(response: ClientResponse, most: int | None) -> HttpAnswer:
    """Read an answer to its end.

    Args:
        response: the response.
        most: how many bytes of it are read; None for all that there are.

    Raises:
        TooLarge: there are more.
        ClientError, OSError: the connection was lost.
    """
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if most is not None and size > most:
            raise TooLarge(f"more than {most} bytes")
    try:
        if size <= SMALL:
            body = json.loads(b"".join(pieces).decode(errors="replace"))
        else:
            body = await asyncio.to_thread(parse_large, pieces)
    except (ValueError, RecursionError):
        # No JSON, or deeper than anybody writes by mistake.
        body = None
    retry_after = _seconds(response.headers.get("Retry-After"))
    if isinstance(body, dict) and retry_after is None:
        retry_after = _seconds(body.get("retry_after_ms"), per_second=1000)
    return HttpAnswer(response.status, body, retry_after)


def _seconds(value: Any, per_second: int = 1) -> float | None:
    try:
        number = float(value) / per_second
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < LONGEST_RETRY_AFTER else None


def classify(answer: HttpAnswer) -> Any:
    """What an answer amounts to (client-server API, section 2.1: errors carry an errcode).

    Returns:
        The JSON value of a success.

    Raises:
        MatrixRequestError, NoAnswer: it is none.
    """
    status, body = answer.status, answer.body
    if status == 429:
        raise NoAnswer(TOO_MANY, answer.retry_after, limited=True)
    if 200 <= status < 300:
        if isinstance(body, (dict, list)):
            return body
        raise NoAnswer(f"{status} with a body that is no JSON object")
    errcode = body.get("errcode") if isinstance(body, dict) else None
    # A 401 is about the bot's access token, and says nothing of what was asked.
    if not isinstance(errcode, str) or not 400 <= status < 500 or status == 401:
        raise NoAnswer(f"{status} {errcode or 'without a Matrix error'}")
    message = " ".join(str(body.get("error", ""))[:LONGEST_REFUSAL].split())
    raise make_request_error(http_status=status, text=message, errcode=errcode, message=message)
