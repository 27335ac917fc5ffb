"""How long the plugin waits and how much it takes on: values that no operator has to set.

They are handed down from the plugin object, so that a test may run the same code with shorter
waits and smaller limits. What operators set is in settings.py.
"""

from __future__ import annotations

import attr

from ..matrix.retry import Backoff, RequestPolicies


@attr.frozen
class StreamTiming:
    """How an answer is shown while it is written; times in seconds.

    Attributes:
        whole_within: an answer that takes no longer is sent as a whole.
        first_characters: so many are enough to begin with, and so is a sentence.
        first_within: after the first of them, what there is is enough.
        moment: what the platform gets to say that this was all, before each event.
        intervals: the waits after the first events; the last one stays.
        least_new: characters that an edit must add, and `least_new_later` after those waits.
        most_edits: so many come at these intervals, further ones at `late_interval`.
        again: the wait before an event is tried again that could not be spared.
        notify_after: how long an answer takes whose end is worth a notification of its own.
    """

    whole_within: float = 1.5
    first_characters: int = 40
    first_within: float = 1.5
    moment: float = 0.05
    intervals: tuple[float, ...] = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0)
    least_new: int = 48
    least_new_later: int = 240
    most_edits: int = 30
    late_interval: float = 10.0
    again: float = 1.0
    notify_after: float = 60.0


@attr.frozen
class Timing:
    """Times, all in seconds.

    Attributes:
        requests: tries of single requests to the homeserver.
        backoff: tries of what nobody waits for, or nothing but the homeserver can help.
        reply: tries of a reply that the homeserver does not take.
        recheck: the shortest wait before a room is looked at again that could not be read.
        straggler: how long no room may answer before a look at several gives up the rest.
        room_wait: how long somebody waits, at most, for rooms of theirs that cannot be read.
        room_turn: how long a room that is being made keeps others waiting for their turn.
        urgent: how long a command waits for those before it that need no turn.
        tell: how long somebody waits in all for a room before they are told of it.
        write: how long one run may send state events; what is left is another run's.
        write_hurry: the same where somebody waits for the run, as at a start.
        debounce: how long changes are gathered before they are looked at.
        doubt: the wait before a second look, where the first saw far less than there was.
        verify: the wait before the state of the chats is verified, and between two parts of it.
        verify_again: how long a verification is good for: a week, but for a day in the queue.
        key_waits: the waits for the key to an encrypted message that cannot be read yet.
        platform_retries: the waits before a platform that has no answer is asked again.
        worth_telling: the shortest wait for a platform that its owner is told of.
        streaming: how an answer is shown while it is written.
        typing: how long an answer may take before it is shown that somebody is at work.
        typing_again: the wait before that is shown again.
        save_cursor: the least time between two writes of the sync token.
        erase: the wait between two looks for deleted rows to be erased from the files.
        expiry: the wait between two looks for what has been set aside for too long.
        stop: what work that has begun gets to end by itself when the plugin stops.
    """

    requests: RequestPolicies = attr.field(factory=RequestPolicies)
    backoff: Backoff = attr.field(default=Backoff(longest=300.0))
    reply: Backoff = attr.field(default=Backoff(longest=60.0))
    recheck: float = 5.0
    straggler: float = 2.0
    room_wait: float = 5.0
    room_turn: float = 5.0
    urgent: float = 10.0
    tell: float = 5.0
    write: float = 60.0
    write_hurry: float = 10.0
    debounce: float = 0.2
    doubt: float = 3.0
    verify: float = 5.0
    verify_again: float = 6 * 86400.0
    key_waits: tuple[float, ...] = (1.0, 4.0)
    platform_retries: tuple[float, ...] = (1.0, 4.0)
    worth_telling: float = 5.0
    streaming: StreamTiming = attr.field(factory=StreamTiming)
    typing: float = 0.5
    typing_again: float = 4.0
    save_cursor: float = 30.0
    erase: float = 60.0
    expiry: float = 600.0
    stop: float = 5.0


@attr.frozen
class Limits:
    """Numbers.

    Attributes:
        waiting: messages of one person that may wait; what comes beyond is set aside.
        set_aside: messages of one person that may be set aside; the oldest goes for the newest.
        conversations: conversations with one platform that go on at the same time.
        answer: characters of one answer that are kept; what comes beyond is not read.
        chats_at_once: further chats that one person may wait for.
        chats: chats that one person may have, archived ones included.
        verified_at_once: rooms read in one run of the verification, Spaces included; with the wait
            after each, 600 requests a minute.
        chats_in_a_part: about how many chats are read, planned and put in force together where
            everything is looked at.
    """

    waiting: int = 100
    set_aside: int = 200
    conversations: int = 64
    answer: int = 200_000
    chats_at_once: int = 10
    # Each is in its owner's Space, which is read whole again and again.
    chats: int = 5_000
    verified_at_once: int = 50
    chats_in_a_part: int = 2000
