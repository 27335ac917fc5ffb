"""Asks the homeserver until there is an answer: a start has nothing better to do.

Nothing that people wait for belongs in here; what runs beside them is tried again by the loop in
reconciliation.py.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mautrix.errors import MatrixRequestError

from .api import NoAnswer
from .retry import Backoff

T = TypeVar("T")


async def until_answered(
    ask: Callable[[], Awaitable[T]], backoff: Backoff, log: logging.Logger
) -> T:
    """Ask the homeserver until it does what it is asked, however long that takes."""
    for attempt in itertools.count(1):
        try:
            return await until_known(ask, backoff, log)
        except MatrixRequestError as error:
            await _pause(backoff.delay(attempt), error, log)
    raise AssertionError("unreachable: the count has no end")


async def until_known(ask: Callable[[], Awaitable[T]], backoff: Backoff, log: logging.Logger) -> T:
    """Ask the homeserver until it answers, however long that takes.

    Raises:
        MatrixRequestError: it answered, and refused.
    """
    for attempt in itertools.count(1):
        try:
            return await ask()
        except MatrixRequestError:
            raise
        except NoAnswer as error:
            await _pause(backoff.delay(attempt), error, log)
        except Exception as error:
            # A bug must not end the plugin for good: what it stumbled over may go away.
            log.exception("Something broke down and is tried again")
            await _pause(backoff.delay(attempt), error, log)
    raise AssertionError("unreachable: the count has no end")


async def _pause(pause: float, error: Exception, log: logging.Logger) -> None:
    log.warning("Waiting for the homeserver (%s); next try in %.0f s", error, pause)
    await asyncio.sleep(pause)
