"""Asks the homeserver until it answers, for what a start cannot go on without.

What is asked stays with whoever asks, so that nothing is called from here. Nothing that people
wait for belongs in here; what runs beside them is tried again by reconciler/loop.py.
"""

from __future__ import annotations

import asyncio
import logging

from mautrix.errors import MatrixRequestError

from .api import NoAnswer
from .retry import Backoff


class Attempts:
    """The attempts at one thing, for as long as they fail, with a pause before each further one.

    ::

        async for attempt in Attempts(backoff, log):
            with attempt:
                answer = await ask()

    An attempt that the homeserver does not answer is followed by another, and so is one that
    breaks down: a bug must not end the plugin for good, for what it stumbled over may go away.
    """

    def __init__(self, backoff: Backoff, log: logging.Logger, retry_refused: bool = False) -> None:
        """
        Args:
            backoff: the pauses.
            log: told of each failure.
            retry_refused: try again too what the homeserver refuses; else the block raises its
                MatrixRequestError.
        """
        self._backoff = backoff
        self._log = log
        self._retry_refused = retry_refused
        self._failures = 0
        self._error: BaseException | None = None
        self._succeeded = False

    def __aiter__(self) -> Attempts:
        return self

    async def __anext__(self) -> Attempts:
        if self._succeeded:
            raise StopAsyncIteration
        if self._failures:
            pause = self._backoff.delay(self._failures)
            self._log.warning(
                "Waiting for the homeserver (%s); next try in %.0f s", self._error, pause
            )
            await asyncio.sleep(pause)
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, traceback: object) -> bool:
        """Whether there will be another attempt: what went wrong is not raised then."""
        self._error = error
        self._succeeded = error is None
        self._failures += 1
        if isinstance(error, MatrixRequestError):
            return self._retry_refused
        if isinstance(error, Exception) and not isinstance(error, NoAnswer):
            self._log.error("Something broke down and is tried again", exc_info=error)
        return isinstance(error, Exception)
