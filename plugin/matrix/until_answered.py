"""Asks the homeserver until it answers, for what a start cannot go on without.

Nothing that a person waits for may be asked here; what fails while people are served is retried
by reconciler/loop.py.
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
    """Ask until the homeserver answers and does not refuse, however long that takes.

    Args:
        ask: makes the request.
        backoff: the wait after each failure.
        log: told of each failure.
    """
    for attempt in itertools.count(1):
        try:
            return await until_known(ask, backoff, log)
        except MatrixRequestError as error:
            await _pause(backoff.delay(attempt), error, log)
    raise AssertionError("unreachable: the count has no end")


async def until_known(ask: Callable[[], Awaitable[T]], backoff: Backoff, log: logging.Logger) -> T:
    """Ask until the homeserver answers, however long that takes.

    Args:
        ask: makes the request.
        backoff: the wait after each failure.
        log: told of each failure.

    Raises:
        MatrixRequestError: it refused.
    """
    for attempt in itertools.count(1):
        try:
            return await ask()
        except MatrixRequestError:
            raise
        except NoAnswer as error:
            await _pause(backoff.delay(attempt), error, log)
        except Exception as error:
            # A bug must not end the plugin for good: what triggered it may go away.
            log.exception("Something broke down and is tried again")
            await _pause(backoff.delay(attempt), error, log)
    raise AssertionError("unreachable: the count has no end")


async def _pause(pause: float, error: Exception, log: logging.Logger) -> None:
    log.warning("Waiting for the homeserver (%s); next try in %.0f s", error, pause)
    await asyncio.sleep(pause)
