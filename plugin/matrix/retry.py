"""What a call to the homeserver may cost, and how long a failed one waits for its next try.

mautrix retries neither a 429 nor a broken answer and drops `retry_after_ms`, so the discipline
stands here, once, for every call. Who waits for whom is decided in lanes.py.
"""

from __future__ import annotations

import random

import attr


@attr.frozen
class RetryPolicy:
    """What a kind of call may cost.

    Attributes:
        in_flight: calls of this kind at the same time.
        attempt: seconds to wait for one answer.
        total: seconds after which no further try is begun; 0 means a single try.
        retries_lost: a call that nobody answered is tried again, and not only one that was told
            to wait.
    """

    in_flight: int
    attempt: float
    total: float
    retries_lost: bool = True


@attr.frozen
class Backoff:
    """How long to wait before a further try: exponential, with jitter.

    Attributes:
        first: the longest wait after one failure, in seconds.
        longest: the longest wait ever, in seconds.
    """

    first: float = 1.0
    longest: float = 30.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, from 1."""
        most = min(self.longest, self.first * 2 ** min(failures - 1, 16))
        return random.uniform(most / 2, most)  # noqa: S311 (spreads load, keeps no secret)


@attr.frozen
class RequestPolicies:
    """What each kind of request may cost, and how long a failed one waits for its next try."""

    # More than a look at rooms takes: some of them may belong to rooms that never answer. Four
    # lanes have so many each, and maubot's client has a hundred connections for all that it does.
    read: RetryPolicy = attr.field(default=RetryPolicy(in_flight=20, attempt=60, total=60))
    write: RetryPolicy = attr.field(default=RetryPolicy(in_flight=8, attempt=30, total=300))
    # A room's own server may never answer, and whoever invites can name any: such a room must
    # not keep its place by being tried again here, nor all places be taken by a few of them.
    enter: RetryPolicy = attr.field(
        default=RetryPolicy(in_flight=32, attempt=30, total=300, retries_lost=False)
    )
    # Nor may somebody's own server answer when it is asked what they are called.
    name: RetryPolicy = attr.field(default=RetryPolicy(in_flight=8, attempt=5, total=5))
    # Many at once cost a homeserver less than one after the other: whoever waits for several is
    # told of them in one sync.
    message: RetryPolicy = attr.field(default=RetryPolicy(in_flight=96, attempt=30, total=300))
    # The homeserver may have made the room although it said otherwise: trying again is up to
    # whoever can look whether it did, and so is how many are made at once.
    create: RetryPolicy = attr.field(default=RetryPolicy(in_flight=32, attempt=120, total=0))
    # Synapse lets one person be invited five times, then once in five minutes: whoever asks for
    # that is told rather than kept waiting.
    invite: RetryPolicy = attr.field(default=RetryPolicy(in_flight=1, attempt=30, total=5))
    # Typing notices and receipts are worth nothing late.
    best_effort: RetryPolicy = attr.field(default=RetryPolicy(in_flight=4, attempt=10, total=0))
    backoff: Backoff = attr.field(factory=Backoff)
