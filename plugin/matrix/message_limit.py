"""The homeserver's limit on messages, as far as it can be told from here.

A homeserver lets an account send so many events at once and then so many a second, whatever the
room, edits and state included, and tells neither number. So what it accepted is counted here as
Synapse counts it by default; what nobody needs to see asks here first. Nothing waits here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from .outcome import NoAnswer

# The kinds of requests that count towards it, and those that are refused for nothing else.
COUNTED = ("message", "state", "create")
LIMITED = ("message", "state")
# Synapse's default (`rc_message`): so many at once, and then so many a second.
BURST, PER_SECOND = 10, 0.2
# More than so many beyond what there can be were accepted: the account is under no limit, or
# another one. The clocks of two machines, or a request that was sent twice and counted once,
# explain one.
IN_DOUBT = 1.5


class MessageLimit:
    """Counts the events that the homeserver accepted from the account.

    Attributes:
        lifted: more was accepted than the limit allows; believed until the next refusal.
        per_second: how many events are accepted in a second in the long run.
    """

    def __init__(self) -> None:
        self.lifted = False
        self.per_second = PER_SECOND
        self._tokens = float(BURST)
        self._counted_at = 0.0
        self._promised = 0
        self._on_their_way = 0

    @property
    def tokens(self) -> float:
        """How many events would be accepted at once."""
        now = asyncio.get_running_loop().time()
        self._tokens = min(BURST, self._tokens + (now - self._counted_at) * self.per_second)
        self._counted_at = now
        return self._tokens

    def count(self) -> None:
        """Count an event that was accepted."""
        self._tokens = self.tokens - 1
        if self._tokens < -IN_DOUBT:
            self.lifted = True

    def refuse(self) -> None:
        """Take in that one was refused: there were too many."""
        self.lifted = False
        self._counted_at = asyncio.get_running_loop().time()
        self._tokens = 0.0

    @contextlib.contextmanager
    def sending(self, kind: str) -> Iterator[None]:
        """While in here, a request that counts was sent of which it is not known yet whether it is
        accepted.

        Args:
            kind: the kind of its endpoint, one of COUNTED.
        """
        self._on_their_way += 1
        try:
            yield
        except NoAnswer as error:
            if error.limited and kind in LIMITED:
                self.refuse()
            raise
        else:
            self.count()
        finally:
            self._on_their_way -= 1

    @contextlib.contextmanager
    def promised(self) -> Iterator[None]:
        """Keep one event for the end of what goes on in this block."""
        self._promised += 1
        try:
            yield
        finally:
            self._promised -= 1

    def has_spare(self, least: int) -> bool:
        """Whether an event can be spent that nobody needs.

        Args:
            least: how many must be left after it; what is promised is left in any case.
        """
        left = self.tokens - self._on_their_way - 1
        return self.lifted or left >= max(least, self._promised)
